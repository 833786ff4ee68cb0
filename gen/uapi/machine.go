// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A ForeignError says that the asm/ headers of a target are missing, or belong to another
// machine.
type ForeignError struct {
	// Arch is the target, as in GOARCH.
	Arch string
	// Dir is the directory that was searched for asm/. Found is the kernel's name
	// of the machine whose headers it has; empty if it has none.
	Dir, Found string
	// Mark is a macro that only the headers of that machine define.
	Mark string
}

// Error names the headers that were found, and where the right ones come from.
func (e *ForeignError) Error() string {
	what := fmt.Sprintf("%s: asm/ belongs to %s, not to %s: it defines %s", e.Dir, e.Found, e.Arch, e.Mark)
	if e.Found == "" {
		what = fmt.Sprintf("%s: no asm/ headers for %s", e.Dir, e.Arch)
	}
	return what + fmt.Sprintf(" (apt-get install linux-libc-dev-%s-cross, or name the directory with --include %s=DIR)", debianArch(e.Arch), e.Arch)
}

// debianArch returns Debian's name of an architecture.
func debianArch(arch string) string {
	switch arch {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	case "mipsle":
		return "mipsel"
	case "mips64le":
		return "mips64el"
	case "ppc64le":
		return "ppc64el"
	}
	return arch
}

// asmMarks are macros that only one machine's asm/ headers define.
var asmMarks = []struct{ kernel, file, macro string }{
	{"x86", "ptrace-abi.h", "PTRACE_SINGLEBLOCK"},
	{"x86", "processor-flags.h", "X86_EFLAGS_CF_BIT"},
	{"x86", "ldt.h", "LDT_ENTRIES"},
	{"arm64", "sve_context.h", "__SVE_VQ_BYTES"},
	{"arm64", "ptrace.h", "PSR_MODE_EL0t"},
	{"arm", "ptrace.h", "PTRACE_GETVFPREGS"},
	{"riscv", "hwcap.h", "COMPAT_HWCAP_ISA_I"},
	{"riscv", "elf.h", "R_RISCV_NONE"},
	{"s390", "ptrace.h", "NUM_GPRS"},
	{"s390", "ptrace.h", "PTRACE_PEEKUSR_AREA"},
	{"mips", "sgidefs.h", "_MIPS_ISA_MIPS1"},
	{"powerpc", "ptrace.h", "PT_NIP"},
	{"loongarch", "reg.h", "LOONGARCH_EF_R0"},
	{"sparc", "psr.h", "PSR_CWP"},
	{"parisc", "pdc.h", "PDC_MODEL"},
	{"alpha", "fpu.h", "FPCR_INVD"},
	{"ia64", "ia64regs.h", "_IA64_REG_IP"},
	{"m68k", "cachectl.h", "FLUSH_SCOPE_LINE"},
	{"arc", "ptrace.h", "PTRACE_GET_THREAD_AREA"},
}

// asmOf returns the machine of the asm/ headers in dir, and the macro that shows it; "" if
// it is unknown.
func asmOf(dir string) (kernel, mark string) {
	for _, m := range asmMarks {
		text, err := os.ReadFile(filepath.Join(dir, "asm", m.file))
		if err != nil {
			continue
		}
		if regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+` + m.macro + `\b`).Match(text) {
			return m.kernel, m.macro
		}
	}
	return "", ""
}

// hasDir reports whether dir has a directory of a name.
func hasDir(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.IsDir()
}

// targetDirs returns where the compiler looks for a target's headers, given the
// directories that a user names. Debian keeps asm/ in a subdirectory
// named after the machine, and for cross compiling in /usr/TRIPLET/include.
func targetDirs(arch string, dirs []string) ([]string, error) {
	var (
		out []string
		t   = targets[arch]
		asm *ForeignError
		own bool // some asm/ is there for the target
	)
	for _, d := range dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return nil, fmt.Errorf("uapi: %w", err)
		}
		info, err := os.Stat(abs)
		if err != nil {
			return nil, fmt.Errorf("uapi: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("uapi: %s: not a directory", abs)
		}
		dirs, foreign := expandDir(abs, t)
		for _, d := range dirs {
			if hasDir(d, "asm") {
				own = true
			}
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
		if foreign != nil && asm == nil {
			foreign.Arch = arch
			asm = foreign
		}
	}
	// A missing asm/ is no error if another directory has it. The asm/ of another machine
	// is one.
	if asm != nil && (!own || asm.Found != "") {
		return nil, asm
	}
	return out, nil
}

// expandDir returns the directories to search for the headers in dir on a target. Debian
// keeps the asm/ of a target in another directory: DIR/TRIPLET for the machine's own
// headers, and DIR/../TRIPLET/include for those of a cross compiler. The error says that
// dir has the asm/ of another machine, or none.
func expandDir(dir string, t target) ([]string, *ForeignError) {
	for _, triplet := range append(slices.Clone(t.debian), sameMachine(t)...) {
		if sub := filepath.Join(dir, triplet); hasDir(sub, "asm") {
			if kernel, _ := asmOf(sub); kernel == "" || kernel == t.kernel {
				return []string{sub, dir}, nil
			}
		}
	}
	kernel, mark := asmOf(dir)
	if kernel == t.kernel || kernel == "" && hasDir(dir, "asm") {
		return []string{dir}, nil
	}
	if filepath.Base(dir) == "include" {
		for _, triplet := range append(slices.Clone(t.debian), sameMachine(t)...) {
			cross := filepath.Join(filepath.Dir(dir), triplet, "include")
			if k, _ := asmOf(cross); hasDir(cross, "asm") && hasDir(cross, "linux") && (k == "" || k == t.kernel) {
				return []string{cross}, nil
			}
		}
	}
	switch {
	case kernel != "":
		return []string{dir}, &ForeignError{Dir: dir, Found: kernel, Mark: mark}
	case hasDir(dir, "linux") && debianLayout(dir):
		return []string{dir}, &ForeignError{Dir: dir}
	}
	return []string{dir}, nil
}

// sameMachine returns Debian's names of all targets with the same asm/.
func sameMachine(t target) []string {
	var out []string
	for _, arch := range Arches() {
		if targets[arch].kernel == t.kernel {
			out = append(out, targets[arch].debian...)
		}
	}
	return out
}

// debianLayout reports whether asm/ lies in directories named after machines.
func debianLayout(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return isTriplet(e.Name()) && hasDir(filepath.Join(dir, e.Name()), "asm")
	})
}

// IncludeDirs returns the directories for a target: those given for it alone, and
// the common ones too if the former have no linux/.
func IncludeDirs(arch string, common []string, only map[string][]string) []string {
	own := only[arch]
	if slices.ContainsFunc(own, func(d string) bool { return hasDir(d, "linux") }) {
		return own
	}
	return slices.Concat(own, common)
}

// SplitInclude splits a value of --include: "DIR", or "ARCH=DIR" for one
// target alone. arch is empty for the former.
func SplitInclude(value string) (arch, dir string, err error) {
	if before, after, ok := strings.Cut(value, "="); ok && !strings.ContainsRune(before, filepath.Separator) {
		if _, known := targets[before]; known {
			arch, value = before, after
		} else if _, err := os.Stat(value); err != nil {
			return "", "", fmt.Errorf("unknown architecture %q: want one of %s", before, strings.Join(Arches(), ", "))
		}
	}
	if value == "" {
		return "", "", errors.New("no directory")
	}
	return arch, value, nil
}

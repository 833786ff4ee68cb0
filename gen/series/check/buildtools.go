// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
)

// toolPart is a part of a kernel tree's user space that is built on its own.
type toolPart struct {
	name string
	// dir is where make runs.
	dir string
	// sources are the paths of its inputs.
	sources []string
	// files are the touched files of this part. programs are the selftests to compile.
	files, programs []string
}

const (
	libbpfDir    = "tools/lib/bpf"
	bpftoolDir   = "tools/bpf/bpftool"
	selftestsDir = "tools/testing/selftests"
)

var (
	toolSources = []string{"tools/build", "tools/scripts", "tools/include", "tools/arch", "scripts/bpf_doc.py", libbpfDir}
	// headerSources are the files that make headers reads.
	headerSources = []string{"Makefile", "Kbuild", "scripts", "include/uapi", "include/asm-generic", "arch/x86/Makefile",
		"arch/x86/include", "arch/x86/entry/syscalls", "arch/x86/tools", "usr/include", "tools/include", "tools/scripts"}
)

// toolParts returns the parts that compile or use the files that the series touches.
func (j *job) toolParts() (parts []*toolPart) {
	add := func(name, dir string, sources []string, file string) *toolPart {
		i := slices.IndexFunc(parts, func(p *toolPart) bool { return p.name == name })
		if i < 0 {
			parts = append(parts, &toolPart{name: name, dir: dir, sources: sources})
			i = len(parts) - 1
		}
		parts[i].files = append(parts[i].files, file)
		return parts[i]
	}
	for _, f := range j.touched() {
		switch {
		case strings.HasPrefix(f, libbpfDir+"/"), strings.HasPrefix(f, "tools/include/uapi/"):
			add("libbpf", libbpfDir, toolSources, f)
		case strings.HasPrefix(f, bpftoolDir+"/") && !strings.HasPrefix(f, bpftoolDir+"/Documentation/"):
			add("bpftool", bpftoolDir, append(slices.Clone(toolSources), bpftoolDir, "kernel/bpf/disasm.c", "kernel/bpf/disasm.h"), f)
		case strings.HasPrefix(f, selftestsDir+"/") && path.Dir(f) != selftestsDir:
			dir := path.Dir(f)
			// The Makefile must be in the same directory as the program.
			p := add(strings.TrimPrefix(dir, "tools/testing/"), dir, append(slices.Clone(headerSources), selftestsDir+"/lib.mk",
				selftestsDir+"/kselftest.h", selftestsDir+"/kselftest_harness.h", selftestsDir+"/kselftest", dir), f)
			if strings.HasSuffix(f, ".c") && !strings.HasSuffix(f, ".bpf.c") {
				p.programs = append(p.programs, strings.TrimSuffix(path.Base(f), ".c"))
			}
		}
	}
	return parts
}

// readMakefile are arguments with which make only reads the Makefile. A dry run does more:
// it runs the make of libraries, in directories that it did not make.
var readMakefile = []string{"--eval=only-read-the-makefile: ;", "only-read-the-makefile"}

// checkTools builds the user space programs that the series touches, before and after
// the patch, with gcc and the flags of their Makefiles.
func checkTools(ctx context.Context, j *job, p *Patch) (Result, error) {
	before, err := j.toolsState(ctx, p.Before)
	if err != nil {
		return Result{}, err
	}
	after, err := j.toolsState(ctx, p.After)
	if err != nil {
		return Result{}, err
	}
	if before.Broken != "" {
		return Result{Code: Blocked, Summary: "the tree before the patch does not build: " + before.Broken}, nil
	}
	if len(j.toolParts()) == 0 {
		return pass("no libbpf, bpftool or selftest touched"), nil
	}
	return compareBuilds(before, after), nil
}

// toolsState returns the diagnostics of all parts as of a commit.
func (j *job) toolsState(ctx context.Context, commit string) (*state, error) {
	key := stateKey("tools", commit)
	if s := j.states[key]; s != nil {
		return s, nil
	}
	all := &state{Errors: findings{}, Warnings: findings{}}
	for _, part := range j.toolParts() {
		s, err := j.partState(ctx, part, commit)
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", part.name, err)
		}
		all.Errors.add(s.Errors)
		all.Warnings.add(s.Warnings)
		all.Order = append(all.Order, s.Order...)
		all.Objects += s.Objects
		all.Read = append(all.Read, s.Read...)
		if s.Broken != "" {
			all.Broken = s.Broken
		}
	}
	j.states[key] = all
	return all, nil
}

// Increment toolsVersion when the results of the builds of tools become invalid.
const toolsVersion = 1

// partState returns the diagnostics of a part as of a commit. The cache keeps them under
// the content of the sources, because most patches do not change these.
func (j *job) partState(ctx context.Context, part *toolPart, commit string) (*state, error) {
	if _, ok, err := j.repo.show(ctx, commit, part.dir+"/Makefile"); err != nil || !ok {
		return &state{}, err
	}
	ids, err := j.repo.git(ctx, append([]string{"ls-tree", commit, "--"}, part.sources...)...)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d tools %d %s %q %q\n%s\n%s", stateVersion, toolsVersion, part.name, part.files, part.programs, ids, toolID("gcc"))
	file := filepath.Join(j.memo.dir, "tools-"+hex.EncodeToString(h.Sum(nil)[:16])+".json")
	s := &state{}
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, s) == nil {
		return s, nil
	}
	defer j.opt.Progress.Step("build "+j.Name(), part.name)(&err)
	if err = j.repo.at(ctx, commit); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(filepath.Dir(j.repo.src), "tools-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if s, err = part.build(ctx, j.repo.src, work, j.opt.Jobs); err != nil {
		return nil, err
	}
	// Some Makefiles write into the source tree.
	if err = j.repo.clean(ctx); err != nil || s.Broken != "" {
		return s, err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, cache.WriteFile(file, data, 0o644)
}

// build builds a part below the directory work.
func (p *toolPart) build(ctx context.Context, src, work string, jobs int) (*state, error) {
	out, log := filepath.Join(work, "out"), filepath.Join(work, "log")
	if err := os.Mkdir(out, 0o755); err != nil {
		return nil, err
	}
	wrapper := filepath.Join(work, "cc")
	text := compiler
	if p.programs != nil {
		text = dependCompiler // its Makefiles compile programs in one step
	}
	if err := cache.WriteFile(wrapper, []byte(text), 0o755); err != nil {
		return nil, err
	}
	var output strings.Builder
	run := func(dir string, args ...string) error {
		c := &proc.Cmd{Args: append([]string{"make", "-k", fmt.Sprintf("-j%d", jobs), "-C", filepath.Join(src, dir)}, args...),
			Dir: work, Env: plainEnv("LC_ALL=C"), Stdout: io.Discard, Stderr: &output}
		return c.Run(ctx)
	}
	args := []string{"CC=" + wrapper + " gcc", "HOSTCC=gcc", "OUTPUT=" + out + "/"}
	switch {
	case p.dir == bpftoolDir:
		features := filepath.Join(work, "features")
		if err := os.WriteFile(features, []byte("feature-libelf=1\nfeature-zlib=1\n"), 0o644); err != nil {
			return nil, err
		}
		// Leave out targets that need the BTF of a kernel or optional libraries.
		args = append(args, "FEATURES_DUMP="+features, "VMLINUX_BTF=", "SKIP_LLVM=1", "SKIP_LIBBFD=1", "SKIP_CRYPTO=1")
	case strings.HasPrefix(p.dir, selftestsDir):
		headers := filepath.Join(work, "headers")
		if err := run("", "-s", "O="+headers, "headers"); err != nil {
			return p.failed(ctx, src, out, output.String(), err)
		}
		args[2] = "OUTPUT=" + out
		args = append(args, "KHDR_INCLUDES=-isystem "+filepath.Join(headers, "usr", "include"))
		n := 0
		for _, name := range p.programs {
			if _, err := os.Stat(filepath.Join(src, p.dir, name+".c")); err == nil {
				args = append(args, filepath.Join(out, name))
				n++
			}
		}
		if n == 0 {
			args = append(args, readMakefile...)
		}
	}
	err := run(p.dir, args...)
	if cerr := os.WriteFile(log, []byte(output.String()), 0o644); cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return p.failed(ctx, src, out, output.String(), err)
	}
	return p.collect(src, out, output.String(), false)
}

// failed returns the diagnostics of a make that failed.
func (p *toolPart) failed(ctx context.Context, src, out, log string, err error) (*state, error) {
	if ctx.Err() != nil || !exited(err) {
		return nil, err
	}
	return p.collect(src, out, log, true)
}

func (p *toolPart) collect(src, out, log string, failed bool) (*state, error) {
	d := newDiagnostics(src)
	s := &state{}
	err := filepath.WalkDir(out, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".diag") {
			return err
		}
		s.Objects++
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	d.read(strings.ReplaceAll(log, out, "OUTPUT"))
	d.readMake(log)
	if failed {
		d.readFailed(strings.ReplaceAll(log, out, "OUTPUT"))
	}
	s.Errors, s.Warnings, s.Order = d.errors, d.warnings, d.order
	// The build of libbpf prints these if copies of a header differ.
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "Warning: ") {
			s.Warnings[strings.ReplaceAll(strings.TrimSpace(line), out, "OUTPUT")]++
		}
	}
	if s.Read, err = readFiles(out, src, p.dir, p.files); err != nil {
		return nil, err
	}
	for _, f := range p.files {
		// make and the linker read these.
		if path.Dir(f) == p.dir && (hasSuffix(".map", ".template")(f) || path.Base(f) == "Makefile" || path.Base(f) == "Build") {
			s.Read = append(s.Read, f)
		}
	}
	slices.Sort(s.Read)
	s.Read = slices.Compact(s.Read)
	return s, nil
}

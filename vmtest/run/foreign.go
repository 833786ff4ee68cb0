// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/prepare"
)

// ErrForeign is wrapped by errors about a program that does not run on the architecture
// of the guest.
var ErrForeign = errors.New("program of another architecture")

// machines are the architectures in ELF files.
var machines = map[elf.Machine]string{elf.EM_X86_64: arch.Amd64, elf.EM_AARCH64: "arm64", elf.EM_S390: "s390x"}

// find finds the program that a user named, as a shell in the guest would. A
// guest of another architecture has tools of its own. Other programs must be
// static files for that architecture.
func (opt *GuestOptions) find(program string) (string, error) {
	a, err := arch.Find(opt.Source.Arch)
	if err != nil {
		return "", fmt.Errorf("%w: %w", prepare.ErrSource, err)
	}
	if !a.Cross() {
		return opt.resolve(program)
	}
	if !strings.Contains(program, "/") {
		return path.Join(wire.ToolDir, program), nil
	}
	found, err := opt.resolve(program)
	if err != nil {
		return "", err
	}
	return found, runsOn(found, a)
}

// runsOn checks that a program can run in a guest that has no shared libraries of its
// architecture.
func runsOn(program string, a *arch.Arch) error {
	f, err := elf.Open(program)
	if _, isFormat := errors.AsType[*elf.FormatError](err); isFormat || errors.Is(err, os.ErrPermission) {
		return nil // a script, or a file that only the guest's root can read
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", program, err)
	}
	defer f.Close()
	if machines[f.Machine] != a.Name {
		return fmt.Errorf("%s: %w: it is for %s, the guest is %s (build it with GOARCH=%s, or name a tool of the guest without a directory)",
			program, ErrForeign, machineName(f.Machine), a.Name, a.Name)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s: %w: it needs shared libraries of %s, which the guest lacks (link it statically, in Go with CGO_ENABLED=0)",
				program, ErrForeign, a.Name)
		}
	}
	return nil
}

func machineName(m elf.Machine) string {
	if name, ok := machines[m]; ok {
		return name
	}
	return m.String()
}

// shell is the shell of the guest.
func (opt *GuestOptions) shell() string {
	if opt.foreign() {
		return wire.ToolDir + "/sh"
	}
	return "/bin/sh"
}

// foreign reports whether the host's programs do not run in the guest.
func (opt *GuestOptions) foreign() bool {
	a, err := arch.Find(opt.Source.Arch)
	return err == nil && a.Cross()
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package arch describes the architectures that guests can have. It holds what differs
// between them: names, compilers, the kernel's image, and QEMU's machine.
//
// Amd64 is the architecture of the workbench itself. Its programs and libraries come from
// the machine that the workbench runs on. Those of the other architectures are
// cross-compiled and static.
package arch

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Amd64 is the default.
const Amd64 = "amd64"

// ErrUnknown is wrapped by the error for an architecture that guests cannot have.
var ErrUnknown = errors.New("unknown architecture")

// Arch is an architecture.
type Arch struct {
	// Name is the name that the user gives, which is also GOARCH.
	Name string
	// Kernel is ARCH of the kernel's makefiles. Empty means that of the build machine.
	Kernel string
	// Dir is the kernel's directory in arch/.
	Dir string
	// BigEndian is the byte order.
	BigEndian bool
	// Machine is the output of uname -m.
	Machine string
	// Triplet names the cross compiler, and the directories of libraries in Debian.
	// Empty means the compiler and the libraries of the build machine.
	Triplet string
	// Image is the bootable image in the kernel's object directory.
	Image string
	// QEMU is the program that runs a guest, QEMUPackage the Debian package that has it.
	QEMU, QEMUPackage string
	// Board is QEMU's machine type, and CPU its CPU under TCG. Bus is the last part of the
	// names of its virtio devices. They are empty for amd64, which has several machines.
	Board, CPU, Bus string
	// Console is the device of the kernel's console.
	Console string
	// Modules are the modules that a kernel of Debian needs to find its virtio devices.
	Modules []string
	// KernelPackage is the Debian package that depends on Debian's kernel. Empty for amd64.
	KernelPackage string
}

// arches are all architectures, the default first.
var arches = []*Arch{
	{
		Name: Amd64, Dir: "x86", Machine: "x86_64", Image: "arch/x86/boot/bzImage",
		QEMU: "qemu-system-x86_64", QEMUPackage: "qemu-system-x86", Console: "ttyS0",
	},
	{
		Name: "arm64", Kernel: "arm64", Dir: "arm64", Machine: "aarch64", Triplet: "aarch64-linux-gnu",
		Image: "arch/arm64/boot/Image",
		QEMU:  "qemu-system-aarch64", QEMUPackage: "qemu-system-arm",
		// This CPU has atomic instructions. It has no pointer authentication, which is slow
		// under TCG.
		Board: "virt", CPU: "neoverse-n1", Bus: "device", Console: "ttyAMA0",
		Modules: []string{"virtio_mmio"}, KernelPackage: "linux-image-arm64",
	},
	{
		Name: "s390x", Kernel: "s390", Dir: "s390", BigEndian: true, Machine: "s390x", Triplet: "s390x-linux-gnu",
		Image: "arch/s390/boot/bzImage",
		QEMU:  "qemu-system-s390x", QEMUPackage: "qemu-system-misc",
		Board: "s390-ccw-virtio", CPU: "max", Bus: "ccw", Console: "ttysclp0",
		KernelPackage: "linux-image-s390x",
	},
}

// Names lists the names of all architectures.
func Names() []string {
	var names []string
	for _, a := range arches {
		names = append(names, a.Name)
	}
	return names
}

// Find returns an architecture by its name. An empty name means [Amd64]. The error wraps
// [ErrUnknown].
func Find(name string) (*Arch, error) {
	if name == "" {
		name = Amd64
	}
	for _, a := range arches {
		if a.Name == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w %q: a guest can be one of %s", ErrUnknown, name, strings.Join(Names(), ", "))
}

// Cross reports whether programs for a are cross-compiled. It is false for nil, which
// means the default.
func (a *Arch) Cross() bool { return a != nil && a.Triplet != "" }

// Tool returns the name of a tool of the compiler: gcc, ld.
func (a *Arch) Tool(name string) string {
	if a.Cross() {
		return a.Triplet + "-" + name
	}
	return name
}

// ImageFile is the name of the image without its directory, which is also the target of
// the kernel's make.
func (a *Arch) ImageFile() string { return path.Base(a.Image) }

// MakeArgs are the arguments that the kernel's makefiles need.
func (a *Arch) MakeArgs() []string {
	if !a.Cross() {
		return nil
	}
	return []string{"ARCH=" + a.Kernel, "CROSS_COMPILE=" + a.Triplet + "-"}
}

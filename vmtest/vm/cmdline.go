// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// descriptors are what differs from run to run: the numbers under which QEMU
// inherits what it needs.
type descriptors struct {
	initrd, console, qmp int
	ports                []portDescriptor
	// kernelArgs are what this run has to tell the kernel.
	kernelArgs []string
}

type portDescriptor struct {
	name string
	fd   int
}

// kernelArgs is what every guest's kernel is told.
var kernelArgs = [...]string{
	"console=ttyS0",
	// Warnings are splats and must show; notices and below cost time.
	"loglevel=5",
	// A panic ends the run at once, through the keyboard controller, which
	// -no-reboot turns into QEMU's end. An oops does not panic: the suite
	// goes on for as long as [Timeouts] say, and the verdict knows.
	"panic=-1", "reboot=t",
	// Without it the first to want random numbers waits for entropy.
	"random.trust_cpu=on",
	// Names and programs go away without waiting for grace periods.
	"rcupdate.rcu_expedited=1",
	// The emulated clock is what it is: no use in calibrating and checking.
	"no_timer_check", "tsc=reliable",
}

// kernelCmdline returns the kernel's command line. The caller's words come
// last, and so win.
func (m *Machine) kernelCmdline(d descriptors) string {
	a := append([]string(nil), kernelArgs[:]...)
	a = append(a, d.kernelArgs...)
	return strings.Join(append(a, m.Cmdline...), " ")
}

// args returns QEMU's arguments for a machine that has been checked. port is
// where it waits for a debugger, 0 for nowhere.
func (m *Machine) args(accel Accel, d descriptors, port int) []string {
	a := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-name", "xpsgen",
	}
	bus := "device"
	switch m.Type {
	case Q35:
		a = append(a, "-machine", "q35")
		bus = "pci"
	default:
		// NB: the PIT is the only timer here besides the local APIC's, and
		// a guest without an RTC spends two seconds looking for it.
		a = append(a, "-machine", "microvm,acpi=off,rtc=on")
	}
	switch accel {
	case KVM:
		a = append(a, "-accel", "kvm", "-cpu", "host")
	default:
		// NB: not thread=multi. With a thread per CPU, QEMU 7.2 now and then
		// runs an instruction that another CPU has patched meanwhile. A guest
		// that flips a static key under traffic then dies of "Oops: int3", be
		// it the hook's key or that of xps_cpus.
		a = append(a, "-accel", "tcg,thread=single", "-cpu", "max")
	}
	if m.InstructionClock {
		// An idle guest's clock jumps to its next timer.
		a = append(a, "-icount", "shift=0,sleep=off")
	}
	a = append(a,
		"-smp", strconv.Itoa(m.CPUs),
		"-m", strconv.Itoa(m.MemoryMiB)+"M",
		"-kernel", m.Kernel,
		"-initrd", fdPath(d.initrd),
		"-append", m.kernelCmdline(d),
		"-chardev", socket("console", d.console),
		"-serial", "chardev:console",
		"-chardev", socket("qmp", d.qmp),
		"-mon", "chardev=qmp,mode=control",
		// Queues are set up for every port there might be.
		"-device", fmt.Sprintf("virtio-serial-%s,max_ports=%d", bus, len(d.ports)+1),
	)
	for i, p := range d.ports {
		id := "port" + strconv.Itoa(i+1)
		a = append(a,
			"-chardev", socket(id, p.fd),
			"-device", fmt.Sprintf("virtserialport,chardev=%s,nr=%d,name=%s", id, i+1, p.name))
	}
	for i, s := range m.Shares {
		id := "share" + strconv.Itoa(i)
		// Files are made as the user who runs QEMU makes them. Inode numbers of
		// several file systems below Dir are kept apart.
		fsdev := "local,id=" + id + ",path=" + optionValue(s.Dir) + ",security_model=none,multidevs=remap"
		if s.ReadOnly {
			fsdev += ",readonly=on"
		}
		a = append(a, "-fsdev", fsdev, "-device", fmt.Sprintf("virtio-9p-%s,fsdev=%s,mount_tag=%s", bus, id, s.Tag))
	}
	for i, name := range m.Disks {
		id := "disk" + strconv.Itoa(i)
		a = append(a, "-drive", "if=none,id="+id+",format="+diskFormat(name)+",file="+optionValue(name),
			"-device", fmt.Sprintf("virtio-blk-%s,drive=%s", bus, id))
	}
	if m.UserNet {
		a = append(a, "-netdev", "user,id=net0", "-device", fmt.Sprintf("virtio-net-%s,netdev=net0", bus))
	}
	if port != 0 {
		a = append(a, "-S", "-gdb", "tcp:127.0.0.1:"+strconv.Itoa(port))
	}
	return a
}

// diskFormat tells qcow2 from raw by its first bytes.
func diskFormat(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return "raw" // QEMU says what is wrong
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err == nil && string(magic) == "QFI\xfb" {
		return "qcow2"
	}
	return "raw"
}

// optionValue writes a value the way QEMU reads it in a list of options.
func optionValue(s string) string { return strings.ReplaceAll(s, ",", ",,") }

func socket(id string, fd int) string { return fmt.Sprintf("socket,id=%s,fd=%d", id, fd) }

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// descriptors are the arguments that differ between runs: the numbers of the file
// descriptors that QEMU inherits.
type descriptors struct {
	initrd, console, qmp int
	ports                []portDescriptor
	// kernelArgs are kernel arguments of this run only.
	kernelArgs []string
}

type portDescriptor struct {
	name string
	fd   int
}

// kernelArgs returns the kernel arguments of every guest.
func (m *Machine) kernelArgs() []string {
	// Print warnings, which are splats. Notices and lower levels cost time.
	a := []string{"console=" + m.Arch.Console, "loglevel=5"}
	// A panic reboots, and -no-reboot turns that into the end of QEMU. An oops does not
	// panic: the suite continues within [Timeouts], and the verdict reports the oops.
	a = append(a, "panic=-1")
	if !m.Arch.Cross() {
		// Reboot by a triple fault: a microvm may have neither ACPI nor a
		// keyboard controller.
		a = append(a, "reboot=t")
	}
	// Otherwise the first reader of random numbers waits for entropy.
	a = append(a, "random.trust_cpu=on")
	// Remove devices and programs without waiting for normal grace periods.
	a = append(a, "rcupdate.rcu_expedited=1")
	if !m.Arch.Cross() {
		// Do not calibrate or check the emulated clock.
		a = append(a, "no_timer_check", "tsc=reliable")
	}
	return a
}

// kernelCmdline returns the kernel's command line. The caller's words come last and
// override others.
func (m *Machine) kernelCmdline(d descriptors) string {
	a := append(m.kernelArgs(), d.kernelArgs...)
	return strings.Join(append(a, m.Cmdline...), " ")
}

// args returns QEMU's arguments for a checked machine. The guest waits for a
// debugger on port, unless port is 0.
func (m *Machine) args(accel Accel, d descriptors, port int) []string {
	a := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-name", "xpsgen",
	}
	bus := "device"
	switch {
	case m.Arch.Cross():
		a = append(a, "-machine", m.Arch.Board)
		bus = m.Arch.Bus
	case m.Type == Q35:
		a = append(a, "-machine", "q35")
		bus = "pci"
	default:
		// NB: keep the PIT, which is the only timer apart from that of the
		// local APIC. Keep the RTC: without it, a guest searches two
		// seconds for one.
		a = append(a, "-machine", "microvm,acpi=off,rtc=on")
	}
	switch {
	case m.Arch.Cross():
		a = append(a, "-accel", "tcg,thread=single", "-cpu", m.Arch.CPU)
	case accel == KVM:
		a = append(a, "-accel", "kvm", "-cpu", "host")
	default:
		// NB: not thread=multi. With a thread per CPU, QEMU 7.2 sometimes runs an
		// instruction that another CPU is patching. A guest that flips a static key
		// under traffic then dies with "Oops: int3". This happens with the hook's key
		// and with that of xps_cpus.
		a = append(a, "-accel", "tcg,thread=single", "-cpu", "max")
	}
	if m.InstructionClock {
		// The clock of an idle guest jumps to its next timer.
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
		// The device sets up queues for the maximum number of ports.
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
		// New files belong to the user who runs QEMU. multidevs keeps the inode numbers
		// of several file systems below Dir distinct.
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

// optionValue escapes a value for a list of QEMU options.
func optionValue(s string) string { return strings.ReplaceAll(s, ",", ",,") }

func socket(id string, fd int) string { return fmt.Sprintf("socket,id=%s,fd=%d", id, fd) }

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/guest/wire"
)

func TestArgs(t *testing.T) {
	d := descriptors{initrd: 3, console: 4, qmp: 5, ports: []portDescriptor{{wire.PortControl, 6}, {wire.PortResult, 7}}}
	fixed := "-nodefaults -no-user-config -display none -no-reboot -name xpsgen "
	append0 := "console=ttyS0 loglevel=5 panic=-1 reboot=t random.trust_cpu=on rcupdate.rcu_expedited=1 no_timer_check tsc=reliable"
	foreign := " loglevel=5 panic=-1 random.trust_cpu=on rcupdate.rcu_expedited=1"
	chardevs := " -chardev socket,id=console,fd=4 -serial chardev:console -chardev socket,id=qmp,fd=5 -mon chardev=qmp,mode=control"
	ports := " -chardev socket,id=port1,fd=6 -device virtserialport,chardev=port1,nr=1,name=xpsgen.control" +
		" -chardev socket,id=port2,fd=7 -device virtserialport,chardev=port2,nr=2,name=xpsgen.result"
	for name, c := range map[string]struct {
		m     Machine
		accel Accel
		port  int
		args  []string // of the kernel, of this run
		want  string
	}{
		"defaults": {
			accel: TCG, args: []string{"tsc_early_khz=2400000"},
			want: fixed + "-machine microvm,acpi=off,rtc=on -accel tcg,thread=single -cpu max -smp 2 -m 512M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				append0 + " tsc_early_khz=2400000" + chardevs + " -device virtio-serial-device,max_ports=3" + ports,
		},
		"q35 under kvm, larger": {
			m: Machine{Type: Q35, CPUs: 8, MemoryMiB: 2048, Cmdline: []string{"xps=1", "loglevel=8"}}, accel: KVM,
			want: fixed + "-machine q35 -accel kvm -cpu host -smp 8 -m 2048M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				append0 + " xps=1 loglevel=8" + chardevs + " -device virtio-serial-pci,max_ports=3" + ports,
		},
		"shares": {
			m: Machine{Shares: []Share{{Tag: "host", Dir: "/", ReadOnly: true}, {Tag: "rw", Dir: "/a,b"}}}, accel: TCG,
			want: fixed + "-machine microvm,acpi=off,rtc=on -accel tcg,thread=single -cpu max -smp 2 -m 512M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				append0 + chardevs + " -device virtio-serial-device,max_ports=3" + ports +
				" -fsdev local,id=share0,path=/,security_model=none,multidevs=remap,readonly=on -device virtio-9p-device,fsdev=share0,mount_tag=host" +
				" -fsdev local,id=share1,path=/a,,b,security_model=none,multidevs=remap -device virtio-9p-device,fsdev=share1,mount_tag=rw",
		},
		"shares of a pc": {
			m: Machine{Type: Q35, Shares: []Share{{Tag: "host", Dir: "/"}}}, accel: TCG,
			want: fixed + "-machine q35 -accel tcg,thread=single -cpu max -smp 2 -m 512M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				append0 + chardevs + " -device virtio-serial-pci,max_ports=3" + ports +
				" -fsdev local,id=share0,path=/,security_model=none,multidevs=remap -device virtio-9p-pci,fsdev=share0,mount_tag=host",
		},
		"arm64": {
			m: Machine{Arch: mustArch(t, "arm64"), Shares: []Share{{Tag: "host", Dir: "/"}}}, accel: TCG,
			want: fixed + "-machine virt -accel tcg,thread=single -cpu neoverse-n1 -smp 2 -m 512M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				"console=ttyAMA0" + foreign + chardevs + " -device virtio-serial-device,max_ports=3" + ports +
				" -fsdev local,id=share0,path=/,security_model=none,multidevs=remap -device virtio-9p-device,fsdev=share0,mount_tag=host",
		},
		"s390x": {
			m: Machine{Arch: mustArch(t, "s390x"), UserNet: true}, accel: TCG,
			want: fixed + "-machine s390-ccw-virtio -accel tcg,thread=single -cpu max -smp 2 -m 512M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				"console=ttysclp0" + foreign + chardevs + " -device virtio-serial-ccw,max_ports=3" + ports + " -netdev user,id=net0 -device virtio-net-ccw,netdev=net0",
		},
		"debugger": {
			accel: TCG, port: 1234,
			want: fixed + "-machine microvm,acpi=off,rtc=on -accel tcg,thread=single -cpu max -smp 2 -m 512M -kernel bzImage -initrd /proc/self/fd/3 -append " +
				append0 + chardevs + " -device virtio-serial-device,max_ports=3" + ports + " -S -gdb tcp:127.0.0.1:1234",
		},
	} {
		c.m.Kernel, c.m.Initrds, c.m.Config.Mode = "bzImage", []string{"initrd"}, wire.ModeSuite
		m, err := c.m.check()
		if err != nil {
			t.Fatal(err)
		}
		d.kernelArgs = c.args
		if diff := cmp.Diff(c.want, strings.Join(m.args(c.accel, d, c.port), " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func mustArch(t *testing.T, name string) *arch.Arch {
	t.Helper()
	a, err := arch.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A guest of another architecture has one machine, is emulated, and needs its own QEMU.
func TestOtherArch(t *testing.T) {
	m := Machine{Arch: mustArch(t, "s390x"), Kernel: "k", Initrds: []string{"i"}, Config: wire.Config{Mode: wire.ModeSuite}}
	c, err := m.check()
	if err != nil {
		t.Fatal(err)
	}
	if c.QEMU != "qemu-system-s390x" || c.Accel != TCG || c.Type != "s390-ccw-virtio" {
		t.Errorf("QEMU %s, accelerator %s, machine %s", c.QEMU, c.Accel, c.Type)
	}
	m.Accel = KVM
	if _, err := m.check(); !errors.Is(err, ErrKVMUnusable) || !strings.Contains(err.Error(), "s390x") {
		t.Errorf("with KVM: %v", err)
	}
	m.Accel, m.Type = TCG, Q35
	if _, err := m.check(); err == nil || !strings.Contains(err.Error(), "machine type") {
		t.Errorf("as a PC: %v", err)
	}
}

func TestCheck(t *testing.T) {
	good := func() Machine {
		return Machine{Kernel: "k", Initrds: []string{"i"}, Config: wire.Config{Mode: wire.ModeSuite}}
	}
	for want, change := range map[string]func(*Machine){
		"no kernel":                   func(m *Machine) { m.Kernel = "" },
		"no initrd":                   func(m *Machine) { m.Initrds = nil },
		"no mode":                     func(m *Machine) { m.Config.Mode = "" },
		"machine type":                func(m *Machine) { m.Type = "virt" },
		`accelerator "hax"`:           func(m *Machine) { m.Accel = "hax" },
		"make no machine":             func(m *Machine) { m.CPUs = -1 },
		"no program given":            func(m *Machine) { m.Config.Mode = wire.ModeRun },
		"8 shared directories, disks": func(m *Machine) { m.Shares = make([]Share, MaxShares+1) },
		"-1 MiB make no mach":         func(m *Machine) { m.MemoryMiB = -1 },
	} {
		m := good()
		change(&m)
		if _, err := m.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestTimeouts(t *testing.T) {
	for name, c := range map[string]struct {
		m     Machine
		accel Accel
		want  Timeouts
	}{
		"suite under kvm": {
			Machine{Config: wire.Config{Mode: wire.ModeSuite}}, KVM,
			Timeouts{Boot: 15 * time.Second, Idle: time.Minute, Whole: 10 * time.Minute, Oops: 15 * time.Second, KVM: 5 * time.Second, Drain: 10 * time.Second},
		},
		"suite under tcg": {
			Machine{Config: wire.Config{Mode: wire.ModeSuite}}, TCG,
			Timeouts{Boot: time.Minute, Idle: 4 * time.Minute, Whole: 40 * time.Minute, Oops: time.Minute, KVM: 5 * time.Second, Drain: 40 * time.Second},
		},
		"a shell has no end": {
			Machine{Config: wire.Config{Mode: wire.ModeShell}, Accel: KVM}, KVM,
			Timeouts{Boot: 15 * time.Second, Alive: 30 * time.Second, KVM: 10 * time.Second, Drain: 10 * time.Second},
		},
		"a kernel that looks for trouble is slow": {
			Machine{Config: wire.Config{Mode: wire.ModeSuite}, Slowdown: 3}, TCG,
			Timeouts{Boot: 3 * time.Minute, Idle: 12 * time.Minute, Whole: 2 * time.Hour, Oops: time.Minute, KVM: 15 * time.Second, Drain: 2 * time.Minute},
		},
		"unless it is given one": {
			Machine{Config: wire.Config{Mode: wire.ModeRun}, Timeouts: Timeouts{Boot: -1, Whole: time.Second}}, TCG,
			Timeouts{Whole: 4 * time.Second, Oops: time.Minute, Alive: 2 * time.Minute, KVM: 5 * time.Second, Drain: 40 * time.Second},
		},
		"to the second": {
			Machine{Config: wire.Config{Mode: wire.ModeRun}, Timeouts: Timeouts{Idle: time.Second, Exact: true}}, TCG,
			Timeouts{Boot: time.Minute, Idle: time.Second, Oops: time.Minute, Alive: 2 * time.Minute, KVM: 5 * time.Second, Drain: 40 * time.Second},
		},
		"a slow kernel's program ends soon after an oops": {
			Machine{Config: wire.Config{Mode: wire.ModeRun}, Slowdown: 4, Timeouts: Timeouts{Exact: true}}, TCG,
			Timeouts{Boot: 4 * time.Minute, Oops: time.Minute, Alive: 8 * time.Minute, KVM: 20 * time.Second, Drain: 160 * time.Second},
		},
		"a slow kernel's program, with a timeout for an oops": {
			Machine{Config: wire.Config{Mode: wire.ModeRun}, Slowdown: 4, Timeouts: Timeouts{Oops: time.Second, Exact: true}}, TCG,
			Timeouts{Boot: 4 * time.Minute, Oops: time.Second, Alive: 8 * time.Minute, KVM: 20 * time.Second, Drain: 160 * time.Second},
		},
		"a slow kernel's suite, with a timeout for an oops": {
			Machine{Config: wire.Config{Mode: wire.ModeSuite}, Slowdown: 3, Timeouts: Timeouts{Oops: time.Second}}, KVM,
			Timeouts{Boot: 45 * time.Second, Idle: 3 * time.Minute, Whole: 30 * time.Minute, Oops: time.Second, KVM: 15 * time.Second, Drain: 30 * time.Second},
		},
		"nobody hurries a debugger": {
			Machine{Config: wire.Config{Mode: wire.ModeSuite}, Debugger: true}, TCG,
			Timeouts{KVM: 5 * time.Second},
		},
	} {
		if diff := cmp.Diff(c.want, c.m.effective(c.accel)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDebuggerLine(t *testing.T) {
	t.Parallel()
	m := machine(t, "good")
	m.Debugger, m.Vmlinux = true, "/x/vmlinux"
	r, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if line := r.DebuggerLine(); !strings.HasPrefix(line, "gdb /x/vmlinux -ex 'target remote 127.0.0.1:") {
		t.Errorf("line %q", line)
	}
	m = machine(t, "good")
	if r, err = m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if line := r.DebuggerLine(); line != "" {
		t.Errorf("line %q without a debugger", line)
	}
}

func TestTSC(t *testing.T) {
	if !hasSteadyTSC() {
		t.Skip("this host has no time stamp counter of constant speed")
	}
	a, b := startTSC().kernelArg(), startTSC().kernelArg()
	var x, y float64
	if _, err := sscan(a, &x); err != nil {
		t.Fatal(err)
	}
	if _, err := sscan(b, &y); err != nil {
		t.Fatal(err)
	}
	if x < 1e5 || x > 1e8 || x/y < 0.99 || x/y > 1.01 {
		t.Errorf("two measurements: %v and %v", a, b)
	}
}

func sscan(args []string, f *float64) (int, error) {
	if len(args) != 1 {
		return 0, errors.New("no argument")
	}
	khz, ok := strings.CutPrefix(args[0], "tsc_early_khz=")
	if !ok {
		return 0, errors.New(args[0])
	}
	return fmt.Sscan(khz, f)
}

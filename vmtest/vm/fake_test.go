// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// fakePrefix begins the name under which the test binary plays QEMU and a
// guest inside; the scenario follows.
const fakePrefix = "fake-qemu-"

func TestMain(m *testing.M) {
	if scenario, ok := strings.CutPrefix(filepath.Base(os.Args[0]), fakePrefix); ok {
		f := newFake(os.Args[1:])
		f.play(scenario)
		exit(0)
	}
	if fake := os.Getenv("XPS_TEST_PARENT"); fake != "" {
		os.Exit(parent(fake))
	}
	os.Exit(m.Run())
}

// exit ends the process at once: os.Exit takes a second under the race
// detector.
func exit(code int) {
	_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
}

// fakeQEMU returns the path of a QEMU that plays the scenario.
func fakeQEMU(t *testing.T, scenario string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), fakePrefix+scenario)
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// fake is a QEMU as seen from its command line.
type fake struct {
	args    string
	console *os.File
	qmp     *os.File
	ports   map[string]*os.File
}

var (
	chardevArg = regexp.MustCompile(`socket,id=(\w+),fd=(\d+)`)
	portArg    = regexp.MustCompile(`virtserialport,chardev=(\w+),nr=\d+,name=([\w.]+)`)
)

func newFake(args []string) *fake {
	f := &fake{args: strings.Join(args, " "), ports: make(map[string]*os.File)}
	files := make(map[string]*os.File)
	for _, m := range chardevArg.FindAllStringSubmatch(f.args, -1) {
		fd, _ := strconv.Atoi(m[2])
		files[m[1]] = os.NewFile(uintptr(fd), m[1])
	}
	f.console, f.qmp = files["console"], files["qmp"]
	for _, m := range portArg.FindAllStringSubmatch(f.args, -1) {
		f.ports[m[2]] = files[m[1]]
	}
	return f
}

func (f *fake) say(m wire.Message) { _ = wire.Send(f.ports[wire.PortControl], m) }

func (f *fake) hello() {
	f.say(wire.Message{Hello: &wire.Hello{Release: "6.12.0-fake", Machine: "x86_64", CPUs: 2}})
}

// report writes results from to to of four.
func (f *fake) report(from, to int) int64 {
	var b bytes.Buffer
	w := ktap.NewWriter(&b)
	w.Plan(4)
	if from > 1 {
		b.Reset()
	}
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "ok %d test-%d\n", i, i)
	}
	n, _ := f.ports[wire.PortResult].Write(b.Bytes())
	return int64(n)
}

// done says that the guest is done and waits for the host's answer.
func (f *fake) done(e wire.Exit) {
	f.say(wire.Message{Exit: &e})
	in := wire.NewReceiver(f.ports[wire.PortControl])
	for {
		if m, err := in.Next(); err != nil || m.Bye {
			return
		}
	}
}

func (f *fake) whole() {
	f.hello()
	n := f.report(1, 4)
	f.done(wire.Exit{Sent: map[string]int64{wire.PortResult: n}})
}

func (f *fake) print(name string) {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		exit(3)
	}
	_, _ = f.console.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
}

func (f *fake) sleep() {
	time.Sleep(time.Hour)
	exit(4)
}

// monitor answers "info registers -a" as QEMU 7.2 does.
func (f *fake) monitor() {
	answer, err := os.ReadFile("testdata/registers.txt")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		exit(3)
	}
	fmt.Fprintln(f.qmp, `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}`)
	in := json.NewDecoder(f.qmp)
	for {
		var req struct {
			Execute string `json:"execute"`
		}
		if in.Decode(&req) != nil {
			return
		}
		if req.Execute == "human-monitor-command" {
			text, _ := json.Marshal(string(answer))
			fmt.Fprintln(f.qmp, `{"event": "NIC_RX_FILTER_CHANGED"}`)
			fmt.Fprintf(f.qmp, "{\"return\": %s}\n", text)
			continue
		}
		fmt.Fprintln(f.qmp, `{"return": {}}`)
	}
}

// play acts out a scenario.
func (f *fake) play(scenario string) {
	switch scenario {
	case "good":
		f.whole()
	case "panic":
		f.hello()
		f.report(1, 2)
		f.print("panic.console")
	case "oops":
		f.print("oops.console")
		f.whole()
	case "oops-and-on":
		go f.monitor()
		f.hello()
		f.print("oops.console")
		for i := 1; ; i++ {
			f.report(i, i) // the guest goes on with its tests
			time.Sleep(20 * time.Millisecond)
		}
	case "hang":
		f.hello()
		f.report(1, 2)
		f.monitor()
		f.sleep()
	case "mute":
		f.print("warn.console")
		f.monitor()
		f.sleep()
	case "busy":
		go f.monitor()
		f.hello()
		for {
			f.say(wire.Message{Notice: "still there"})
			time.Sleep(5 * time.Millisecond)
		}
	case "off":
		f.hello()
		f.report(1, 2)
		fmt.Fprint(f.console, "[    2.1] reboot: Power down\r\n")
		f.sleep() // a microvm without ACPI
	case "halt":
		f.hello()
		fmt.Fprint(f.console, "[    2.1] reboot: System halted\r\n")
		f.sleep()
	case "dead":
		f.hello()
		f.say(wire.Message{Alive: true})
		f.monitor()
		f.sleep()
	case "stuck":
		go f.monitor()
		f.hello()
		fmt.Fprint(f.console, "[   28.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [exe:51]\r\n")
		for {
			f.say(wire.Message{Alive: true})
			time.Sleep(5 * time.Millisecond)
		}
	case "killed":
		f.hello()
		f.report(1, 2)
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	case "flood":
		f.hello()
		line := []byte(strings.Repeat("flood ", 13) + "\n")
		for n := 0; n < 100<<20; n += len(line) {
			if _, err := f.console.Write(line); err != nil {
				exit(5)
			}
		}
		f.whole()
	case "endless-line":
		f.hello()
		f.console.Write(bytes.Repeat([]byte("x"), 1<<20))
		f.whole()
	case "early":
		f.hello()
		f.report(1, 2)
	case "half-plan":
		f.hello()
		f.done(wire.Exit{Sent: map[string]int64{wire.PortResult: f.report(1, 2)}})
	case "twice":
		f.hello()
		n := f.report(1, 4) + f.report(1, 4)
		f.done(wire.Exit{Sent: map[string]int64{wire.PortResult: n}})
	case "lost":
		f.hello()
		f.done(wire.Exit{Sent: map[string]int64{wire.PortResult: f.report(1, 4) + 1}})
	case "guest-error":
		f.hello()
		f.done(wire.Exit{Error: "mount bpf on /sys/fs/bpf: no such device"})
	case "stays-on":
		f.whole()
		f.sleep()
	case "garbage":
		fmt.Fprintln(f.ports[wire.PortControl], "hello?")
		f.sleep()
	case "usage":
		fmt.Fprintln(os.Stderr, "qemu-system-x86_64: -machine microvm: unsupported machine type")
		exit(1)
	case "no-kvm":
		if strings.Contains(f.args, "-accel kvm") {
			f.sleep()
		}
		f.whole()
	case "kvm-dies":
		if strings.Contains(f.args, "-accel kvm") {
			fmt.Fprintln(os.Stderr, "qemu: failed to set MSR 0x10a")
			exit(134)
		}
		f.whole()
	case "cat":
		f.cat()
	case "tty":
		f.tty()
	case "tty-end":
		f.hello()
		m, err := wire.NewReceiver(f.ports[wire.PortControl]).Next()
		if err != nil || m.InputEnd == nil {
			exit(5)
		}
		typed := make([]byte, *m.InputEnd)
		if _, err := io.ReadFull(f.ports[wire.PortTTY], typed); err != nil {
			exit(5)
		}
		n, _ := fmt.Fprintf(f.ports[wire.PortTTY], "%q", typed)
		f.done(wire.Exit{Sent: map[string]int64{wire.PortTTY: int64(n)}})
	default:
		fmt.Fprintln(os.Stderr, "no such scenario:", scenario)
		exit(2)
	}
}

// cat is a guest that runs cat, and a program that writes to stderr at the same time.
func (f *fake) cat() {
	f.hello()
	out, _ := io.Copy(f.ports[wire.PortStdout], f.ports[wire.PortStdin])
	n, _ := io.WriteString(f.ports[wire.PortStderr], "to stderr\n")
	f.done(wire.Exit{Code: 130, Sent: map[string]int64{wire.PortStdout: out, wire.PortStderr: int64(n)}})
}

// tty is a guest that says what it hears on the control port.
func (f *fake) tty() {
	f.hello()
	in := wire.NewReceiver(f.ports[wire.PortControl])
	var n int64
	for range 2 {
		m, err := in.Next()
		if err != nil {
			exit(5)
		}
		k, _ := fmt.Fprintf(f.ports[wire.PortTTY], "%v %d\r\n", m.Window, m.Signal)
		n += int64(k)
	}
	b := make([]byte, 5)
	k, _ := io.ReadFull(f.ports[wire.PortTTY], b)
	k, _ = f.ports[wire.PortTTY].Write(b[:k])
	f.done(wire.Exit{Sent: map[string]int64{wire.PortTTY: n + int64(k)}})
}

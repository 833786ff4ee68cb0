// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bufio"
	"bytes"
	stdcmp "cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// machine returns a Machine whose QEMU plays the scenario.
func machine(t *testing.T, scenario string) *Machine {
	t.Helper()
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := os.WriteFile(initrd, []byte("base"), 0o666); err != nil {
		t.Fatal(err)
	}
	return &Machine{
		QEMU: fakeQEMU(t, scenario), Kernel: "bzImage", Initrds: []string{initrd}, Accel: TCG,
		Config:   wire.Config{Mode: wire.ModeSuite},
		Timeouts: Timeouts{Boot: long, Idle: long, Whole: long, Oops: long, Drain: long},
	}
}

// long is a limit that a guest does not run into however busy the host is. Only
// the one that a test is about is shorter. All are stretched fourfold, since
// guests run under TCG.
const long = 5 * time.Minute

// hostWords are what differs from run to run in an error.
var hostWords = regexp.MustCompile(`; qemu \([A-Za-z]+\) got [0-9.a-zµ]+ of CPU in [0-9.a-zµ]+, load [0-9.]+`)

func TestBadLuck(t *testing.T) {
	for scenario, c := range map[string]struct {
		limit Timeouts // the options that differ from those of "long"
		want  string   // of the error; empty means none
		as    any      // a pointer to the type it must have
		also  func(t *testing.T, r *Result, rep *ktap.Report, err error)
	}{
		"good": {also: func(t *testing.T, r *Result, rep *ktap.Report, _ error) {
			if !rep.OK() || len(r.Splats) > 0 || r.Hello == nil || r.Hello.Release != "6.12.0-fake" || r.Boot <= 0 || r.Total < r.Boot {
				t.Errorf("result %+v, report %+v", r, rep)
			}
		}},
		"panic": {want: "kernel panic: sysrq triggered crash", as: new(*PanicError)},
		"oops": {also: func(t *testing.T, r *Result, rep *ktap.Report, _ error) {
			if !rep.OK() {
				t.Errorf("the report is not OK: %v", rep.Problems)
			}
			if len(r.Splats) != 1 || r.Splats[0].Pattern != "NULL pointer dereference" || r.Splats[0].Frames[0] != "lkdtm_EXCEPTION" {
				t.Errorf("splats: %+v", r.Splats)
			}
		}},
		"oops-and-on": {limit: Timeouts{Oops: 50 * time.Millisecond}, as: new(*OopsError), want: "guest oopsed and is not done 200ms later: cpu 0 at 0xffffffff81022928 (halted), cpu 1 at 0xffffffff814e6b90; HOST; console ends: ", also: func(t *testing.T, r *Result, _ *ktap.Report, _ error) {
			if len(r.Splats) != 1 {
				t.Errorf("splats: %+v", r.Splats)
			}
		}},
		"hang": {limit: Timeouts{Idle: 100 * time.Millisecond}, as: new(*HangError), want: "guest hangs: silent for 400ms: cpu 0 at 0xffffffff81022928 (halted), cpu 1 at 0xffffffff814e6b90; HOST; the console is empty"},
		"mute": {limit: Timeouts{Boot: 1500 * time.Millisecond}, as: new(*BootError), want: "guest did not boot: no message from init within 6s: cpu 0 at 0xffffffff81022928 (halted), cpu 1 at 0xffffffff814e6b90; HOST; console ends: \"[    1.287079] reboot: Restarting system\""},
		"busy": {limit: Timeouts{Whole: time.Second}, as: new(*HangError), want: "guest hangs: not done within 4s: cpu 0 at"},
		"flood": {as: new(*ConsoleFloodError), want: "guest floods its console: more than 2097152 bytes", also: func(t *testing.T, r *Result, _ *ktap.Report, _ error) {
			if r.ConsoleBytes != 2<<20 {
				t.Errorf("%d bytes of console", r.ConsoleBytes)
			}
		}},
		"endless-line": {},
		"early":        {as: new(*EarlyExitError), want: "before init said it was done"},
		"off":          {as: new(*EarlyExitError), want: "guest stopped early: the machine powered off after"},
		"halt":         {as: new(*EarlyExitError), want: "guest stopped early: the machine halted after"},
		"dead":         {limit: Timeouts{Alive: 100 * time.Millisecond}, as: new(*HangError), want: "guest hangs: no sign of life for 400ms: cpu 0 at 0xffffffff81022928 (halted), cpu 1 at"},
		"stuck":        {limit: Timeouts{Oops: 50 * time.Millisecond}, as: new(*OopsError), want: "guest is stuck (soft lockup - CPU#) and is not done 200ms later: cpu 0 at"},
		"killed":       {as: new(*QEMUError), want: "signal: killed"},
		"half-plan": {also: func(t *testing.T, _ *Result, rep *ktap.Report, _ error) {
			if len(rep.Problems) != 1 || rep.Problems[0].Kind != ktap.Short {
				t.Errorf("problems: %v", rep.Problems)
			}
		}},
		"twice": {also: func(t *testing.T, _ *Result, rep *ktap.Report, _ error) {
			if len(rep.Problems) != 1 || rep.Problems[0].Kind != ktap.Twice {
				t.Errorf("problems: %v", rep.Problems)
			}
		}},
		"lost":        {limit: Timeouts{Drain: 50 * time.Millisecond}, as: new(*LostResultsError), want: "results were lost: the guest sent 69 bytes on xpsgen.result, 68 arrived"},
		"guest-error": {as: new(*GuestError), want: "guest: mount bpf on /sys/fs/bpf: no such device"},
		"stays-on":    {limit: Timeouts{Drain: 50 * time.Millisecond}},
		"garbage":     {want: `control message "hello?": invalid character`},
		"usage": {as: new(*QEMUError), want: "unsupported machine type", also: func(t *testing.T, _ *Result, _ *ktap.Report, err error) {
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Errorf("%v does not wrap the exit status", err)
			}
		}},
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			m := machine(t, scenario)
			for _, l := range []struct {
				set  *time.Duration
				want time.Duration
			}{
				{&m.Timeouts.Boot, c.limit.Boot}, {&m.Timeouts.Idle, c.limit.Idle}, {&m.Timeouts.Whole, c.limit.Whole},
				{&m.Timeouts.Oops, c.limit.Oops}, {&m.Timeouts.Alive, c.limit.Alive}, {&m.Timeouts.Drain, c.limit.Drain},
			} {
				*l.set = stdcmp.Or(l.want, *l.set)
			}
			var res, con buffer
			m.Result, m.Console = &res, &con
			r, err := m.Run(t.Context())
			text := ""
			if err != nil {
				text = hostWords.ReplaceAllString(err.Error(), "; HOST")
			}
			switch {
			case c.want == "" && err != nil:
				t.Fatalf("error %v", err)
			case c.want != "" && (err == nil || !strings.Contains(text, c.want)):
				t.Fatalf("error\n%v, want\n%v", text, c.want)
			case c.as != nil && !errors.As(err, c.as):
				t.Errorf("error is a %T", err)
			}
			if int64(len(con.String())) != r.ConsoleBytes {
				t.Errorf("console is %d bytes, ConsoleBytes %d", len(con.String()), r.ConsoleBytes)
			}
			if c.also != nil {
				rep, perr := ktap.Parse(strings.NewReader(res.String()))
				if perr != nil {
					t.Fatal(perr)
				}
				c.also(t, r, rep, err)
			}
		})
	}
}

func TestQEMUMissing(t *testing.T) {
	m := machine(t, "good")
	m.QEMU = filepath.Join(t.TempDir(), "qemu-system-none")
	_, err := m.Run(t.Context())
	var q *QEMUError
	if !errors.As(err, &q) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v (%T)", err, err)
	}
}

func TestNoInitrd(t *testing.T) {
	m := machine(t, "good")
	m.Initrds = []string{"/nonexistent/initrd"}
	if _, err := m.Run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := machine(t, "hang")
	hello := make(chan struct{})
	m.OnHello = func(wire.Hello) { close(hello) }
	r, err := m.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	<-hello
	pid := r.proc.cmd.Process.Pid
	cancel()
	if _, err := r.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
	if _, err := m.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("started with a context that had ended: %v", err)
	}
}

// parent starts a Machine, says its QEMU's pid, and waits to be killed.
func parent(qemu string) int {
	m := &Machine{QEMU: qemu, Kernel: "bzImage", Initrds: []string{"/dev/null"}, Accel: TCG, Config: wire.Config{Mode: wire.ModeSuite}}
	r, err := m.Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(r.proc.cmd.Process.Pid)
	_, _ = r.Wait()
	return 1
}

func TestKilledParentTakesQEMUAlong(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "XPS_TEST_PARENT="+fakeQEMU(t, "hang"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		// A zombie has no command line. Its new parent may not reap it.
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err != nil || len(b) == 0 {
			return
		}
	}
	t.Errorf("process %d outlived its parent", pid)
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestWriterFails(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"good", "hang"} {
		m := machine(t, scenario)
		m.Result = brokenPipe{}
		if _, err := m.Run(t.Context()); !errors.Is(err, syscall.EPIPE) || !strings.Contains(err.Error(), wire.PortResult) {
			t.Errorf("%s: error %v", scenario, err)
		}
	}
	m := machine(t, "oops")
	m.Console = brokenPipe{}
	if _, err := m.Run(t.Context()); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("console: error %v", err)
	}
}

func TestRunStreams(t *testing.T) {
	t.Parallel()
	in := strings.Repeat("all of it arrives\n", 100_000)
	m := machine(t, "cat")
	m.Config = wire.Config{Mode: wire.ModeRun, Args: []wire.Raw{"cat"}}
	var out, errs buffer
	m.Stdin, m.Stdout, m.Stderr = strings.NewReader(in), &out, &errs
	r, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != in {
		t.Errorf("stdout is %d bytes, want %d", len(out.String()), len(in))
	}
	if errs.String() != "to stderr\n" {
		t.Errorf("stderr %q", errs.String())
	}
	if r.Exit.Code != 130 {
		t.Errorf("exit code %d", r.Exit.Code)
	}
}

// TestRunWithoutStdin: no input is an empty one, not an endless one.
func TestRunWithoutStdin(t *testing.T) {
	t.Parallel()
	m := machine(t, "cat")
	m.Config = wire.Config{Mode: wire.ModeRun, Args: []wire.Raw{"cat"}}
	if _, err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	m := machine(t, "tty")
	m.Config = wire.Config{Mode: wire.ModeShell}
	windows, signals := make(chan wire.Window, 1), make(chan int, 1)
	windows <- wire.Window{Rows: 24, Cols: 80}
	var out buffer
	m.TTYOut, m.Windows, m.Signals = &out, windows, signals
	pr, pw := io.Pipe()
	m.TTYIn = pr
	r, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The second goes when the first has arrived, so that they keep order.
	for out.String() == "" {
		time.Sleep(time.Millisecond)
	}
	signals <- 15
	if _, err := io.WriteString(pw, "typed"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("&{24 80} 0\r\n<nil> 15\r\ntyped", out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTerminalInputEnds: a shell ends at the end of its input file.
func TestTerminalInputEnds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":           `""`,
		"ls\n":       `"ls\n"`,
		"ls":         `"ls\n"`,
		"ls\r":       `"ls\r"`,
		"ls\nexit 3": `"ls\nexit 3\n"`,
	} {
		m := machine(t, "tty-end")
		m.Config = wire.Config{Mode: wire.ModeShell}
		var out buffer
		m.TTYIn, m.TTYOut = strings.NewReader(in), &out
		if _, err := m.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%q: the guest saw %s, want %s", in, out.String(), want)
		}
	}
}

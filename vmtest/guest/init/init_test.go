// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/wire"
)

// Running init on a host by mistake must not power off the host.
func TestRefusesToRunOnHost(t *testing.T) {
	if os.Getenv("XPS_TEST_MAIN") != "" {
		os.Args = os.Args[:1]
		main()
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := []string{os.Args[0], "-test.run=^TestRefusesToRunOnHost$"}
	if os.Geteuid() == 0 {
		// Drop capabilities, so that a failure of the test is harmless.
		args = append([]string{"setpriv", "--bounding-set=-all", "--inh-caps=-all"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "XPS_TEST_MAIN=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "only as PID 1") {
		t.Errorf("error %v, output %q", err, out)
	}
}

// The programs run as in ModeRun. Not parallel: reap waits for any child.
func TestStartAndReap(t *testing.T) {
	noExec := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(noExec, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"success":        {[]string{"true"}, 0},
		"failure":        {[]string{"sh", "-c", "exit 3"}, 3},
		"signal":         {[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15},
		"not found":      {[]string{"xpsgen-no-such-program"}, 127},
		"no such path":   {[]string{"/nonexistent/program"}, 127},
		"not executable": {[]string{noExec}, 126},
		// The orphan ends first. reap must not mistake it for the program.
		"orphan": {[]string{"sh", "-c", "(sleep 0.05; exit 9) & sleep 0.2; exit 4"}, 4},
	} {
		pid, code, err := start(c.args, nil, &syscall.SysProcAttr{Setpgid: true})
		if err != nil {
			t.Fatal(err)
		}
		if pid != 0 {
			code = reap(pid)
		}
		if code != c.want {
			t.Errorf("%s: code %d, want %d", name, code, c.want)
		}
	}
	if got := reap(os.Getpid()); got != 127 {
		t.Errorf("without children: code %d", got)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("XPS_TEST_LEFTOVER", "1")
	saved := os.Environ()
	defer func() {
		os.Clearenv()
		for _, kv := range saved {
			k, v, _ := strings.Cut(kv, "=")
			_ = os.Setenv(k, v)
		}
	}()
	setEnv([]string{"HOME=/here", "MORE=a=b", "=odd"})
	want := map[string]string{"HOME": "/here", "MORE": "a=b", "USER": "root", "XPS_TEST_LEFTOVER": ""}
	for k, v := range want {
		if got := os.Getenv(k); got != v {
			t.Errorf("%s=%q, want %q", k, got, v)
		}
	}
}

// Messages that arrive before the shell runs are not lost.
func TestInbox(t *testing.T) {
	r, w := io.Pipe()
	in := listen(r)
	send := func(m wire.Message) {
		if err := wire.Send(w, m); err != nil {
			t.Fatal(err)
		}
	}
	want := []wire.Message{{Window: &wire.Window{Rows: 2, Cols: 3}}, {Signal: 15}, {Signal: 2}}
	send(want[0])
	send(want[1])
	var got []wire.Message
	in.handle(func(m wire.Message) { got = append(got, m) })
	send(want[2])
	send(wire.Message{Bye: true})
	in.waitBye(1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// waitBye must return when the host is gone or does not answer. Otherwise this test hangs.
func TestWaitByeEndsWithoutHost(t *testing.T) {
	r, w := io.Pipe()
	in := listen(r)
	in.waitBye(0.001)
	w.Close()
	in.waitBye(10_000) // a day
}

func TestHello(t *testing.T) {
	h := hello()
	if h.Release == "" || h.Machine == "" || h.CPUs < 1 || h.UptimeSeconds <= 0 {
		t.Errorf("hello %+v", h)
	}
}

// A port may accept only a part of a write.
func TestPortWriteIsComplete(t *testing.T) {
	fds := make([]int, 2)
	if err := unix.Pipe(fds); err != nil {
		t.Fatal(err)
	}
	in := os.NewFile(uintptr(fds[0]), "pipe")
	defer in.Close()
	p := &port{name: "test", fd: fds[1]}
	text := strings.Repeat("0123456789", 100_000)
	go func() {
		_, _ = io.WriteString(p, text)
		_ = unix.Close(fds[1])
	}()
	got, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text || p.sent.Load() != int64(len(text)) {
		t.Errorf("%d bytes arrived, %d counted, of %d", len(got), p.sent.Load(), len(text))
	}
}

func TestPortReadEnds(t *testing.T) {
	null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	if _, err := (&port{fd: null}).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("error %v", err)
	}
	if _, err := (&port{name: "gone", fd: -1}).Read(make([]byte, 1)); !errors.Is(err, unix.EBADF) || !strings.Contains(err.Error(), "gone") {
		t.Errorf("error %v", err)
	}
}

func TestMountTables(t *testing.T) {
	seen := map[string]bool{"/": true}
	for _, m := range slices.Concat(earlyMounts[:], imageMounts[:], lateMounts[:]) {
		if seen[m.dir] {
			t.Errorf("%s is mounted twice", m.dir)
		}
		seen[m.dir] = true
		if m.flags&unix.MS_NOSUID == 0 {
			t.Errorf("%s allows set-user-id", m.dir)
		}
	}
	for err, want := range map[error]bool{unix.ENODEV: true, unix.ENOENT: true, unix.EPERM: true, unix.EBUSY: false, unix.EINVAL: false} {
		if lacking(err) != want {
			t.Errorf("lacking(%v) = %v", err, !want)
		}
	}
}

// complete adds missing files to a root, and keeps existing ones.
func TestComplete(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	const own = "root:x:0:0:me:/home:/bin/zsh\n"
	if err := os.WriteFile(filepath.Join(root, "etc", "passwd"), []byte(own), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := complete(root); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(root, "etc", "passwd")); err != nil || string(got) != own {
		t.Errorf("passwd %q, %v", got, err)
	}
	if got, err := os.Readlink(filepath.Join(root, "var", "run")); err != nil || got != "/run" {
		t.Errorf("/var/run: %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(root, "etc", "hosts")); err != nil || !strings.Contains(string(got), "127.0.0.1 localhost") {
		t.Errorf("hosts %q, %v", got, err)
	}
	if info, err := os.Stat(filepath.Join(root, "run")); err != nil || !info.IsDir() {
		t.Errorf("/run: %v", err)
	}
}

// The links in /dev lead to the streams of the process that follows them.
func TestLinkDev(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := linkDev(dir); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "echo to stdout >>"+dir+"/stdout; cat "+dir+"/fd/0")
	cmd.Stdin = strings.NewReader("from stdin\n")
	if out, err := cmd.Output(); err != nil || string(out) != "to stdout\nfrom stdin\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// pipePort returns a port, and a function that closes it and returns the written bytes.
func pipePort(t *testing.T, name string) (*port, func() string) {
	t.Helper()
	fds := make([]int, 2)
	if err := unix.Pipe(fds); err != nil {
		t.Fatal(err)
	}
	in := os.NewFile(uintptr(fds[0]), "pipe")
	return &port{name: name, fd: fds[1]}, func() string {
		defer in.Close()
		_ = unix.Close(fds[1])
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// keepEnv restores the environment after the test.
func keepEnv(t *testing.T) {
	saved := os.Environ()
	t.Cleanup(func() {
		os.Clearenv()
		for _, kv := range saved {
			k, v, _ := strings.Cut(kv, "=")
			_ = os.Setenv(k, v)
		}
	})
}

// TestReportsOfFaults tests faults without a crash: reports that lack results or have them
// twice.
func TestReportsOfFaults(t *testing.T) {
	keepEnv(t)
	for fault, tt := range map[wire.Fault]struct {
		tests    []string
		problems int
		fails    bool
	}{
		wire.FaultLost:  {nil, 1, false},
		wire.FaultHalf:  {[]string{"test-1", "test-2"}, 1, false},
		wire.FaultTwice: {[]string{"test-1", "test-2", "test-3", "test-4"}, 1, false},
		"nosuch":        {[]string{"test-1", "test-2"}, 1, true},
	} {
		p, text := pipePort(t, "result")
		g := &guest{cfg: wire.Config{Fault: fault}, ports: map[string]*port{wire.PortResult: p}}
		code, err := g.fault()
		if code != 0 || (err != nil) != tt.fails {
			t.Errorf("%s: code %d, %v", fault, code, err)
		}
		r, err := ktap.Parse(strings.NewReader(text()))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, test := range r.Tests {
			if test.Status != ktap.Pass {
				t.Errorf("%s: %s does not pass", fault, test.Name)
			}
			names = append(names, test.Name)
		}
		if !slices.Equal(names, tt.tests) || (len(r.Problems) == 0) != (tt.problems == 0) {
			t.Errorf("%s: tests %q, problems %v", fault, names, r.Problems)
		}
	}
	if !slices.Contains(os.Environ(), "XPSGEN_GUEST=1") {
		t.Error("the environment is not that of a guest")
	}
}

func TestCrashNeedsKernel(t *testing.T) {
	if _, err := os.Stat(crashPoint); err == nil {
		t.Skip("this kernel has LKDTM")
	}
	for _, fault := range []wire.Fault{wire.FaultOops, wire.FaultWarn} {
		g := &guest{cfg: wire.Config{Fault: fault}}
		if err := g.misbehave(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "CONFIG_LKDTM") {
			t.Errorf("%s: %v", fault, err)
		}
	}
	for _, args := range [][]string{{helperName, "EXCEPTION"}} {
		if code := helper(args); code != 1 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	for _, args := range [][]string{{"init", "EXCEPTION"}, {helperName}, {helperName, "a", "b"}} {
		if code := helper(args); code != 2 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

func TestBye(t *testing.T) {
	control, text := pipePort(t, "control")
	leaks := 3
	g := &guest{
		cfg: wire.Config{TimeoutScale: 1}, control: control, leaks: &leaks,
		ports: map[string]*port{wire.PortResult: {}, wire.PortStdin: {}},
		inbox: listen(strings.NewReader(`{"bye":true}` + "\n")),
	}
	g.ports[wire.PortResult].sent.Store(12)
	g.ports[wire.PortStdin].sent.Store(7)
	g.bye(5, errors.New("broken"))
	got, err := wire.NewReceiver(strings.NewReader(text())).Next()
	want := wire.Message{Exit: &wire.Exit{Code: 5, Error: "broken", Leaks: &leaks, Sent: map[string]int64{wire.PortResult: 12}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestWorkWithoutSetUp(t *testing.T) {
	if code, err := (&guest{cfg: wire.Config{Mode: wire.ModePoweroff}}).work(); code != 0 || err != nil {
		t.Errorf("power off: %d, %v", code, err)
	}
}

func TestSuiteWithoutTests(t *testing.T) {
	keepEnv(t)
	p, text := pipePort(t, "result")
	g := &guest{cfg: wire.Config{NoTests: true}, ports: map[string]*port{wire.PortResult: p}}
	if code, err := g.suite(); code != 0 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
	if got := text(); got != "KTAP version 1\n1..0\n" {
		t.Errorf("got %q", got)
	}
	if code, err := g.mutate(); code != 0 || err == nil {
		t.Errorf("no mutants: %d, %v", code, err)
	}
	g.cfg = wire.Config{Run: "a", Unpatched: true, Races: true, Seed: 7, Long: true, Loader: "l", TimeoutScale: 2}
	want := suite.Options{
		Run: "a", Unpatched: true, Races: true, Seed: 7, Long: true, Loader: "l", IP: "/usr/bin/ip",
		Selftest: "/selftests/net/xps_bpf", YNL: "/usr/bin/ynl-xps", Scratch: "/tmp", TimeoutScale: 2,
	}
	if diff := cmp.Diff(want, g.suiteOptions()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHostname(t *testing.T) {
	if got := hostname(&wire.Config{}); got != "xps" {
		t.Errorf("got %q", got)
	}
	if got := hostname(&wire.Config{Hostname: "other"}); got != "other" {
		t.Errorf("got %q", got)
	}
}

// TestLinkUp brings lo up in a new network namespace, where it is down.
func TestLinkUp(t *testing.T) {
	if err := linkUp("nosuch0"); !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EPERM) || !strings.HasPrefix(err.Error(), "nosuch0: up: ") {
		t.Errorf("no such device: %v", err)
	}
	if err := linkUp("a-name-that-is-too-long"); err == nil {
		t.Error("a long name is accepted")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with its namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
			t.Log("not permitted to make a network namespace")
			return
		}
		if err := linkUp("lo"); err != nil {
			t.Error(err)
		}
		lo, err := net.InterfaceByName("lo")
		if err != nil || lo.Flags&net.FlagUp == 0 {
			t.Errorf("lo: %+v, %v", lo, err)
		}
	}()
	<-done
}

// TestMounts tests the mounts in a new mount namespace.
func TestMounts(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	dir := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); errors.Is(err, unix.EPERM) {
			t.Log("not permitted to make a mount namespace")
			return
		}
		err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, "")
		if errors.Is(err, unix.EINVAL) { // the root of a chroot is not always a mount
			// Other namespaces may see this one, until it is unmounted.
			err = errors.Join(unix.Mount(dir, dir, "", unix.MS_BIND, ""), unix.Mount("", dir, "", unix.MS_PRIVATE, ""))
			defer unix.Unmount(dir, unix.MNT_DETACH)
		}
		if err != nil {
			t.Error(err)
			return
		}
		path := func(name string) string { return filepath.Join(dir, name) }
		if err := mountAll([]mount{
			{fs: "tmpfs", dir: path("a/b"), data: "mode=751", source: "named"},
			{fs: "nosuchfs", dir: path("c"), optional: true},
		}); err != nil {
			t.Error(err)
		}
		var st unix.Statfs_t
		if err := unix.Statfs(path("a/b"), &st); err != nil || st.Type != unix.TMPFS_MAGIC {
			t.Errorf("a/b: %x, %v", st.Type, err)
		}
		if info, err := os.Stat(path("a/b")); err != nil || info.Mode().Perm() != 0o751 {
			t.Errorf("a/b: %v, %v", info, err)
		}
		if mounts, err := os.ReadFile("/proc/thread-self/mounts"); err != nil || !strings.Contains(string(mounts), "named "+path("a/b")+" tmpfs ") {
			t.Errorf("the source is lost: %v", err)
		}
		if err := mountAll([]mount{{fs: "nosuchfs", dir: path("c")}}); !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "mount nosuchfs on "+path("c")) {
			t.Errorf("a mount that is not optional: %v", err)
		}
		if err := mountAll([]mount{{fs: "tmpfs", dir: path("d"), data: "nosuch=1", optional: true}}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("a wrong option: %v", err)
		}
		if err := errors.Join(os.WriteFile(path("file"), []byte("x"), 0o644), os.WriteFile(path("under"), []byte("y"), 0o644)); err != nil {
			t.Error(err)
		}
		for _, b := range [][2]string{{"a/b", "new/dir"}, {"file", "other/new"}, {"file", "under"}} {
			if err := bind(path(b[0]), path(b[1])); err != nil {
				t.Error(err)
			}
		}
		for name, mode := range map[string]os.FileMode{"new": 0o755, "other": 0o755, "c": 0o755} {
			if info, err := os.Stat(path(name)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v; want mode %v", name, info, err, mode)
			}
		}
		for _, name := range []string{"other/new", "under"} {
			if text, err := os.ReadFile(path(name)); err != nil || string(text) != "x" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
		}
		if !isDir(path("new/dir")) || isDir(path("file")) || isDir(path("nosuch")) {
			t.Error("directories are wrong")
		}
		if err := bind(path("nosuch"), path("x")); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "bind mount "+path("nosuch")+" on "+path("x")+": ") {
			t.Errorf("bind of nothing: %v", err)
		}
		if err := unix.Unmount(path("under"), 0); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(path("under")); err != nil || string(text) != "y" {
			t.Errorf("what was below: %q, %v", text, err)
		}
	}()
	<-done
}

func TestEnter(t *testing.T) {
	old, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(old)
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := enter(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Getwd(); err != nil || got != dir {
		t.Errorf("in %s, %v; want %s", got, err, dir)
	}
	if err := enter("/dev/null/x"); err == nil || !strings.HasPrefix(err.Error(), "working directory: ") {
		t.Errorf("below a file: %v", err)
	}
}

// TestEndInput: endInput types the end of input after all input, and repeats it until the
// program ends.
func TestEndInput(t *testing.T) {
	var out limited
	typed := &counter{w: &out}
	done := make(chan struct{})
	go func() { defer close(done); endInput(typed, 5) }()
	if _, err := io.WriteString(typed, "12345"); err != nil {
		t.Error(err)
	}
	<-done
	if got := out.out.String(); got != "12345\x15\x04\x15\x04" || typed.n.Load() != 5 {
		t.Errorf("got %q, counted %d", got, typed.n.Load())
	}
}

// limited fails at the fourth write.
type limited struct {
	out    bytes.Buffer
	writes int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.writes++; l.writes > 3 {
		return 0, io.ErrClosedPipe
	}
	return l.out.Write(p)
}

func TestInteractive(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if got := interactive(); !slices.Equal(got, []string{"/bin/sh", "-i"}) {
		t.Errorf("without bash: %q", got)
	}
	bash := filepath.Join(os.Getenv("PATH"), "bash")
	if err := os.WriteFile(bash, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := interactive(); !slices.Equal(got, []string{bash, "--noprofile", "--norc", "-i"}) {
		t.Errorf("with bash: %q", got)
	}
}

func TestOpenPort(t *testing.T) {
	if _, err := openPort("xpsgen.nosuch", 0.001); err == nil || !strings.Contains(err.Error(), "port xpsgen.nosuch: did not appear within 5ms") {
		t.Errorf("got %v", err)
	}
	if _, err := openDevice("p", "/nosuch/device"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	p, err := openDevice("p", "/dev/null")
	if err != nil || p.name != "p" || p.fd < 0 {
		t.Fatalf("got %+v, %v", p, err)
	}
	if n, err := p.Write([]byte("abc")); n != 3 || err != nil || p.sent.Load() != 3 {
		t.Errorf("wrote %d, %v; counted %d", n, err, p.sent.Load())
	}
	_ = unix.Close(p.fd)
	if n, err := p.Write([]byte("abc")); n != 0 || !errors.Is(err, unix.EBADF) || !strings.HasPrefix(err.Error(), "port p: write: ") {
		t.Errorf("closed: %d, %v", n, err)
	}
}

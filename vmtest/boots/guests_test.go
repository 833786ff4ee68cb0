// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boots

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

// The guests differ only in the property that their names say.
func TestBareGuests(t *testing.T) {
	type properties struct {
		mode            string
		vmlinux, initrd string
		kind            vm.Type
	}
	want := map[string]properties{
		"bare":        {string(wire.ModeBarePoweroff), "/k/vmlinux", "/image", ""},
		"hello":       {string(wire.ModePoweroff), "/k/vmlinux", "/image", ""},
		"bzimage":     {string(wire.ModePoweroff), "", "/image", ""},
		"gzip":        {string(wire.ModePoweroff), "/k/vmlinux", "/packed", ""},
		"q35":         {string(wire.ModePoweroff), "/k/vmlinux", "/image", vm.Q35},
		"q35-bzimage": {string(wire.ModePoweroff), "", "/image", vm.Q35},
	}
	opt := &Options{Accel: "tcg"}
	a := &prepare.Artifacts{Kernel: &build.KernelResult{Image: "/k/bzImage", Vmlinux: "/k/vmlinux"}}
	var names []string
	for _, g := range opt.bareGuests(a, "/image", "/packed") {
		names = append(names, g.name)
		m := g.machine
		if got := (properties{string(m.Config.Mode), m.Vmlinux, m.Initrds[0], m.Type}); got != want[g.name] || len(m.Initrds) != 1 {
			t.Errorf("%s: %+v, expected %+v", g.name, got, want[g.name])
		}
		if m.Kernel != "/k/bzImage" || m.Accel != vm.TCG || m.Console != io.Discard || g.what == "" {
			t.Errorf("%s: %+v", g.name, m)
		}
	}
	if !slices.Equal(names, []string{"bare", "hello", "bzimage", "gzip", "q35", "q35-bzimage"}) {
		t.Errorf("guests: %q", names)
	}
}

// Only the bare guest may end without a message.
func TestBareGuestFails(t *testing.T) {
	ended, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("interrupted")
	cancel(reason)
	for _, mode := range []wire.Mode{wire.ModePoweroff, wire.ModeBarePoweroff} {
		g := &bareGuest{machine: &vm.Machine{QEMU: "/nosuch/qemu", Kernel: "/nosuch/kernel", Config: wire.Config{Mode: mode}}}
		if err := g.run(t.Context()); (err == nil) != (mode == wire.ModeBarePoweroff) {
			t.Errorf("%v without QEMU: %v", mode, err)
		}
		if err := g.run(ended); err == nil {
			t.Errorf("%v, interrupted: no error", mode)
		}
	}
}

func TestPassed(t *testing.T) {
	broken := errors.New("no guest")
	good := &verdict.Outcome{Report: &ktap.Report{}}
	bad := &verdict.Outcome{Reasons: []string{"the guest died", "no plan"}}
	for name, tt := range map[string]struct {
		o    *verdict.Outcome
		err  error
		want string
	}{
		"passed": {good, nil, ""}, "failed": {bad, nil, "run empty suite: the guest died"}, "broken": {nil, broken, "no guest"},
	} {
		err := passed(tt.o, tt.err)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
			t.Errorf("%s: %v, expected %q", name, err, tt.want)
		}
	}
}

// The first way is the reference, and all are in the order of Names. The way "run" needs
// its command.
func TestWays(t *testing.T) {
	dir := t.TempDir()
	init := filepath.Join(dir, "init")
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(init, text, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	a := &prepare.Artifacts{Init: init, XPS: init, Kernel: &build.KernelResult{}, IP: &build.IPRoute2Result{IP: init}, Bpftool: &build.BpftoolResult{Bpftool: init}}
	for _, command := range [][]string{nil, {"/bin/echo"}} {
		opt := &Options{Accel: "tcg", Run: command, Source: prepare.Source{Cache: filepath.Join(dir, "cache")}}
		ways, err := opt.ways(t.Context(), a, dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, w := range ways {
			names = append(names, w.name)
		}
		want := Names()[:7]
		if command != nil {
			want = Names()[:8]
		}
		if !slices.Equal(names, want) {
			t.Errorf("command %q: ways %q, expected %q", command, names, want)
			continue
		}
		if command != nil {
			if err := ways[7].boot(t.Context()); err != nil {
				t.Errorf("run: %v", err)
			}
			opt.Run[0] = "/nosuch"
			if err := ways[7].boot(t.Context()); err == nil {
				t.Error("run without its command: no error")
			}
		}
		if info, err := os.Stat(filepath.Join(dir, "image.gz")); err != nil || info.Size() == 0 {
			t.Errorf("the compressed image: %v, %v", info, err)
		}
	}
	opt := &Options{Source: prepare.Source{Cache: filepath.Join(dir, "init")}}
	if _, err := opt.ways(t.Context(), a, dir); err == nil || !strings.HasPrefix(err.Error(), "guest image: ") {
		t.Errorf("a cache that is a file: %v", err)
	}
	opt.Source.Cache = filepath.Join(dir, "cache")
	if _, err := opt.ways(t.Context(), a, "/nosuch"); err == nil {
		t.Error("no directory: no error")
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boots

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
)

func TestOtherTools(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	var said []string
	opt := &Options{Accel: "tcg", Source: prepare.Source{Progress: func(e progress.Event) { said = append(said, e.Text) }}}
	a := &prepare.Artifacts{Kernel: &build.KernelResult{Image: "/k/bzImage"}}
	if ways := mustTools(t, opt, a); len(ways) != 0 || len(said) != 0 {
		t.Errorf("none is installed: %d ways, said %q", len(ways), said)
	}

	// The script fails unless KVM is disabled.
	script := "#!/bin/sh\necho \"$@\" >" + dir + "/args\ntest -n \"$VIMTO_DISABLE_KVM\" || { echo no KVM; exit 3; }\n"
	if err := os.WriteFile(filepath.Join(dir, "vimto"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if ways := mustTools(t, opt, a); len(ways) != 0 || len(said) != 1 || !strings.Contains(said[0], "left out vimto") {
		t.Errorf("a kernel that cannot mount the host's files: %d ways, said %q", len(ways), said)
	}
	opt.Source.Fragments = []string{hostFSFragment}
	ways := mustTools(t, opt, a)
	if len(ways) != 1 || ways[0].name != "vimto" {
		t.Fatalf("got %d ways", len(ways))
	}
	if err := ways[0].boot(t.Context()); err != nil {
		t.Error(err)
	}
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if want := "-kernel /k/bzImage -smp 2 -memory 512M exec -- /bin/true\n"; err != nil || string(args) != want {
		t.Errorf("%v, got %q, want %q", err, args, want)
	}

	opt.Accel = "kvm"
	said = nil
	if ways := mustTools(t, opt, a); len(ways) != 0 || len(said) != 1 || !strings.Contains(said[0], "exit status 3: no KVM") {
		t.Errorf("a tool that fails: %d ways, said %q", len(ways), said)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opt.otherTools(ended, a); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	for _, accel := range []string{"tcg", "kvm"} {
		if got := slices.Contains(tools("k", accel)[0].args, "--disable-kvm"); got != (accel == "tcg") {
			t.Errorf("%s: --disable-kvm %v", accel, got)
		}
	}
}

func mustTools(tb testing.TB, opt *Options, a *prepare.Artifacts) []way {
	tb.Helper()
	ways, err := opt.otherTools(tb.Context(), a)
	if err != nil {
		tb.Fatal(err)
	}
	return ways
}

func TestReadBoots(t *testing.T) {
	file := filepath.Join(t.TempDir(), "boots.json")
	if _, err := Read(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(file, []byte(`[{"name":"bare","what":"w","min_ns":1,"median_ns":2,"ratio":1}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Read(file)
	want := []Time{{Name: "bare", What: "w", Min: time.Duration(1), Median: time.Duration(2), Ratio: 1}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	if err := os.WriteFile(file, []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestHostState(t *testing.T) {
	start := time.Now()
	for used := time.Duration(0); used < 5*clockTick; {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		used = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	s := hostState(os.Getpid(), start)
	if s.CPU < clockTick || s.Wall <= 0 || s.Load == "" || !strings.Contains(s.Threads, "R") {
		t.Errorf("of this very process: %+v", s)
	}
	if s := hostState(1<<30, start); s.String() != "" {
		t.Errorf("of a process that is not there: %q", s)
	}
}

func TestReadStat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stat")
	for text, want := range map[string]struct {
		state string
		cpu   time.Duration
		ok    bool
	}{
		"7 (qemu) S 1 7 7 0 -1 4194304 1 2 3 4 150 25 0 0 20 0 1 0": {"S", 1750 * time.Millisecond, true},
		"7 (a) b) R 1 7 7 0 -1 4194304 1 2 3 4 1 0 0 0 20 0 1 0":    {"R", 10 * time.Millisecond, true},
		"7 (qemu) S 1 7": {},
		"":               {},
		"7 (qemu) S 1 7 7 0 -1 4194304 1 2 3 4 x 25 0 0 20": {state: "S"},
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		state, cpu, ok := readStat(path)
		if ok != want.ok || ok && (state != want.state || cpu != want.cpu) {
			t.Errorf("%q: %q, %v, %v", text, state, cpu, ok)
		}
	}
}

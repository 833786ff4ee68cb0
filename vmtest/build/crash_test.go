// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/tree"
)

func TestInterrupt(t *testing.T) {
	b := newBench(t)
	mustWrite(t, filepath.Join(b.objdir(t), "delay"), "3600")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		b.waitForObject(t)
		cancel()
	}()
	// NB: a build that is not stopped takes an hour.
	if _, err := b.kernel(t, ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	mustWrite(t, filepath.Join(b.objdir(t), "delay"), "0")
	if got := mustRead(t, b.mustKernel(t).Image); got != image("a1", "b1", "c1") {
		t.Errorf("image is %q", got)
	}
}

// waitForObject waits until an object is half written.
func (b *bench) waitForObject(t *testing.T) {
	dir := filepath.Join(b.cache, "work")
	for range 6000 {
		if found, _ := filepath.Glob(filepath.Join(dir, "*", "obj-base", "?.o")); len(found) > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("no object appeared")
}

// TestKill kills a run with its child processes, as a power cut does. It also
// kills the run alone, as the out-of-memory killer does.
func TestKill(t *testing.T) {
	if os.Getenv("XPS_TEST_CHILD") != "" {
		b := &bench{dir: os.Getenv("XPS_TEST_DIR"), cache: os.Getenv("XPS_TEST_CACHE"),
			fragments: []config.Fragment{{Name: "base", Text: baseText}}}
		var err error
		if b.series, err = tree.Load(os.Getenv("XPS_TEST_SERIES")); err != nil {
			t.Fatal(err)
		}
		b.mustKernel(t)
		t.Fatal("this should have been killed")
	}
	for name, whole := range map[string]bool{"with children": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			// Killing make does not stop the command that it runs: the next
			// run has to wait for this command.
			mustWrite(t, filepath.Join(b.objdir(t), "delay"), "4")
			cmd := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.count=1")
			cmd.Env = append(os.Environ(), "XPS_TEST_CHILD=1", "XPS_TEST_DIR="+b.dir, "XPS_TEST_CACHE="+b.cache,
				"XPS_TEST_SERIES="+b.series.Dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			b.waitForObject(t)
			below := descendants(cmd.Process.Pid)
			if len(below) < 2 {
				t.Errorf("only %d processes", len(below))
			}
			victims := []int{cmd.Process.Pid}
			if whole {
				victims = append(victims, below...)
			}
			for _, pid := range victims {
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
			for _, pid := range victims {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			_ = cmd.Wait()
			if !gone(below[0]) {
				t.Error("make outlives the run")
			}
			if half, _ := filepath.Glob(filepath.Join(b.objdir(t), "?.o")); whole && len(half) == 0 {
				t.Error("no half-written object to be careless with")
			}
			mustWrite(t, filepath.Join(b.objdir(t), "delay"), "0")
			k := b.mustKernel(t)
			if got := mustRead(t, k.Image); got != image("a1", "b1", "c1") {
				t.Errorf("image is %q", got)
			}
			if _, err := os.Stat(filepath.Join(b.objdir(t), markerName)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the mark is still there: %v", err)
			}
		})
	}
}

// gone waits for a process to end. A zombie counts as ended: PID 1 of a container may
// never reap it.
func gone(pid int) bool {
	for range 2400 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return true
		}
		// The name before it may hold anything, a bracket too.
		_, state, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
		if strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X") {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// descendants lists the processes below pid.
func descendants(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(data)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(append(all, n), descendants(n)...)
			}
		}
	}
	return all
}

func TestTwoBuildsAtOnce(t *testing.T) {
	b := newBench(t)
	mustWrite(t, filepath.Join(b.objdir(t), "delay"), "0.3")
	type answer struct {
		k   *KernelResult
		err error
	}
	answers := make(chan answer, 2)
	src := b.source(t)
	for range 2 {
		go func() {
			k, err := Kernel(t.Context(), KernelOptions{Source: src, Fragments: b.fragments, Cache: b.cache, Progress: b.progress})
			answers <- answer{k, err}
		}()
	}
	cached := 0
	for range 2 {
		a := <-answers
		if a.err != nil {
			t.Fatal(a.err)
		}
		if a.k.Cached {
			cached++
		}
		if got := mustRead(t, a.k.Image); got != image("a1", "b1", "c1") {
			t.Errorf("image is %q", got)
		}
	}
	if cached != 1 {
		t.Errorf("%d of 2 found the kernel made", cached)
	}
}

// TestFullDisk builds in a separate file system that is too small.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("XPS_TEST_SMALL"); dir != "" {
		b := newBench(t)
		b.cache = dir
		b.write(t, "net/b.c", strings.Repeat("x", 100<<10)+"\n")
		mustWrite(t, filepath.Join(dir, "filler"), strings.Repeat("x", 1300<<10))
		_, err := b.kernel(t, t.Context())
		var serr *cache.SpaceError
		if !errors.As(err, &serr) {
			t.Fatalf("got %T %v", err, err)
		}
		if !strings.Contains(err.Error(), "XPSGEN_CACHE=DIR") || !strings.Contains(err.Error(), "needs about") {
			t.Errorf("no advice: %v", err)
		}
		if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
			t.Fatal(err)
		}
		b.mustKernel(t)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o size=2m none "$1" || exit 42; XPS_TEST_SMALL=$1 exec "$2" -test.run='^TestFullDisk$' -test.count=1 -test.v`,
		"sh", dir, os.Args[0])
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 42 || strings.Contains(string(out), "unshare failed") {
		t.Skipf("needs a user namespace with a private mount (unshare -rm): %v: %s", err, out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestFullDisk") {
		t.Errorf("%v\n%s", err, out)
	}
}

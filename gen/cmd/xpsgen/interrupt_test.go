// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/testenv"

	"golang.org/x/sys/unix"
)

// TestGuestSignals ends a run while the guest is up, and looks for leftovers.
func TestGuestSignals(t *testing.T) {
	testenv.Require(t, "vm", "boots the patched kernel")
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	xpsgen := filepath.Join(t.TempDir(), "xpsgen")
	if out, err := exec.Command("go", "build", "-o", xpsgen, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		signal unix.Signal
		code   int // -1: ended by the signal
	}{
		{unix.SIGINT, exitInterrupted},
		{unix.SIGTERM, exitTerminated},
		{unix.SIGKILL, -1},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			cmd := exec.Command(xpsgen, "-q", "--root", root, "vm", "run", "--", "sh", "-c", "echo up; sleep 100")
			var stdout bytes.Buffer
			ready := make(chan struct{})
			cmd.Stdout = writer(func(b []byte) (int, error) {
				if stdout.Len() == 0 {
					defer close(ready)
				}
				return stdout.Write(b)
			})
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ready:
			case <-time.After(15 * time.Minute):
				_ = cmd.Process.Kill()
				t.Fatal("the guest does not come up")
			}
			children := childrenOf(t, cmd.Process.Pid)
			if len(children) == 0 {
				t.Fatal("no QEMU among the children")
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.code {
				t.Errorf("ended with %v, want code %d", err, c.code)
			}
			for _, pid := range children {
				gone := false
				for range 2400 {
					if unix.Kill(pid, 0) != nil {
						gone = true
						break
					}
					time.Sleep(50 * time.Millisecond)
				}
				if !gone {
					t.Errorf("child %d outlives us", pid)
				}
			}
			// The next run finds nothing in its way.
			out, err := exec.Command(xpsgen, "-q", "--root", root, "vm", "run", "--", "echo", "again").CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "again" {
				t.Errorf("the next run: %v: %s", err, out)
			}
		})
	}
}

type writer func(b []byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// childrenOf lists the processes whose parent is pid.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, status := range all {
		data, err := os.ReadFile(status)
		if err != nil || !strings.Contains(string(data), fmt.Sprintf("\nPPid:\t%d\n", pid)) {
			continue // gone meanwhile, or somebody else's
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(status)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, child)
	}
	return pids
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"
)

// snapshot is the state that a test must restore.
type snapshot struct {
	goroutines int
	stacks     map[string]bool
	fds        map[string]string
	// foreign are threads in another network namespace than the process. They belong
	// to tests that exceeded their deadline.
	foreign map[string]string
}

// leakGrace is how long the goroutines of a test may outlive it.
const leakGrace = 500 * time.Millisecond

func takeSnapshot() *snapshot {
	s := &snapshot{
		goroutines: runtime.NumGoroutine(),
		stacks:     make(map[string]bool),
		fds:        openFDs(),
		foreign:    foreignThreads(),
	}
	for _, g := range goroutines() {
		s.stacks[goroutineID(g)] = true
	}
	return s
}

// check fails t if objects exist now that did not exist when s was taken. It first waits for
// goroutines that are about to end.
func (s *snapshot) check(t *T) {
	var left []string
	if t.Poll(leakGrace, func() bool {
		left = s.leaks()
		return len(left) == 0
	}) {
		return
	}
	t.Errorf("leaked: %s", strings.Join(left, "\n  "))
}

// leaks lists the objects that exist now but not in s.
func (s *snapshot) leaks() []string {
	var left []string
	if n := runtime.NumGoroutine(); n > s.goroutines {
		left = append(left, fmt.Sprintf("%d more goroutines than before", n-s.goroutines))
		for _, g := range goroutines() {
			if !s.stacks[goroutineID(g)] {
				left = append(left, trimStack(g))
			}
		}
	}
	for fd, target := range openFDs() {
		if _, ok := s.fds[fd]; !ok {
			left = append(left, fmt.Sprintf("file descriptor %s: %s", fd, target))
		}
	}
	for path, ns := range foreignThreads() {
		if _, ok := s.foreign[path]; !ok {
			left = append(left, fmt.Sprintf("thread in a network namespace of a test: %s is %s", path, ns))
		}
	}
	sort.Strings(left)
	return left
}

// foreignThreads maps threads outside the network namespace of the process to their
// namespace. A thread that cannot be read has ended.
func foreignThreads() map[string]string {
	found := make(map[string]string)
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return found
	}
	threads, _ := filepath.Glob("/proc/self/task/*/ns/net")
	for _, path := range threads {
		if ns, err := os.Readlink(path); err == nil && ns != own {
			found[path] = ns
		}
	}
	return found
}

// goroutineID returns the first line of a stack up to the state.
func goroutineID(stack string) string {
	id, _, _ := strings.Cut(stack, " [")
	return id
}

// openFDs maps the open file descriptors to their targets. It skips the descriptor of the
// directory itself, which is closed by the time it is read.
func openFDs() map[string]string {
	fds := make(map[string]string)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fds
	}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil {
			fds[e.Name()] = target
		}
	}
	return fds
}

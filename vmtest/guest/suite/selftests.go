// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/ktap"
)

// kernelTests are the results of the series' selftest, with the key of the patch that
// adds each. The host plans the names in this table. A test checks that none is
// missing.
var kernelTests = []struct{ name, needs string }{
	{"attach_query_detach", needsSelftests},
	{"return_value_is_the_queue", needsSelftests},
	{"return_value_is_taken_modulo_the_queues_in_use", needsSelftests},
	{"negative_return_value_falls_back", needsSelftests},
	{"program_runs_before_the_maps", needsSelftests},
	{"noexist", needsSelftests},
	{"replace", needsSelftests},
	{"bad_program", needsSelftests},
	{"bad_request", needsSelftests},
	{"unprivileged", needsSelftests},
	{"one_notification_for_a_change", needsSelftests},
	{"program_moves_with_its_device", needsSelftests},
	{"device_holds_its_program", needsSelftests},
	{"program_goes_with_its_device", needsSelftests},
	{"replace_by_id", needsSelftests},
	{"refused_program_changes_nothing", needsSelftests},
	{"bond_refuses", needsSelftests},
	{"tun_runs_the_program", needsTunSelftests},
	{"tun_runs_its_steering_program_first", needsTunSelftests},
	{"tun_selects_from_the_queues_in_use", needsTunSelftests},
	{"a_socket_keeps_its_queue", needsSelftests},
}

// selftestTimeout is the timeout of one test. The first test runs the whole program.
const selftestTimeout = 60 * time.Second

// list returns one test per result of the series' selftest in the kernel tree. The
// program runs once, as run_tests would run it: in its directory, without arguments,
// with TAP output.
func (e *kernelSelftest) list() check.Group {
	g := check.Group{Name: "selftests"}
	for i, kt := range kernelTests {
		g.Tests = append(g.Tests, check.Test{
			Name:    fmt.Sprintf("e%02d-%s", i+1, strings.ReplaceAll(kt.name, "_", "-")),
			Needs:   kt.needs,
			Run:     func(t *check.T) { e.kernelTest(t, kt.name) },
			Timeout: selftestTimeout,
		})
	}
	g.Tests = append(g.Tests, check.Test{
		Name:    "e99-every-test-of-the-program-is-planned",
		Needs:   needsSelftests,
		Run:     e.kernelTestsPlanned,
		Timeout: selftestTimeout,
	})
	return g
}

// selftestRun is the single run of the program.
type selftestRun struct {
	once sync.Once
	// results are by name; text is the output of the program.
	results map[string]ktap.Test
	text    string
	err     error
}

func (e *kernelSelftest) kernelTest(t *check.T, name string) {
	r := e.runSelftest(t)
	result, ok := r.results[name]
	if !ok {
		t.Fatalf("the kernel's selftest did not report %s\n%s", name, r.text)
	}
	for _, line := range result.Diag {
		t.Logf("%s", line)
	}
	// A skip is a failure: the guest has all that the test needs.
	if result.Status != ktap.Pass {
		t.Fatalf("the kernel's selftest says %s: %s %s", name, result.Status, result.Reason)
	}
}

// kernelTestsPlanned checks that the plan has all results of the program, and that the
// program passes.
func (e *kernelSelftest) kernelTestsPlanned(t *check.T) {
	r := e.runSelftest(t)
	planned := make(map[string]bool)
	for _, kt := range kernelTests {
		planned[kt.name] = true
	}
	for name := range r.results {
		if !planned[name] {
			t.Errorf("the kernel's selftest reports %s, which kernelTests does not name", name)
		}
	}
	if r.err != nil && !r.explained() {
		t.Errorf("the kernel's selftest: %v\n%s", r.err, r.text)
	}
}

// explained reports whether the error is the exit code of a program in which a test
// failed: that test has a result of its own.
func (r *selftestRun) explained() bool {
	exit, ok := r.err.(*exec.ExitError)
	if !ok || !exit.Exited() {
		return false
	}
	for _, result := range r.results {
		if result.Status == ktap.Fail {
			return true
		}
	}
	return false
}

// runSelftest runs the program, or returns the result of its run.
func (e *kernelSelftest) runSelftest(t *check.T) *selftestRun {
	r := &e.run
	r.once.Do(func() {
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), e.path)
		cmd.Dir = filepath.Dir(e.path)
		cmd.Stdout, cmd.Stderr = &out, &out
		r.err = cmd.Run()
		r.text = out.String()
		r.parse()
	})
	if errors.Is(r.err, fs.ErrNotExist) {
		t.Fatalf("the guest has no selftest: %v (the kernel tree has no tools/testing/selftests/net/xps_bpf.c)", r.err)
	}
	return r
}

// parse reads the program's output. An incomplete report is an additional error.
func (r *selftestRun) parse() {
	report, err := ktap.Parse(strings.NewReader(r.text))
	if err != nil {
		r.err = errors.Join(r.err, err)
		return
	}
	r.results = make(map[string]ktap.Test)
	for _, result := range report.Flat() {
		// The harness names tests "fixture.test".
		_, name, ok := strings.Cut(result.Name, ".")
		if !ok {
			name = result.Name
		}
		r.results[name] = result
	}
	for _, p := range report.Problems {
		r.err = errors.Join(r.err, &p)
	}
}

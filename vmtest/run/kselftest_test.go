// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/prepare"
)

func TestRunnerArgs(t *testing.T) {
	have := []string{"net:a.sh", "net:b", "bpf:test_progs"}
	args, err := runnerArgs(have, []string{"net:b", "bpf", "net:a.sh"})
	if want := "-t net:b -c bpf -t net:a.sh"; err != nil || strings.Join(args, " ") != want {
		t.Errorf("got %q, %v, want %q", args, err, want)
	}
	for _, test := range []string{"net:c", "net:", "mm", "mm:a", "ne"} {
		if _, err := runnerArgs(have, []string{test}); !errors.Is(err, prepare.ErrSelftest) {
			t.Errorf("%s: got %v", test, err)
		}
	}
}

func TestCompareSelftests(t *testing.T) {
	passed := ktap.Test{Name: "net:a", Diag: []string{"PASS: one", "PASS: two", "PASS: two", "took 3 s"}}
	for name, c := range map[string]struct {
		before, after []ktap.Test
		want          []string
	}{
		"same, in another order": {
			[]ktap.Test{passed, {Name: "net:b", Status: ktap.Skip}},
			[]ktap.Test{{Name: "net:b", Status: ktap.Skip}, {Name: "net:a", Diag: []string{"took 9 s", "PASS: two", "PASS: one", "PASS:  two"}}},
			nil,
		},
		"another result": {
			[]ktap.Test{passed}, []ktap.Test{{Name: "net:a", Status: ktap.Fail, Reason: "exit=1", Diag: passed.Diag}},
			[]string{"net:a: pass, then fail (exit=1)"},
		},
		"another part": {
			[]ktap.Test{passed}, []ktap.Test{{Name: "net:a", Diag: []string{"PASS: one", "FAIL: two", "PASS: two"}}},
			[]string{`net:a: no longer "PASS: two"`, `net:a: now "FAIL: two"`},
		},
		"missing and new": {
			[]ktap.Test{passed}, []ktap.Test{{Name: "net:c"}},
			[]string{"net:a: pass, then not reported", "net:c: not reported, then pass"},
		},
	} {
		if diff := cmp.Diff(c.want, CompareSelftests(c.before, c.after)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestModulesInGuest(t *testing.T) {
	var h wire.HostFiles
	modules(&h, &build.KernelResult{Release: "7.3.4"})
	if len(h.Binds) != 0 {
		t.Errorf("a kernel without modules: %v", h.Binds)
	}
	modules(&h, &build.KernelResult{Release: "7.3.4", Modules: "/cache/kernel/x/modules"})
	if diff := cmp.Diff([]wire.Bind{{From: "/cache/kernel/x/modules", To: "/lib/modules/7.3.4"}}, h.Binds); diff != "" {
		t.Error(diff)
	}
}

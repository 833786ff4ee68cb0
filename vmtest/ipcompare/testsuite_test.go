// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/testenv"
)

// ownTest is the test that the series adds.
const ownTest = "ip/link/xps.t"

// fewestTests is how many tests each release has at least.
const fewestTests = 10

// TestTestsuite runs iproute2's own testsuite in the patched guest, without the series and
// with it. No test may end worse with it.
func TestTestsuite(t *testing.T) {
	testenv.Require(t, "ip-testsuite", "builds iproute2 of each base four times, and boots each base")
	for _, base := range preparetest.Bases(t) {
		for _, loader := range []string{"libbpf", "legacy"} {
			t.Run(base+"-"+loader, func(t *testing.T) {
				src := preparetest.Source(t, base)
				both, _, err := extract(t.Context(), src, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				seen := map[string]map[string]result{}
				for _, side := range []string{before, after} {
					if err := both.compile(t.Context(), side, loader == "libbpf"); err != nil {
						t.Fatal(err)
					}
					out, err := testsuite(t.Context(), src, t.TempDir(), both[side])
					if err != nil {
						t.Fatal(err)
					}
					seen[side] = results(out)
					if n := len(seen[side]); n < fewestTests {
						t.Errorf("%s the series: %d tests ran, expected %d at least:\n%s", side, n, fewestTests, out)
					}
					t.Logf("%s the series:\n%s", side, out)
				}
				for _, name := range slices.Sorted(maps.Keys(seen[before])) {
					if was, is := seen[before][name], seen[after][name]; is.worse(was) {
						t.Errorf("test %s: %q before the series, %q after", name, was, is)
					}
				}
				if is := seen[after][ownTest]; is != passed {
					t.Errorf("test %s: %q, expected %s", ownTest, is, passed)
				}
				t.Logf("%d tests before, %d after", len(seen[before]), len(seen[after]))
			})
		}
	}
}

// compile builds the programs that the testsuite runs.
func (t trees) compile(ctx context.Context, side string, libbpf bool) error {
	if err := t.configure(ctx, side, libbpf); err != nil {
		return err
	}
	jobs := fmt.Sprintf("-j%d", runtime.NumCPU())
	if _, err := t.make(ctx, side, libbpf, jobs, "SUBDIRS=lib ip tc bridge misc"); err != nil {
		return err
	}
	if _, err := t.make(ctx, side, libbpf, "-C", "testsuite/tools"); err != nil {
		return err
	}
	_, err := t.make(ctx, side, libbpf, "-C", "testsuite/iproute2", "link")
	return err
}

// script runs the testsuite as root. Its makefile calls sudo, which a machine may lack. No
// test looks at the kernel's configuration, which would become the environment of each
// command.
const script = `set -e
mkdir /tmp/bin
cat >/tmp/bin/sudo <<'EOF'
#!/bin/sh
[ "$1" != -E ] || shift
exec "$@"
EOF
chmod +x /tmp/bin/sudo
PATH=/tmp/bin:$PATH
cd "$1/testsuite"
make -k alltests KCPATH=
cat $(find results -name '*.err') </dev/null
`

// testsuite runs the testsuite of a built tree in the guest, and returns its output. Dir
// is empty.
func testsuite(ctx context.Context, s prepare.Source, dir, tree string) ([]byte, error) {
	file := filepath.Join(dir, "testsuite.sh")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	end, err := run.Program(ctx, run.ProgramOptions{
		GuestOptions: run.GuestOptions{Source: s},
		Args:         []string{"sh", file, tree},
		Timeout:      20 * time.Minute,
		Stdin:        strings.NewReader(""),
		Stdout:       &out,
		Stderr:       &out,
	})
	if err != nil {
		return nil, fmt.Errorf("run iproute2's testsuite: %w: %s", err, out.Bytes())
	}
	if end.Code != 0 {
		return nil, fmt.Errorf("run iproute2's testsuite: exit code %d: %s", end.Code, out.Bytes())
	}
	return out.Bytes(), nil
}

// TestResults reads lines of the testsuite.
func TestResults(t *testing.T) {
	const out = "Running ip/link/xps.t [iproute2-this/7.3.4]: \x1b[0;32mPASS\x1b[0m\n" +
		"Running tc/pedit.t [iproute2-this/7.3.4]: \x1b[0;31mFAILED\x1b[0m\n" +
		"Running ip/rule.t [iproute2-this/7.3.4]: \x1b[1;35mSKIPPED\x1b[0m\n"
	want := map[string]result{"ip/link/xps.t": passed, "tc/pedit.t": failed, "ip/rule.t": skipped}
	if got := results([]byte(out)); !maps.Equal(got, want) {
		t.Errorf("results: %v, expected %v", got, want)
	}
}

// TestWorse orders results.
func TestWorse(t *testing.T) {
	for _, test := range []struct {
		old, new result
		worse    bool
	}{
		{passed, passed, false}, {passed, skipped, true}, {passed, failed, true},
		{skipped, passed, false}, {skipped, failed, true}, {failed, failed, false},
		{failed, "", true}, {"", failed, false}, {"", skipped, false}, {passed, "KILLED", true},
	} {
		if got := test.new.worse(test.old); got != test.worse {
			t.Errorf("%q after %q: worse is %t, expected %t", test.new, test.old, got, test.worse)
		}
	}
}

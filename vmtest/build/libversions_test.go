// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkgConfigs are ways in which implementations of pkg-config answer for several
// libraries. All of them know a 1.0 and c 3.0 only. Each run adds a line to $0.runs.
var pkgConfigs = map[string]struct {
	script string
	runs   int
}{
	"names all missing": {`case " $* " in *" b "*|*" d "*) ;; *) for l; do [ $l = a ] && echo 1.0 || echo 3.0; done; exit 0; esac
for l; do case $l in b|d) echo "Package $l was not found in the pkg-config search path." >&2; esac; done
exit 1`, 2},
	"names the first missing": {`case " $* " in *" b "*|*" d "*) ;; *) for l; do [ $l = a ] && echo 1.0 || echo 3.0; done; exit 0; esac
for l; do case $l in b|d) echo "Package $l was not found in the pkg-config search path." >&2; exit 1; esac; done`, 3},
	"names none": {`case " $* " in *" b "*|*" d "*) exit 1;; esac
for l; do [ $l = a ] && echo 1.0 || echo 3.0; done`, 7},
	"answers for the first only": {`case $1 in a) echo 1.0;; c) echo 3.0;; *) exit 1; esac`, 7},
}

// Each implementation gives the same versions, in the order of the libraries.
func TestLibVersions(t *testing.T) {
	for name, p := range pkgConfigs {
		t.Run(name, func(t *testing.T) {
			tools := t.TempDir()
			tool := filepath.Join(tools, "pkg-config")
			mustWrite(t, tool, "#!/bin/sh\necho run >> $0.runs\n[ $1 = --modversion ] || exit 2\nshift\n"+p.script+"\n")
			if err := os.Chmod(tool, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
			got, err := libVersions(t.Context(), "build", []string{"a", "b", "c", "d"})
			if want := []string{"a 1.0", "b -", "c 3.0", "d -"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("versions %q, error %v; want %q", got, err, want)
			}
			runs, err := os.ReadFile(tool + ".runs")
			if n := strings.Count(string(runs), "\n"); err != nil || n != p.runs {
				t.Errorf("%d runs of pkg-config, error %v; want %d", n, err, p.runs)
			}
		})
	}
}

// A pkg-config that succeeds without a version is an error, and so is none at all.
func TestLibVersionsFails(t *testing.T) {
	tools := t.TempDir()
	tool := filepath.Join(tools, "pkg-config")
	t.Setenv("PATH", tools)
	_, err := libVersions(t.Context(), "build", []string{"a", "b"})
	var broken *BreakdownError
	if !errors.As(err, &broken) || !strings.Contains(broken.Cause, "pkg-config") {
		t.Errorf("error without pkg-config: %v", err)
	}
	mustWrite(t, tool, "#!/bin/sh\n")
	if err := os.Chmod(tool, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := libVersions(t.Context(), "build", []string{"a", "b"}); err == nil || !strings.Contains(err.Error(), "expected a version") {
		t.Errorf("error without an answer: %v", err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// offer puts a package into the fake suite, in which the file net/core/dev.c
// is as given; empty means as the patches know it.
func (a *fakeApt) offer(t *testing.T, pkg, version, dev string) {
	t.Helper()
	files := sourceFiles()
	if dev != "" {
		files["net/core/dev.c"] = dev
	}
	files["Makefile"] = strings.Replace(files["Makefile"], "SUBLEVEL = 7", "SUBLEVEL = "+version, 1)
	mustDeb(t, filepath.Join(a.dir, pkg+"_"+version+"_all.deb"), files)
}

func TestDrift(t *testing.T) {
	const other = "nothing of what was there\n"
	remove := func(t *testing.T, a *fakeApt) {
		t.Helper()
		if err := os.Remove(a.deb); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		// suite sets up the suite. madeOn is the version that the series is
		// based on.
		suite  func(t *testing.T, a *fakeApt)
		madeOn string
		// version is the one that is used; empty means drift.
		version string
		notice  string
		// drift are parts of the error.
		drift []string
	}{
		"there":             {func(*testing.T, *fakeApt) {}, "6.12.7-*", "6.12.7", "", nil},
		"nothing said":      {func(*testing.T, *fakeApt) {}, "", "6.12.7", "", nil},
		"newer, it applies": {func(*testing.T, *fakeApt) {}, "6.12.6-*", "6.12.7", "linux-source-6.12 6.12.6-* is no longer available; using deb linux-source-6.12 6.12.7-1, to which the patches apply", nil},
		"package is gone": {func(t *testing.T, a *fakeApt) {
			remove(t, a)
			a.offer(t, "linux-source-6.13", "6.13.2-1", "")
		}, "6.12.7-*", "6.13.2", "using deb linux-source-6.13 6.13.2-1", nil},
		"the newest that it applies to": {func(t *testing.T, a *fakeApt) {
			remove(t, a)
			a.offer(t, "linux-source-6.9", "6.9.1-1", "")
			a.offer(t, "linux-source-6.13", "6.13.2-1", "")
			a.offer(t, "linux-source-6.14", "6.14.1-1", other)
			a.offer(t, "linux-headers-6.15", "6.15.1-1", "")
		}, "6.12.7-*", "6.13.2", "using deb linux-source-6.13 6.13.2-1", nil},
		"drift": {func(t *testing.T, a *fakeApt) {
			remove(t, a)
			a.offer(t, "linux-source-6.13", "6.13.2-1", other)
		}, "6.12.7-*", "", "", []string{"no linux-source-6.12 6.12.7-*", "deb linux-source-6.13 6.13.2-1: apply patch 1 of 1", "net/core/dev.c hunk 1: does not apply", "series rebase"}},
		"drift within the package": {func(t *testing.T, a *fakeApt) {
			remove(t, a)
			a.offer(t, "linux-source-6.12", "6.12.9-1", other)
			mustWrite(t, filepath.Join(a.dir, "promised"), mustRead(t, filepath.Join(a.dir, "linux-source-6.12_6.12.9-1_all.deb")))
		}, "6.12.7-*", "", "", []string{"deb linux-source-6.12 6.12.9-1: apply patch 1 of 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newFakeApt(t)
			tc.suite(t, a)
			var ev events
			opt := Options{Project: mustSeries(t, mailOf("net: one", diffFirst)), Cache: t.TempDir(), Progress: ev.add}
			o := &opt.Project.Bases[0].Origins[0]
			o.MadeOn, o.Successors = tc.madeOn, "linux-source-6.*"
			src, err := Open(t.Context(), opt)
			if tc.version == "" {
				var drift *DriftError
				if !errors.As(err, &drift) || !errors.Is(err, ErrObtain) || errors.As(err, new(*ApplyError)) {
					t.Fatalf("got %v", err)
				}
				for _, want := range tc.drift {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in: %v", want, err)
					}
				}
				if len(drift.Tried) == 0 || drift.Tried[0].Err.Hunk != 1 {
					t.Errorf("tried %+v", drift.Tried)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if src.Version != tc.version || !strings.Contains(ev.notices(), tc.notice) || tc.notice == "" && strings.Contains(ev.notices(), "taking") {
				t.Errorf("version %s, notices: %s", src.Version, ev.notices())
			}
			mustCheckout(t, src)
			// It stays, and is not asked for again.
			t.Setenv("PATH", filepath.Dir(mustLookPath(t, "git")))
			if again := mustOpen(t, opt); again.Key() != src.Key() {
				t.Errorf("the second time it is %s", again.Version)
			}
		})
	}
}

func TestCompareVersions(t *testing.T) {
	// Each is older than the next, as dpkg --compare-versions has it.
	order := []string{"6.9.1-1", "6.12~rc1-1", "6.12-1", "6.12.7-1~bpo1", "6.12.7-1", "6.12.7-1+b1", "6.12.7-10", "6.12.07a-1", "6.13-1", "1:2.0-1"}
	for i, a := range order {
		for j, b := range order {
			want := max(-1, min(1, i-j))
			if got := compareVersions(a, b); got != want {
				t.Errorf("%s and %s: %d, want %d", a, b, got, want)
			}
		}
	}
	if compareVersions("6.012-1", "6.12-1") != 0 {
		t.Error("a leading zero counts")
	}
}

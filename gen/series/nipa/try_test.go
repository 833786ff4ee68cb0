// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/tree/manifest"
)

// tryScript writes down the commit and the mails that NIPA gets. Its result is a failure.
const tryScript = `
git -C $tree log -1 --format=%H > $out/../commit
mails=${args#*--mdir }
mails=${mails%% *}
ls $mails > $out/../mails
cat $mails/* > $out/../text
mkdir -p $out/1/1/checkpatch $out/1/series_format
echo 1 > $out/1/1/checkpatch/retcode
echo 1 > $out/1/series_format/retcode
`

// threeCommits gives the thread three patches without a change, on top of commit.
func threeCommits(t *testing.T, thread *check.Thread, commit string) {
	t.Helper()
	thread.Build, thread.BaseCommit, thread.Cover = manifest.BuildKbuild, commit, []byte("Why.\n")
	before := commit
	for n := 1; n <= 3; n++ {
		cmd := exec.Command("git", "--git-dir="+thread.GitDir, "-c", "user.name=a", "-c", "user.email=a@b.test",
			"commit-tree", commit+"^{tree}", "-p", before, "-m", fmt.Sprintf("patch %d", n))
		cmd.Env = gitEnv()
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		after := strings.TrimSpace(string(out))
		thread.Patches = append(thread.Patches, &check.Patch{N: n, Title: fmt.Sprintf("patch %d", n), Body: "Because.",
			Author: "a", Email: "a@b.test", Before: before, BeforeTree: commit + "^{tree}", After: after, AfterTree: commit + "^{tree}"})
		before = after
	}
}

// TestTry puts a fault into a patch. Our check and NIPA get the faulty patch, NIPA on the
// commit below it.
func TestTry(t *testing.T) {
	spaces := map[string]string{"file": "text\ntrailing \n"}
	for name, tt := range map[string]struct {
		fault Fault
		code  check.Code
		// below is the number of patches below the mails that NIPA gets.
		below int
		mails string
	}{
		"first patch": {
			fault: Fault{Check: "whitespace", Test: "patch/checkpatch", Alteration: check.Alteration{Patch: 1, Files: spaces}},
			code:  check.Fail, below: 0, mails: "0001-a.eml",
		},
		"second patch": {
			fault: Fault{Check: "whitespace", Test: "patch/checkpatch", Alteration: check.Alteration{Patch: 2, Files: spaces}},
			code:  check.Fail, below: 1, mails: "0002-b.eml",
		},
		"no fault": {
			fault: Fault{Check: "whitespace", Test: "patch/checkpatch", Alteration: check.Alteration{Patch: 3}},
			code:  check.Pass, below: 2, mails: "0003-c.eml",
		},
		"no cover letter": {
			fault: Fault{Check: "cover", Test: "series/series_format", Coverless: true, Alteration: check.Alteration{Patch: 3}},
			code:  check.Fail, below: 0, mails: "0001-a.eml\n0002-b.eml\n0003-c.eml",
		},
		"with a cover letter": {
			fault: Fault{Check: "whitespace", Test: "series/series_format", Alteration: check.Alteration{Patch: 3, Trailer: "Link: https://a.test"}},
			code:  check.Pass, below: 2, mails: "0003-c.eml",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, thread, commit := fakeNIPA(t, tryScript)
			threeCommits(t, thread, commit)
			exported := mails(t, "0000-cover.eml", "0001-a.eml", "0002-b.eml", "0003-c.eml")
			got, err := r.Try(t.Context(), check.Options{Thread: thread, Cache: t.TempDir()}, exported, tt.fault, false)
			if err != nil {
				t.Fatal(err)
			}
			if got.Check != tt.fault.Check || got.Row.Check != tt.fault.Check || got.Row.Code != tt.code || got.Why != "" {
				t.Errorf("our check: %+v", got)
			}
			if got.Theirs == nil || got.Theirs.Test != tt.fault.Test || got.Theirs.Code != check.Fail {
				t.Errorf("NIPA's test: %+v", got.Theirs)
			}
			read := func(name string) string {
				text, err := os.ReadFile(filepath.Join(r.Work, name))
				if err != nil {
					t.Fatal(err)
				}
				return strings.TrimSpace(string(text))
			}
			if got, want := read("commit"), thread.Patches[tt.below].Before; got != want {
				t.Errorf("NIPA starts at commit %s, want %s", got, want)
			}
			if got := read("mails"); got != tt.mails {
				t.Errorf("NIPA gets the mails %q, want %q", got, tt.mails)
			}
			if faulty := tt.fault.Alteration.Files != nil; strings.Contains(read("text"), "\n+trailing") != faulty {
				t.Errorf("the fault is in the mails: %v, want %v", !faulty, faulty)
			}
			if left, err := filepath.Glob(filepath.Join(r.Work, "mails-*")); err != nil || len(left) > 0 {
				t.Errorf("left over: %q, %v", left, err)
			}
			if len(thread.Patches) != 3 || thread.Cover == nil {
				t.Errorf("the caller's thread has changed: %d patches, cover %q", len(thread.Patches), thread.Cover)
			}
		})
	}
}

// TestTryWithoutNIPA: our check also runs for a fault that NIPA cannot test.
func TestTryWithoutNIPA(t *testing.T) {
	r, thread, commit := fakeNIPA(t, "exit 1")
	threeCommits(t, thread, commit)
	fault := Fault{Check: "whitespace", Alteration: check.Alteration{Patch: 1, Files: map[string]string{"file": "trailing \n"}}}
	got, err := r.Try(t.Context(), check.Options{Thread: thread, Cache: t.TempDir()}, "/nosuch", fault, false)
	if err != nil || got.Row.Code != check.Fail || got.Theirs != nil || got.Why != "NIPA has no test for it" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestTryFails: the error names the fault, and no mails are left behind.
func TestTryFails(t *testing.T) {
	good := Fault{Name: "spaces", File: "file", Check: "whitespace", Test: "patch/checkpatch",
		Alteration: check.Alteration{Patch: 1, Files: map[string]string{"file": "trailing \n"}}}
	with := func(change func(*Fault)) Fault {
		f := good
		change(&f)
		return f
	}
	for name, tt := range map[string]struct {
		script, want string
		mails        []string
		fault        Fault
	}{
		"NIPA fails":    {"echo no compiler; exit 3", "no compiler", []string{"0001-a.eml", "0002-b.eml", "0003-c.eml"}, good},
		"too few mails": {tryScript, "", nil, good},
		"no such check": {tryScript, "nosuch", []string{"0001-a.eml"}, with(func(f *Fault) { f.Check = "nosuch" })},
		"a check of the thread": {tryScript, "the check returned no row", []string{"0001-a.eml"},
			with(func(f *Fault) { f.Check = "cover" })},
		"no such commit": {tryScript, "alter ", []string{"0001-a.eml"}, with(func(f *Fault) { f.Alteration.Patch = 3 })},
	} {
		t.Run(name, func(t *testing.T) {
			r, thread, commit := fakeNIPA(t, tt.script)
			threeCommits(t, thread, commit)
			thread.Patches[2].AfterTree = "nosuch"
			_, err := r.Try(t.Context(), check.Options{Thread: thread, Cache: t.TempDir()}, mails(t, tt.mails...), tt.fault, false)
			if err == nil || !strings.HasPrefix(err.Error(), "try spaces in file: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if left, err := filepath.Glob(filepath.Join(r.Work, "mails-*")); err != nil || len(left) > 0 {
				t.Errorf("left over: %q, %v", left, err)
			}
		})
	}
}

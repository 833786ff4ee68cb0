// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/tree/manifest"
)

func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestCheckOf(t *testing.T) {
	for file, want := range map[string]string{
		"Documentation/a.rst": "pages", "man/man8/ip.8": "pages", "MAINTAINERS": "maintainers", "a/.gitignore": "gitignore",
		"Documentation/netlink/specs/a.yaml": "ynl", "a.sh": "commands", "testsuite/a.t": "commands", "a.py": "pylint",
		"tools/lib/a.c": "build_tools", "net/core/dev.c": "build_gcc", "include/a.h": "build_gcc", "tools/a.py": "pylint",
	} {
		if got := checkOf(file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	for file, want := range map[string]string{"MAINTAINERS": "", "a.py": "patch/pylint", "a.yaml": "series/ynl"} {
		if got := testOf(file); got != want {
			t.Errorf("%s: test %q, want %q", file, got, want)
		}
	}
	if hasSuffix("a.c", ".h", ".o") || !hasSuffix("a.c", ".h", ".c") || hasSuffix("a.c") {
		t.Error("suffixes are wrong")
	}
}

func TestAgreementText(t *testing.T) {
	a := &Agreement{Ours: check.Pass, Theirs: check.Warning, Summary: "fine", Desc: "not fine"}
	if got := a.String(); got != "series: ours pass (fine), NIPA warn (not fine)" && !strings.HasPrefix(got, "series: ours ") || a.Explained() {
		t.Errorf("got %q", got)
	}
	a.Patch, a.Reason = 3, "known"
	if got := a.String(); !strings.HasPrefix(got, "patch 3: ours ") || !strings.HasSuffix(got, "(not fine): known") || !a.Explained() || a.Agrees() {
		t.Errorf("got %q", got)
	}
	order := []check.Code{check.Blocked, check.Pass, check.Warning, check.Fail}
	for i, x := range order {
		for j, y := range order {
			if worse(x, y) != (i > j) {
				t.Errorf("%v is worse than %v: %v", x, y, i <= j)
			}
		}
	}
}

func TestTried(t *testing.T) {
	for name, tt := range map[string]struct {
		tried                    Tried
		notMade, noticed, agrees bool
	}{
		"failed":            {Tried{Row: check.Row{Result: check.Result{Code: check.Fail}}}, false, true, true},
		"warned":            {Tried{Row: check.Row{Result: check.Result{Code: check.Warning}}}, false, true, true},
		"passed":            {Tried{Row: check.Row{Result: check.Result{Code: check.Pass}}}, false, false, true},
		"not made":          {Tried{Row: check.Row{Result: check.Result{Code: check.Blocked}}}, true, false, true},
		"failed, NIPA not":  {Tried{Row: check.Row{Result: check.Result{Code: check.Fail}}, Theirs: &Result{Code: check.Pass}}, false, true, false},
		"failed, NIPA warn": {Tried{Row: check.Row{Result: check.Result{Code: check.Fail}}, Theirs: &Result{Code: check.Warning}}, false, true, true},
		"passed, NIPA not":  {Tried{Row: check.Row{Result: check.Result{Code: check.Pass}}, Theirs: &Result{Code: check.Fail}}, false, false, false},
	} {
		if tt.tried.Blocked() != tt.notMade || tt.tried.Noticed() != tt.noticed || tt.tried.Agrees() != tt.agrees {
			t.Errorf("%s: %v, %v, %v", name, tt.tried.Blocked(), tt.tried.Noticed(), tt.tried.Agrees())
		}
	}
}

func TestWhyNot(t *testing.T) {
	r := &Runner{}
	kernel := &check.Thread{Build: manifest.BuildKbuild}
	builds := ""
	for _, test := range check.NIPA() {
		if test.Builds {
			builds = test.Name
		}
	}
	for name, tt := range map[string]struct {
		thread *check.Thread
		test   string
		builds bool
		want   string
	}{
		"ip":             {&check.Thread{Build: manifest.BuildIPRoute2}, "patch/checkpatch", true, "kernel trees only"},
		"no test":        {kernel, "", true, "no test"},
		"builds":         {kernel, builds, false, "compiles the whole tree"},
		"builds, wanted": {kernel, builds, true, ""},
		"quick":          {kernel, "patch/checkpatch", false, ""},
	} {
		got := r.whyNot(tt.thread, Fault{Test: tt.test}, tt.builds)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// mails writes exported mails of a series, with a cover.
func mails(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		put(t, filepath.Join(dir, name), "From: a <a@b>\nSubject: "+name+"\n\nold body\n\nof it\n", 0o644)
	}
	return dir
}

func TestWriteMails(t *testing.T) {
	thread := &check.Thread{Patches: []*check.Patch{{N: 1}, {N: 2}}}
	thread.Patches[0].Text = "From 123\nSubject: x\n\nfirst\n\npatch\n"
	thread.Patches[1].Text = "From 456\nSubject: y\n\nsecond\n"
	thread.Patches[1].Author, thread.Patches[1].Email = "Some Body", "some@body.test"
	exported := mails(t, "0000-cover.eml", "0001-a.eml", "0002-b.eml")
	first := map[string]string{"0001-a.eml": "From: a <a@b>\nSubject: 0001-a.eml\n\nfirst\n\npatch\n"}
	second := map[string]string{"0002-b.eml": "From: Some Body <some@body.test>\nSubject: 0002-b.eml\n\nsecond\n"}
	for name, tt := range map[string]struct {
		n    int
		all  bool
		want map[string]string
	}{
		"first":  {1, false, first},
		"second": {2, false, second},
		"all":    {2, true, map[string]string{"0001-a.eml": first["0001-a.eml"], "0002-b.eml": second["0002-b.eml"]}},
		"all, the author unchanged": {1, true, map[string]string{"0001-a.eml": first["0001-a.eml"],
			"0002-b.eml": "From: a <a@b>\nSubject: 0002-b.eml\n\nsecond\n"}},
	} {
		dir := t.TempDir()
		if err := writeMails(dir, exported, thread, tt.n, tt.all); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := map[string]string{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[e.Name()] = string(text)
			if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s: %s has mode %v, %v", name, e.Name(), info.Mode(), err)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	// Without a cover, and with too few mails.
	if err := writeMails(t.TempDir(), mails(t, "0001-a.eml", "0002-b.eml"), thread, 1, false); err != nil {
		t.Error(err)
	}
	for name, dir := range map[string]string{"too few": mails(t, "0000-cover.eml", "0001-a.eml"), "none": mails(t), "no directory": "/nosuch"} {
		if err := writeMails(t.TempDir(), dir, thread, 1, false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// fakeNIPA creates a source of NIPA whose program is a shell script, and a repository for
// the thread. The script gets its arguments in $ARGS, and the directory of results in $out.
func fakeNIPA(t *testing.T, script string) (*Runner, *check.Thread, string) {
	t.Helper()
	bin, dir, base := t.TempDir(), t.TempDir(), t.TempDir()
	put(t, filepath.Join(bin, "python3"), `#!/bin/sh
args="$*"
while [ $# -gt 0 ]; do
	case $1 in
	--result-dir) out=$2 ;;
	--tree) tree=$2 ;;
	esac
	shift
done
`+script+"\n", 0o755)
	put(t, filepath.Join(dir, "ingest_mdir.py"), "", 0o644)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("GIT_DIR", filepath.Join(base, "nowhere"))
	t.Setenv("LANG", "de_DE.UTF-8")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", base, "-c", "user.name=a", "-c", "user.email=a@b.test"}, args...)...)
		cmd.Env = gitEnv()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	put(t, filepath.Join(base, "file"), "text\n", 0o644)
	git("add", ".")
	git("commit", "-q", "-m", "x")
	thread := &check.Thread{Project: "linux", Base: "net-next", GitDir: filepath.Join(base, ".git"), Target: manifest.Target{Name: "net-next"}}
	return &Runner{Dir: dir, Work: t.TempDir()}, thread, git("rev-parse", "HEAD")
}

func TestRunner(t *testing.T) {
	r, thread, commit := fakeNIPA(t, `
mkdir -p $out/1/ynl $out/1/1/checkpatch $out/1/2/checkpatch $out/1/2/other
echo 0 > $out/1/ynl/retcode
echo 250 > $out/1/1/checkpatch/retcode
echo "two  words" > $out/1/1/checkpatch/desc
echo 1 > $out/1/2/checkpatch/retcode
echo 0 > $out/1/2/other/retcode
echo "$args" > $out/../args
env > $out/../env
pwd > $out/../pwd
git -C $tree symbolic-ref --short HEAD > $out/../branch
git -C $tree log -1 --format=%H >> $out/../branch
cat $tree/file >> $out/../branch
ls $tree >> $out/../branch
lei >> $out/../branch
touch $tree/left-over $tree/.git/index.lock
`)
	want := []Result{
		{Test: "series/ynl"}, {Test: "patch/checkpatch", Patch: 1, Code: check.Warning, Desc: "two words"}, {Test: "patch/checkpatch", Patch: 2, Code: check.Fail},
	}
	// Twice, because the first run leaves files behind.
	for range 2 {
		got, err := r.Run(t.Context(), thread, commit, "/mails", []string{"patch/checkpatch", "series/ynl"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		read := func(name string) string {
			text, err := os.ReadFile(filepath.Join(r.Work, name))
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(text))
		}
		if got, want := read("branch"), "nipa\n"+commit+"\ntext\nfile\n[null]"; got != want {
			t.Errorf("tree: %q, want %q", got, want)
		}
		args := strings.Fields(read("args"))
		if want := []string{"ingest_mdir.py", "--noninteractive", "--mdir", "/mails", "--tree", filepath.Join(r.Work, "tree-linux-net-next"), "--tree-name", "net-next", "--result-dir"}; !slices.Equal(args[:len(want)], want) ||
			!slices.Equal(args[len(want)+1:], []string{"-t", "patch/checkpatch", "series/ynl"}) {
			t.Errorf("arguments %q", args)
		}
		env := strings.Split(read("env"), "\n")
		for _, kv := range []string{"LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"} {
			if !slices.Contains(env, kv) {
				t.Errorf("%s is missing", kv)
			}
		}
		if slices.Contains(env, "GIT_DIR="+os.Getenv("GIT_DIR")) || slices.Contains(env, "LANG=de_DE.UTF-8") || read("pwd") != r.Dir {
			t.Errorf("the environment is the user's, or the directory %s", read("pwd"))
		}
		if left, err := filepath.Glob(filepath.Join(r.Work, "results-*")); err != nil || len(left) > 0 {
			t.Errorf("left over: %q, %v", left, err)
		}
	}
	if _, err := r.Run(t.Context(), thread, commit, "/mails", []string{"patch/nosuch"}); err == nil || !strings.Contains(err.Error(), "patch/nosuch has no result") {
		t.Errorf("a test without a result: %v", err)
	}
	if _, err := r.Run(t.Context(), thread, "nosuch", "/mails", []string{"series/ynl"}); err == nil || !strings.Contains(err.Error(), "run NIPA on ") {
		t.Errorf("no such commit: %v", err)
	}
}

func TestRunnerFails(t *testing.T) {
	r, thread, commit := fakeNIPA(t, "for i in 1 2 3 4 5 6; do echo line $i; done; exit 3")
	_, err := r.Run(t.Context(), thread, commit, "/mails", []string{"series/ynl"})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.HasSuffix(err.Error(), "\nline 2\nline 3\nline 4\nline 5\nline 6") {
		t.Errorf("got %v", err)
	}
	r, thread, commit = fakeNIPA(t, "mkdir -p $out/1/ynl; echo x > $out/1/ynl/retcode")
	if _, err := r.Run(t.Context(), thread, commit, "/mails", []string{"series/ynl"}); err == nil || !strings.Contains(err.Error(), "retcode") {
		t.Errorf("a result that is not a number: %v", err)
	}
	thread.GitDir, thread.Base = "/nosuch", "other"
	if _, err := r.Run(t.Context(), thread, commit, "/mails", nil); err == nil {
		t.Error("no repository is no error")
	}
	r.Work = "/dev/null"
	if _, err := r.env(); !errors.Is(err, os.ErrExist) && err == nil {
		t.Errorf("no place to work: %v", err)
	}
	if got := lastLines("a\nb\nc\n", 2); got != "b\nc" {
		t.Errorf("last lines %q", got)
	}
}

func TestTests(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"tests/series/ynl/info.json", "tests/patch/kdoc/info.json", "tests/patch/checkpatch/info.json", "tests/other/x/info.json"} {
		put(t, filepath.Join(dir, name), "{}", 0o644)
	}
	if names, err := (&Runner{Dir: dir}).Tests(); !errors.Is(err, ErrSource) {
		t.Errorf("without the program: %q, %v", names, err)
	}
	put(t, filepath.Join(dir, "ingest_mdir.py"), "", 0o644)
	if names, err := (&Runner{Dir: dir}).Tests(); err != nil || !slices.Equal(names, []string{"patch/checkpatch", "patch/kdoc", "series/ynl"}) {
		t.Errorf("got %q, %v", names, err)
	}
}

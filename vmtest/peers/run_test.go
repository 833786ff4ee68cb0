// SPDX-License-Identifier: GPL-2.0-only OR MIT

package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
)

// fakeGo puts a program go first in PATH. It "downloads" modules from the directory
// dir/MODULE, and "runs" tests by printing the file dir/results. It writes its command
// line and environment into files of dir.
func fakeGo(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	const script = `#!/bin/sh
cd_=$PWD
cd DIR || exit 9
if [ "$1" = mod ]; then
	for last; do :; done
	echo "$cd_" > root
	[ -e "fail-download" ] && { echo "no network" >&2; exit 1; }
	[ -e "odd-download" ] && { echo "{}"; exit 0; }
	echo "{\"Dir\":\"DIR/$last\",\"Version\":\"v1\"}"
	exit 0
fi
for arg; do echo "$arg"; done > args
env > env
(cd "$cd_"; find . -type f -o -type l | sort | while read f; do echo "$f $(cat $f)"; done) > files
cat results
echo "on stderr" >&2
[ -e hang ] && exec sleep 1000
exit $(cat code)
`
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(strings.ReplaceAll(script, "DIR", dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"github.com/mdlayher/netlink/a.go":                       "package a",
		"github.com/mdlayher/netlink/sub/b.go":                   "package b",
		"github.com/cilium/ebpf/x.go":                            "package x",
		"github.com/cilium/ebpf/testdata/loader-clang-22-el.elf": "el",
		"github.com/cilium/ebpf/testdata/loader-clang-22-eb.elf": "eb",
		"results": events("run:TestA pass:TestA run:TestB skip:TestB pass:"),
		"code":    "0",
	} {
		put(t, filepath.Join(dir, name), text)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("GOFLAGS", "-race")
	t.Setenv("GOWORK", "/nowhere")
	return dir
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestRun(t *testing.T) {
	dir, root, logs := fakeGo(t), t.TempDir(), t.TempDir()
	var steps []string
	var report bytes.Buffer
	list, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	left := list.leftOut("github.com/mdlayher/netlink", ".")
	got, err := Run(t.Context(), Options{
		Root: root, Exec: []string{"/a b/xpsgen", "vm"}, Only: []string{"github.com/mdlayher/netlink"}, Logs: logs, KTAP: &report,
		Progress: func(e progress.Event) { steps = append(steps, fmt.Sprint(e.Step, " ", e.State)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Result{Passed: 1, Failed: len(left), Skipped: 1}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	args := []string{"test", "-json", "-count", "1", "-timeout", "40m0s",
		"-exec", `"/a b/xpsgen" vm /bin/sh -c 'ip netns add unpriv0 && exec "$0" "$@"'`, "-run", "^TestIntegration"}
	if len(left) > 0 {
		args = append(args, "-skip", list.skip("github.com/mdlayher/netlink", "."))
	}
	if diff := cmp.Diff(append(args, "."), lines(t, filepath.Join(dir, "args"))); diff != "" {
		t.Errorf("arguments of go (-want +got)\n%s", diff)
	}
	env := lines(t, filepath.Join(dir, "env"))
	for _, kv := range []string{"GOWORK=off", "CGO_ENABLED=0"} {
		if !slices.Contains(env, kv) {
			t.Errorf("%s is missing in the environment", kv)
		}
	}
	if slices.Contains(env, "GOFLAGS=-race") || slices.Contains(env, "GOWORK=/nowhere") {
		t.Error("go has the flags of the workbench")
	}
	if diff := cmp.Diff([]string{"./a.go package a", "./sub/b.go package b"}, lines(t, filepath.Join(dir, "files"))); diff != "" {
		t.Errorf("copy of the module (-want +got)\n%s", diff)
	}
	if got := lines(t, filepath.Join(dir, "root")); got[0] != root {
		t.Errorf("the module is downloaded in %s, want %s", got, root)
	}
	log, err := os.ReadFile(filepath.Join(logs, "github_com_mdlayher_netlink.json"))
	if err != nil || !strings.HasSuffix(string(log), "on stderr\n") {
		t.Errorf("log: %v\n%s", err, log)
	}
	if want := []string{"test github.com/mdlayher/netlink 0", "test github.com/mdlayher/netlink 2"}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	r, err := ktap.Parse(&report)
	if err != nil || len(r.Problems) > 0 || r.Plan != 1 || len(r.Tests) != 1 || r.Tests[0].Name != "github.com/mdlayher/netlink" || !r.OK() {
		t.Errorf("report: %+v, %v", r, err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// All packages run; those of one module in one copy. Too few tests that pass is a
// problem, and so is a test that fails.
func TestRunAll(t *testing.T) {
	dir := fakeGo(t)
	put(t, filepath.Join(dir, "results"), events("run:TestA pass:TestA run:TestNew fail:TestNew fail:"))
	put(t, filepath.Join(dir, "code"), "1")
	var report bytes.Buffer
	got, err := Run(t.Context(), Options{Root: t.TempDir(), Exec: []string{"x"}, Logs: t.TempDir(), KTAP: &report})
	if err != nil {
		t.Fatal(err)
	}
	if got.Passed != 7 || !slices.Contains(got.Problems, "github.com/cilium/ebpf/link: TestNew fails") ||
		!slices.Contains(got.Problems, "github.com/mdlayher/netlink: only 1 tests passed, the list wants 15") ||
		!slices.Contains(got.Problems, "github.com/cilium/ebpf: only 6 tests passed, the list wants 800") {
		t.Errorf("got %+v", got)
	}
	r, err := ktap.Parse(&report)
	if err != nil || r.Plan != 7 || len(r.Tests) != 7 || r.OK() {
		t.Errorf("report: %+v, %v", r, err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

type badWriter struct{}

func (badWriter) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

func TestRunErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(dir string, opt *Options) error
		want  string
	}{
		"no such package": {func(_ string, o *Options) error { o.Only = []string{"example.org/x"}; return nil }, "no package example.org/x"},
		"download fails": {func(dir string, _ *Options) error {
			return os.WriteFile(filepath.Join(dir, "fail-download"), nil, 0o644)
		}, "download github.com/mdlayher/netlink"},
		"odd download": {func(dir string, _ *Options) error {
			return os.WriteFile(filepath.Join(dir, "odd-download"), nil, 0o644)
		}, "unexpected output of go mod download"},
		"module is gone": {func(dir string, _ *Options) error { return os.RemoveAll(filepath.Join(dir, "github.com")) }, "copy github.com/mdlayher/netlink"},
		"no test": {func(dir string, _ *Options) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "results"), []byte("# cannot compile\n"), 0o644), os.WriteFile(filepath.Join(dir, "code"), []byte("1"), 0o644))
		}, "# cannot compile\non stderr"},
		"no directory for logs": {func(_ string, o *Options) error { o.Logs = "/nosuch"; return nil }, "keep the output of go test"},
		"report is lost":        {func(_ string, o *Options) error { o.KTAP = badWriter{}; return nil }, errors.ErrUnsupported.Error()},
		"no place for a copy":   {func(string, *Options) error { return os.RemoveAll(os.Getenv("TMPDIR")) }, "copy github.com/mdlayher/netlink"},
		"no target of a link": {func(dir string, o *Options) error {
			o.Only = []string{"github.com/cilium/ebpf"}
			return os.RemoveAll(filepath.Join(dir, "github.com/cilium/ebpf/testdata/loader-clang-22-el.elf"))
		}, "another version of the module?"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fakeGo(t)
			opt := Options{Root: t.TempDir(), Exec: []string{"x"}, Only: []string{"github.com/mdlayher/netlink"}, Logs: t.TempDir(), KTAP: new(bytes.Buffer)}
			if err := tt.spoil(dir, &opt); err != nil {
				t.Fatal(err)
			}
			got, err := Run(t.Context(), opt)
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v; want %s", got, err, tt.want)
			}
			if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// The reason of the context is the error.
func TestRunStops(t *testing.T) {
	dir := fakeGo(t)
	put(t, filepath.Join(dir, "hang"), "")
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "files")); err == nil {
				cancel(stop)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	_, err := Run(ctx, Options{Root: t.TempDir(), Exec: []string{"x"}, Only: []string{"github.com/mdlayher/netlink"}, Logs: t.TempDir(), KTAP: new(bytes.Buffer)})
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
}

func TestReadResults(t *testing.T) {
	var text strings.Builder
	for i := range 70 {
		fmt.Fprintf(&text, "{\"Action\":\"output\",\"Test\":\"T\",\"Output\":\"line %d\\n\"}\n", i)
	}
	text.WriteString("no json\n" + events("pass:T pause:T skip:") + "{\"Action\":\"output\",\"Output\":\"PASS\\n\"}\n" + events("start: bench:"))
	r, err := readResults(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.tests) != 1 || r.tests[0].action != "pass" || len(r.tests[0].output) != 60 || r.tests[0].output[59] != "line 59" {
		t.Errorf("got %+v", r.tests)
	}
	if r.ended != "skip" || !slices.Equal(r.output, []string{"no json", "PASS"}) {
		t.Errorf("ended %q, output %q", r.ended, r.output)
	}
	if _, err := readResults(strings.NewReader(strings.Repeat("x", 17<<20))); err == nil || !strings.Contains(err.Error(), "results of go test") {
		t.Errorf("a long line: %v", err)
	}
	if r, err := readResults(strings.NewReader(strings.Repeat("x", 15<<20))); err != nil || len(r.output) != 1 {
		t.Errorf("a line of 15 MiB: %v", err)
	}
}

func TestLeaves(t *testing.T) {
	r, err := readResults(strings.NewReader(events("fail:B/x/y fail:B/x fail:B pass:A/z pass:A fail:C pass:C/ok skip:D")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range r.leaves() {
		got = append(got, l.name+" "+l.action)
	}
	if want := []string{"A/z pass", "B/x/y fail", "C fail", "C/ok pass", "D skip"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriteReport(t *testing.T) {
	j := &judged{
		leaves: []result{
			{name: "A", action: "pass"}, {name: "B", action: "fail"},
			{name: "C", action: "fail", output: []string{"why"}},
			{name: "D", action: "skip", output: []string{"=== RUN D", "    --- SKIP: D", "    d.go:7: no hook", "    ", "abcde"}},
		},
		reasons: map[string]string{"B": "old kernel"}, leftOut: []Failure{{Test: "E", Reason: "panics"}}, problems: []string{"C fails"},
	}
	var out bytes.Buffer
	w := ktap.NewWriter(&out)
	w.Plan(1)
	j.write(w, "m")
	r, err := ktap.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	want := []ktap.Test{
		{Name: "A", Status: ktap.Pass}, {Name: "B", Status: ktap.Skip, Reason: "fails: old kernel"},
		{Name: "C", Status: ktap.Fail, Diag: []string{"why"}}, {Name: "D", Status: ktap.Skip, Reason: "d.go:7: no hook"},
		{Name: "E", Status: ktap.Skip, Reason: "left out: panics"},
	}
	if diff := cmp.Diff(want, r.Tests[0].Subtests); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if m := r.Tests[0]; m.Status != ktap.Fail || !slices.Equal(m.Diag, []string{"C fails"}) {
		t.Errorf("got %+v", m)
	}
}

func TestListErrors(t *testing.T) {
	peer := Peer{Module: "m", Packages: []string{"."}, Passes: 1}
	for name, tt := range map[string]struct {
		list List
		want string
	}{
		"no module":   {List{Peers: []Peer{{Packages: []string{"."}, Passes: 1}}}, "needs a module"},
		"no packages": {List{Peers: []Peer{{Module: "m", Passes: 1}}}, "needs a module"},
		"no passes":   {List{Peers: []Peer{{Module: "m", Packages: []string{"."}}}}, "needs a module"},
		"no test":     {List{Peers: []Peer{peer}, Failures: []Failure{{Module: "m", Package: ".", Reason: "r"}}}, "needs a test"},
		"no problem":  {List{Peers: []Peer{peer}, Failures: []Failure{{Module: "m", Package: ".", Test: "T", Reason: "r"}, {Module: "m", Package: ".", Test: "T/x", Reason: "r"}, {Module: "m", Package: ".", Test: "U", Reason: "r", Panics: true}}}, ""},
	} {
		err := tt.list.check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if _, err := parse("["); err == nil || !strings.Contains(err.Error(), "list of peers") {
		t.Errorf("no TOML: %v", err)
	}
	many := List{Peers: []Peer{peer}}
	for i := range MaxFailures {
		many.Failures = append(many.Failures, Failure{Module: "m", Package: ".", Test: fmt.Sprint("T", i), Reason: "r"})
	}
	if err := many.check(); err != nil {
		t.Errorf("%d failures: %v", MaxFailures, err)
	}
	if guestDied("exit status 7") || !guestDied("exit status 69") || !guestDied("exit status 70") {
		t.Error("exit codes of a guest that died are wrong")
	}
	if lastWord([]string{"a", "b", ""}) != "b" {
		t.Error("the last line is wrong")
	}
	if got := quote([]string{"", "a\tb", "c'd", "e"}); got != "\"\" \"a\tb\" \"c'd\" e" {
		t.Errorf("quote: %s", got)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/syz"
)

func TestShellWords(t *testing.T) {
	words := []string{"xpsgen", "--config", "a b", "it's", "", "$x", "-executor=/a/b", "*"}
	out, err := exec.Command("sh", "-c", `for w in `+shellWords(words)+`; do printf '%s\n' "$w"; done`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(words, "\n")+"\n", string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSyzRerun(t *testing.T) {
	o := &syzOptions{}
	opt := &syz.Options{Dir: "/out/runs/1", Tools: &syz.Tools{Execprog: "/cache/bin/syz-execprog"},
		Source: prepare.Source{Root: "/w", Cache: "/c", Base: "net-next", Fragments: []string{"syz"}, KernelExtra: []string{"/w/m.patch"}}}
	if line, err := o.rerun(opt, &syz.Result{}); line != "" || err != nil {
		t.Errorf("without a reproducer: %q, %v", line, err)
	}
	line, err := o.rerun(opt, &syz.Result{Reproducer: &syz.Reproducer{}})
	want := "xpsgen -q --root /w --cache /c vm run --base net-next --config syz --patch /w/m.patch -- /out/runs/1/syz-execprog " +
		"-executor=/out/runs/1/syz-executor -procs=1 -repeat=20 -sandbox=none /out/runs/1/reproducer.syz"
	if line != want || err != nil {
		t.Errorf("%v\ngot  %s\nwant %s", err, line, want)
	}
}

func TestSyzSelection(t *testing.T) {
	for want, o := range map[string]*syzOptions{
		"":                                 {time: defaultSyzTime},
		"--time 1m0s":                      {time: time.Minute},
		"--mutant m --patch p --time 1m0s": {time: time.Minute, mutant: "m", patchOption: patchOption{[]string{"p"}}},
	} {
		if got := o.selection(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSyzResult(t *testing.T) {
	env := newEnvironment(os.Stdin, io.Discard, io.Discard)
	for name, tt := range map[string]struct {
		res   *syz.Result
		rerun string
		want  []string
		fails bool
	}{
		"passed": {&syz.Result{Stats: syz.Stats{Executed: 7, Corpus: 2, Coverage: 3}, Elapsed: time.Minute, Guests: 1, Ended: []string{"guest 1 after 5s: lost\nmore"}}, "",
			[]string{"ok 1 syzkaller", "7 programs executed in 1m0s, 2 in the corpus, 3 edges covered, 1 guests", "ended early: guest 1 after 5s: lost\n"}, false},
		"complaint": {&syz.Result{Complaint: "BUG: KASAN\nstack"}, "xpsgen vm run -- x",
			[]string{"not ok 1 syzkaller", "# stack\n", "# rerun: xpsgen vm run -- x\n"}, true},
		"not again": {&syz.Result{Complaint: "BUG: KASAN"}, "", []string{"not ok 1", "no program reproduces the panic or warning"}, true},
	} {
		var out bytes.Buffer
		err := env.syzResult(&out, tt.res, tt.rerun)
		var status *statusError
		if errors.As(err, &status) != tt.fails || tt.fails && status.code != exitFailed || !tt.fails && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range tt.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %q in\n%s", name, w, out.String())
			}
		}
	}
}

// The shipped list names calls once, and the corpus uses only those.
func TestSyzCalls(t *testing.T) {
	dir := filepath.Join(repository, "vmtest", "syz")
	calls, err := readCalls(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, c := range calls {
		if listed[c] || strings.ContainsAny(c, " #") {
			t.Errorf("call %q", c)
		}
		listed[c] = true
	}
	corpus, err := readCorpus(filepath.Join(dir, "corpus"))
	if err != nil || len(corpus) < 5 {
		t.Fatalf("%d programs, %v", len(corpus), err)
	}
	used := map[string]bool{}
	for _, f := range corpus {
		for line := range strings.Lines(string(f.Text)) {
			name, _, ok := strings.Cut(line, "(")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			if _, after, assigned := strings.Cut(name, " = "); assigned {
				name = after
			}
			used[name] = true
			if !listed[name] {
				t.Errorf("%s: %s is not in the list of calls", f.Name, name)
			}
		}
	}
	// The programs contain the number of the attach type.
	constants, err := os.ReadFile(filepath.Join(repository, "uapi", syzlangDir, "xps.txt.const"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(constants), "BPF_XPS = ")
	number, err := strconv.Atoi(strings.SplitN(after, "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range corpus {
		for line := range strings.Lines(string(f.Text)) {
			if strings.Contains(line, "PROG_LOAD") && !strings.Contains(line, fmt.Sprintf("0x%x}", number)) {
				t.Errorf("%s: a program without the attach type %#x", f.Name, number)
			}
		}
	}
	// Attach, replace, detach; create, update and detach a link.
	described, err := os.ReadFile(filepath.Join(repository, "uapi", syzlangDir, "xps.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(described)) {
		name, _, ok := strings.Cut(line, "(")
		if ok && strings.Contains(name, "$") && !strings.Contains(name, "RTM_NEWLINK") && !used[name] {
			t.Errorf("no program of the corpus calls %s", name)
		}
	}
}

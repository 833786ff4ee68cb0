// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/progress"
)

func TestPrograms(t *testing.T) {
	log := `last executing test programs:

2.5s ago: executing program 0 (id=12):
r0 = socket$nl_route(0x10, 0x3, 0x0)
close(r0)

1s ago: executing program 1 (id=-1):
bpf$LINK_DETACH_XPS(0x22, &(0x7f0000000000), 0x4)

kernel console output (not intermixed with test programs):

[   10.0] BUG: KASAN: slab-use-after-free in x(y)
2026/11/30 12:00:00 executing program 0:
close(0x3)
2026/11/30 12:00:01 executing program 0:
`
	want := []string{"r0 = socket$nl_route(0x10, 0x3, 0x0)\nclose(r0)\n", "bpf$LINK_DETACH_XPS(0x22, &(0x7f0000000000), 0x4)\n", "close(0x3)\n"}
	if diff := cmp.Diff(want, programs([]byte(log))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, programs(text(want))); diff != "" {
		t.Errorf("written and read again (-want +got)\n%s", diff)
	}
}

func TestCounter(t *testing.T) {
	var heard []Stats
	c := &counter{each: func(s Stats) { heard = append(heard, s) }, calls: []string{"bpf$X", "close", "dup"}}
	for _, part := range []string{
		"2026/11/30 12:00:00 seed sys/linux/test/attach is broken: unknown syscall\n2026/11/30 12:00:01 candi",
		"dates=3 corpus=7 coverage=512 exec total=45 (4/sec) pending=1\n" +
			"2026/11/30 12:00:02 disabled the following syscalls:\nclose$ibv                                    : no device\n\n" +
			"transitively disabled the following syscalls (missing resource [creating syscalls]):\n" +
			"bpf$X                                        : fd_bpf_map [bpf$MAP_CREATE]\n\nclose : not in a list\nlast\n",
	} {
		if n, err := c.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	want := Stats{Executed: 45, Corpus: 7, Coverage: 512}
	if c.stats() != want || len(heard) != 1 || heard[0] != want {
		t.Errorf("%+v, heard %+v", c.stats(), heard)
	}
	if diff := cmp.Diff([]string{"attach: unknown syscall"}, c.brokenSeeds()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"bpf$X: fd_bpf_map [bpf$MAP_CREATE]"}, c.disabledCalls()); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(c.lastLines(), "\n  last") {
		t.Errorf("last lines %q", c.lastLines())
	}
}

func TestManagerConfig(t *testing.T) {
	m := &manager{tools: &Tools{Dir: "/syz"}, workdir: "/work", calls: []string{"close"}, procs: 2}
	text, err := m.config(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 99})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	// Nothing listens on another device than loopback, and nothing else than the console
	// decides whether the kernel is healthy.
	for key, want := range map[string]any{"rpc": "127.0.0.1:0", "http": "", "type": "proxyapp", "reproduce": false, "cover": true} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if vm := got["vm"].(map[string]any); vm["rpc_server_uri"] != "127.0.0.1:99" {
		t.Errorf("vm %v", vm)
	}
}

func TestReproduce(t *testing.T) {
	all := []string{"a()\n", "b()\n", "c()\n"}
	workbench := errors.New("no space")
	for name, tt := range map[string]struct {
		// guilty is the program that makes the kernel report a bug. If it
		// is empty, all three together do.
		guilty string
		dies   bool
		err    error
		want   *Reproducer
		runs   int
	}{
		"last program":    {"c()\n", true, nil, &Reproducer{[]string{"c()\n"}, "BUG"}, 2},
		"earlier program": {"a()\n", true, nil, &Reproducer{[]string{"a()\n"}, "BUG"}, 4},
		"several":         {"", true, nil, &Reproducer{all, "BUG"}, 4},
		"not again":       {"c()\n", false, nil, nil, 1},
		"fault":           {"", false, workbench, nil, 1},
	} {
		runs := 0
		got, err := reproduce(context.Background(), all, func(_ context.Context, list []string) (string, []string, error) {
			runs++
			if tt.err != nil || !tt.dies {
				return "", list, tt.err
			}
			for _, p := range list {
				if p == tt.guilty {
					return "BUG", list, nil
				}
			}
			if len(list) == len(all) {
				return "BUG", append([]string{"unknown()\n"}, list...), nil
			}
			return "", list, nil
		})
		if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) || runs != tt.runs {
			t.Errorf("%s: %v, %d runs, want %d (-want +got)\n%s", name, err, runs, tt.runs, diff)
		}
	}
}

// checkout makes a small checkout, whose makefile makes scripts.
func checkout(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{
		"sys/syz-sysgen/main.go": "package main\n\nfunc main() {}\n",
		"go.mod":                 "module example.org/syz\n\ngo 1.20\n",
		"sys/linux/bpf.txt":      "resource fd_bpf_prog[fd]\n",
		"sys/linux/test/theirs":  "close(0x0)\n",
		"sys/linux/gen/old.go":   "stale\n",
		"bin/syz-manager":        "stale\n",
		".git/HEAD":              "ref\n",
		"Makefile": "manager:\n\tmkdir -p bin && echo $(REV) $(GITREVDATE) >bin/syz-manager\n" +
			"execprog executor:\n\tmkdir -p bin/linux_amd64 && ls sys/linux sys/linux/test >bin/linux_amd64/syz-$@\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuild(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod") // would break their makefile
	cache := t.TempDir()
	dir := checkout(t, nil)
	c := &Checkout{Dir: dir, Cache: cache, Descriptions: []File{{"xps.txt", []byte("x\n")}}, Corpus: []File{{"ours", []byte("y\n")}}}
	const step = "build syzkaller"
	var first, second steps
	c.Progress = first.add
	tools, err := c.Build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	first.expect(t, "new", progress.Event{Step: step, State: progress.Started}, progress.Event{Step: step, State: progress.Finished})
	listed, err := os.ReadFile(tools.Executor)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(listed); !strings.Contains(got, "xps.txt") || !strings.Contains(got, "ours") || strings.Contains(got, "theirs") || strings.Contains(got, "gen") {
		t.Errorf("the copy has:\n%s", got)
	}
	if rev, err := os.ReadFile(tools.Manager); err != nil || strings.TrimSpace(string(rev)) != filepath.Base(tools.Dir)+" 20000101-000000" {
		t.Errorf("revision %q, %v", rev, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sys/linux/xps.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkout was changed: %v", err)
	}
	// The same again is cached; another description is another build.
	if err := os.WriteFile(tools.Manager, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.Progress = second.add
	again, err := c.Build(context.Background())
	if err != nil || again.Dir != tools.Dir {
		t.Fatalf("%+v, %v", again, err)
	}
	second.expect(t, "again", progress.Event{Step: step, State: progress.Cached, Text: filepath.Base(tools.Dir)})
	if text, _ := os.ReadFile(again.Manager); string(text) != "kept" {
		t.Error("built twice")
	}
	c.Descriptions[0].Text = []byte("z\n")
	other, err := c.Build(context.Background())
	if err != nil || other.Dir == tools.Dir {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestBuildFails(t *testing.T) {
	if _, err := (&Checkout{Dir: t.TempDir(), Cache: t.TempDir()}).Build(context.Background()); !errors.Is(err, ErrCheckout) {
		t.Errorf("empty directory: %v", err)
	}
	c := &Checkout{Dir: checkout(t, map[string]string{"Makefile": "manager:\n\techo no compiler >&2; false\n"}), Cache: t.TempDir()}
	var steps steps
	c.Progress = steps.add
	_, err := c.Build(context.Background())
	if err == nil || !strings.Contains(err.Error(), "build.log") {
		t.Errorf("%v", err)
	}
	steps.expect(t, "no compiler", progress.Event{Step: "build syzkaller", State: progress.Started}, progress.Event{Step: "build syzkaller", State: progress.Failed})
	// A failed build is not taken for a complete one.
	if _, err := c.Build(context.Background()); err == nil {
		t.Error("the second build passed")
	}
	c = &Checkout{Dir: checkout(t, map[string]string{"sys/syz-sysgen/main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(1) }\n"}), Cache: t.TempDir()}
	if _, err := c.Describe(context.Background()); err == nil {
		t.Error("descriptions that do not compile pass")
	}
}

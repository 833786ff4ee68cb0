// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a tree of commands that records its arguments.
type sample struct {
	root    *Command
	base    string
	add     []string
	jobs    int
	seed    int64
	long    bool
	verbose int
	wait    time.Duration
	ran     string
}

func newSample() *sample {
	s := &sample{base: "net-next", jobs: 2}
	run := func(name string) func(context.Context, []string) error {
		return func(_ context.Context, args []string) error {
			s.ran = name + " " + strings.Join(args, ",")
			return nil
		}
	}
	example := []Example{{Line: "x"}}
	s.root = &Command{
		Name: "prog", Short: "does things", Examples: example,
		Flags: []Flag{{Name: "verbose", Letter: "v", To: Counter(&s.verbose), Help: "say more"}},
		Commands: []*Command{
			{Name: "test", Short: "tests", Examples: example, Run: run("test"),
				Args: []Arg{{Name: "BASE", Help: "a base"}, {Name: "MORE", Help: "more", Optional: true, Repeat: true,
					Values: func() []string { return []string{"one", "other"} }}},
				Flags: []Flag{
					{Name: "base", Arg: "NAME", Env: "PROG_BASE", To: Choice(&s.base, "net-next", "6.12"), Help: "which"},
					{Name: "add", Arg: "FILE", Env: "PROG_ADD", To: Strings(&s.add), Help: "files"},
					{Name: "jobs", Letter: "j", Arg: "N", To: Count(&s.jobs), Help: "jobs"},
					{Name: "seed", Arg: "N", To: Int64(&s.seed), Help: "seed"},
					{Name: "wait", Arg: "TIME", To: Duration(&s.wait), Help: "time"},
					{Name: "long", Letter: "l", To: Bool(&s.long), Help: "long"},
				},
				Valid: func(args []string) error {
					if s.long && args[0] == "short" {
						return Usagef("short is not long")
					}
					return nil
				}},
			{Name: "run", Short: "runs", Examples: example, Run: run("run"), Program: true, Args: []Arg{{Name: "PROGRAM", Help: "a program"}},
				Flags: []Flag{{Name: "add", Arg: "FILE", To: Strings(&s.add), Help: "files"}}},
			{Name: "group", Short: "has more", Examples: example, Commands: []*Command{
				{Name: "leaf", Short: "is one", Examples: example, Run: run("leaf")},
			}},
			{Name: "both", Short: "runs, or has more", Examples: example, Run: run("both"),
				Flags: []Flag{
					{Name: "base", Arg: "NAME", To: String(&s.base), Help: "which"},
					{Name: "long", Letter: "l", To: Bool(&s.long), Help: "long"},
				},
				Commands: []*Command{{Name: "sent", Short: "archives", Examples: example, Run: run("sent"),
					Args: []Arg{
						{Name: "SERIES", Optional: true, Help: "a series", Values: func() []string { return []string{"on-" + s.base} }},
						{Name: "vN", Help: "a version"},
					},
					Flags: []Flag{
						{Name: "base", Arg: "NAME", To: String(&s.base), Help: "which"},
						{Name: "add", Arg: "FILE,...", To: Commas(&s.add), Help: "files"},
					}}}},
		},
	}
	return s
}

func TestRun(t *testing.T) {
	for line, want := range map[string]string{
		"test b":                          "test b | net-next [] 2 0 0s false 0",
		"test b c d":                      "test b,c,d | net-next [] 2 0 0s false 0",
		"test b --base 6.12 c":            "test b,c | 6.12 [] 2 0 0s false 0",
		"test --base=6.12 b -j 4":         "test b | 6.12 [] 4 0 0s false 0",
		"both":                            "both  | net-next [] 2 0 0s false 0",
		"both --base 6.1 -l":              "both  | 6.1 [] 2 0 0s true 0",
		"both --base 6.1 sent v1":         "sent v1 | 6.1 [] 2 0 0s false 0",
		"both sent hook v1 --add x,y":     "sent hook,v1 | net-next [x y] 2 0 0s false 0",
		"test b -lv":                      "test b | net-next [] 2 0 0s true 1",
		"-v test -v b -vv":                "test b | net-next [] 2 0 0s false 4",
		"test b --add x --add y,z":        "test b | net-next [x y,z] 2 0 0s false 0",
		"test --seed -3 --wait 2m b":      "test b | net-next [] 2 -3 2m0s false 0",
		"test b -- --base c":              "test b,--base,c | net-next [] 2 0 0s false 0",
		"test b -":                        "test b,- | net-next [] 2 0 0s false 0",
		"run --add x ls -l --add y":       "run ls,-l,--add,y | net-next [x] 2 0 0s false 0",
		"run -- ls --help":                "run ls,--help | net-next [] 2 0 0s false 0",
		"group leaf -v":                   "leaf  | net-next [] 2 0 0s false 1",
		"test b --long=false --verbose=1": "test b | net-next [] 2 0 0s false 1",
	} {
		s := newSample()
		err := Run(t.Context(), s.root, append([]string{"prog"}, strings.Fields(line)...), Options{Getenv: func(string) string { return "" }})
		got := fmt.Sprintf("%s | %s %v %d %d %v %v %d", s.ran, s.base, s.add, s.jobs, s.seed, s.wait, s.long, s.verbose)
		if err != nil || got != want {
			t.Errorf("%q: %v\n got %s\nwant %s", line, err, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	for line, want := range map[string]string{
		"tset b":              `unknown command "tset"; did you mean test?; prog`,
		"xyz":                 `unknown command "xyz"; there are test, run, group or both; prog`,
		"group lef":           `unknown command "lef"; did you mean leaf?; prog group`,
		"group -- x":          `unknown command "x"; there are leaf; prog group`,
		"test":                "BASE is missing: a base; prog test",
		"test b --jbos 1":     "unknown flag --jbos; did you mean --jobs?; prog test",
		"group leaf --jobs 1": "unknown flag --jobs; it belongs to prog test; prog group leaf",
		"test b -z":           "unknown flag -z; prog test",
		"test b -lz":          "unknown flag -lz; prog test",
		"test b -jl 4":        "unknown flag -jl; prog test",
		"group leaf x":        `unexpected argument "x"; prog group leaf`,
		"test b --base":       "--base: NAME is missing; prog test",
		"test b --base x":     `--base "x": want net-next or 6.12; prog test`,
		"test b -j 0":         `-j "0": want 1 or more; prog test`,
		"test b -j x":         `-j "x": want a number; prog test`,
		"test b --wait 3":     `--wait "3": want a duration such as 90s or 5m; prog test`,
		"test b --seed 1.5":   `--seed "1.5": want a number; prog test`,
		"test b --long=x":     `--long "x": want true or false; prog test`,
		"test short --long":   "short is not long; prog test",
		"test b --base 6.11":  `--base "6.11": did you mean 6.12?; prog test`,
		"both x":              `unknown command "x"; there are sent; prog both`,
		"both -l sent v1":     "unknown flag -l; it belongs to prog both; prog both sent",
		"both --long sent v1": "unknown flag --long; it belongs to prog both; prog both sent",
		"both sent":           "vN is missing: a version; prog both sent",
		"both sent a v1 v2":   `unexpected argument "v2"; prog both sent`,
		"run":                 "PROGRAM is missing: a program; prog run",
	} {
		s := newSample()
		err := Run(t.Context(), s.root, append([]string{"prog"}, strings.Fields(line)...), Options{Getenv: func(string) string { return "" }})
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %v is not a usage error", line, err)
			continue
		}
		if got := usage.Text + "; " + usage.Command; got != want || s.ran != "" {
			t.Errorf("%q: %s (ran %q)\nwant %s", line, got, s.ran, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{"PROG_BASE": "6.12", "PROG_ADD": "a,b"}
	s := newSample()
	if err := Run(t.Context(), s.root, []string{"prog", "test", "b"}, Options{Getenv: func(n string) string { return env[n] }}); err != nil {
		t.Fatal(err)
	}
	if s.base != "6.12" || !slices.Equal(s.add, []string{"a", "b"}) {
		t.Errorf("base %s, add %q", s.base, s.add)
	}
	s = newSample()
	if err := Run(t.Context(), s.root, []string{"prog", "test", "b", "--base", "net-next", "--add", "c"}, Options{Getenv: func(n string) string { return env[n] }}); err != nil {
		t.Fatal(err)
	}
	if s.base != "net-next" || !slices.Equal(s.add, []string{"c"}) {
		t.Errorf("flags do not beat variables: base %s, add %q", s.base, s.add)
	}
	env["PROG_BASE"] = "x"
	err := Run(t.Context(), newSample().root, []string{"prog", "test", "b"}, Options{Getenv: func(n string) string { return env[n] }})
	if err == nil || err.Error() != `$PROG_BASE "x": want net-next or 6.12` {
		t.Errorf("got %v", err)
	}
}

// TestReady checks that Ready sees the flags, and can end the run.
func TestReady(t *testing.T) {
	s := newSample()
	err := Run(t.Context(), s.root, []string{"prog", "test", "b", "-v"}, Options{Ready: func() error {
		if s.verbose != 1 {
			t.Errorf("verbose is %d", s.verbose)
		}
		return ErrDone
	}})
	if err != nil || s.ran != "" {
		t.Errorf("%v, ran %q", err, s.ran)
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	s := newSample()
	for _, args := range [][]string{{"prog"}, {"prog", "group"}, {"prog", "--help"}, {"prog", "test", "--help", "--nothing"}, {"prog", "run", "-h"}} {
		out.Reset()
		err := Run(t.Context(), s.root, args, Options{Stdout: &out})
		if len(args) == 4 {
			if err == nil {
				t.Errorf("%q: no error", args)
			}
			continue
		}
		if err != nil || !strings.Contains(out.String(), "Usage: prog") || !strings.Contains(out.String(), "Exit codes:") {
			t.Errorf("%q: %v, %s", args, err, out.String())
		}
	}
	out.Reset()
	if err := Run(t.Context(), s.root, []string{"prog", "test", "--help"}, Options{Stdout: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Usage: prog test [FLAG]... BASE [MORE]...\n",
		"  --base NAME   which (one of net-next, 6.12; default net-next; $PROG_BASE)\n",
		"  --add FILE    files (may be repeated; $PROG_ADD)\n",
		"  -j, --jobs N ",
		"  BASE       a base\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestWrapped(t *testing.T) {
	var b strings.Builder
	writeWrapped(&b, strings.Repeat("word ", 30), "  --flag  ", "          ")
	for line := range strings.Lines(b.String()) {
		if len(line) > width+1 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if !strings.HasPrefix(b.String(), "  --flag  word word") {
		t.Errorf("got %q", b.String())
	}
}

func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"|":                      "test run group both",
		"t|":                     "test",
		"test |":                 ":files",
		"test b o|":              "one other",
		"test b one ot|":         "other",
		"test --b|":              "--base",
		"test -|":                "--base --add --jobs --seed --wait --long --verbose --help",
		"test --base |":          "net-next 6.12",
		"test --base 6|":         "6.12",
		"test --base=6|":         "--base=6.12",
		"test --add |":           ":files",
		"test -v b on|":          "one",
		"group |":                "leaf",
		"group leaf |":           "",
		"group leaf x|":          "",
		"nosuch |":               "",
		"both |":                 "sent",
		"both sent |":            "on-net-next",
		"both sent --base 6.1 |": "on-6.1",
		"run |":                  ":files",
		"run ls -|":              ":files",
		"test b -- on|":          ":files",
		"test --nosuch x|":       ":files",
	} {
		words := strings.Split(strings.TrimSuffix(line, "|"), " ")
		found, files := Complete(newSample().root, words)
		var got []string
		if files {
			got = append(got, ":files")
		}
		for _, c := range found {
			got = append(got, c.Word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestExits(t *testing.T) {
	c := &Command{Exits: []Exit{{1, "it failed"}, {70, "the kernel panicked"}}}
	var codes []int
	for _, e := range c.exits() {
		codes = append(codes, e.Code)
		if e.Code == 1 && e.Meaning != "it failed" {
			t.Errorf("1 means %q", e.Meaning)
		}
	}
	if d := cmp.Diff([]int{0, 1, 2, 69, 70, 129, 130, 143}, codes); d != "" {
		t.Error(d)
	}
}

// Help lists exit code 1 for commands that declare it and for groups of commands.
func TestExitsWithoutVerdict(t *testing.T) {
	run := func(context.Context, []string) error { return nil }
	for name, tt := range map[string]struct {
		c    *Command
		want bool
	}{
		"prints":  {&Command{Run: run}, false},
		"checks":  {&Command{Run: run, Exits: []Exit{{1, "it failed"}}}, true},
		"a group": {&Command{Commands: []*Command{{Run: run}}}, true},
	} {
		if got := slices.ContainsFunc(tt.c.exits(), func(e Exit) bool { return e.Code == 1 }); got != tt.want {
			t.Errorf("%s: lists 1: %t, want %t", name, got, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := newSample().root.Check(); err != nil {
		t.Error(err)
	}
	var n int
	for name, spoil := range map[string]func(*Command){
		"Short is":       func(c *Command) { c.Short = "Ends." },
		"no example":     func(c *Command) { c.Examples = nil },
		"must have Run":  func(c *Command) { c.Run = nil },
		"only the last":  func(c *Command) { c.Args[0].Repeat = true },
		"a placeholder":  func(c *Command) { c.Flags[0].Arg = "" },
		"no help":        func(c *Command) { c.Flags[0].Help = "" },
		"declared twice": func(c *Command) { c.Flags[0].Letter = "j" },
		"no destination": func(c *Command) { c.Flags[0].To = nil },
		"base":           func(c *Command) { c.Flags[1].Name = "base"; n++ },
	} {
		s := newSample()
		spoil(s.root.Commands[0])
		if err := s.root.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("test\x00--base=\x00b")
	f.Add("run\x00-\x00--")
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, "\x00")
		s := newSample()
		s.root.link()
		c, err := parse(s.root, words)
		if err == nil && c == nil {
			t.Error("neither call nor error")
		}
		Complete(s.root, words)
	})
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// documented is a small tree that uses all fields of a declaration.
func documented() *Command {
	s := newSample()
	s.root.Long = "First 'paragraph'.\n\n  .as written\n  \\ ~^`\n\nLast."
	test := s.root.Commands[0]
	test.Long = "Tests <all> of it | *."
	test.Examples = []Example{{Line: "test net-next", Note: "the default"}, {Line: "test 6.12"}}
	test.Exits = []Exit{{Code: 5, Meaning: "a | b"}}
	return s.root
}

func TestDocuments(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Command) error{"man": Man, "markdown": Markdown} {
		var got bytes.Buffer
		if err := write(&got, documented()); err != nil {
			t.Fatal(err)
		}
		golden := "testdata/sample." + name
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if err := write(failing{}, documented()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s to a closed pipe: %v", name, err)
		}
	}
	for in, want := range map[string]string{
		`a\b-c'd` + "`^~": `a\eb\-c\(aqd\(ga\(ha\(ti`, ".x\ny.z\n.": "\\&.x\ny.z\n\\&.", "": "",
	} {
		if got := roff(in); got != want {
			t.Errorf("roff of %q is %q, want %q", in, got, want)
		}
	}
	if got := cell("a|b*c<d\ne"); got != `a\|b\*c\<d e` {
		t.Errorf("cell %q", got)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestCompletionScripts(t *testing.T) {
	for _, shell := range Shells() {
		script := Script(shell, "prog")
		if script == "" || strings.Contains(script, "PROGRAM") || !strings.Contains(script, "prog") {
			t.Errorf("%s: %q", shell, script)
		}
	}
	if got := Script("tcsh", "prog"); got != "" {
		t.Errorf("an unknown shell: %q", got)
	}
	list := []Candidate{{"a:b", "help"}, {"c", ""}}
	for shell, want := range map[string]string{"bash": "a:b\nc\n", "zsh": "a\\:b:help\nc:\n", "fish": "a:b\thelp\nc\n"} {
		if got := Answer(shell, list, false); got != want {
			t.Errorf("%s: %q, want %q", shell, got, want)
		}
		if got := Answer(shell, list[1:], true); !strings.HasPrefix(got, ":files\nc") {
			t.Errorf("%s with files: %q", shell, got)
		}
	}
}

func TestCandidates(t *testing.T) {
	for line, want := range map[string]string{
		"":                     "test run group both",
		"r":                    "run",
		"nosuch x":             "",
		"group ":               "leaf",
		"group leaf ":          "",
		"test ":                "files",
		"test b ":              "one other",
		"test b ot":            "other",
		"test b one ot":        "other",
		"test --base ":         "net-next 6.12",
		"test --base 6":        "6.12",
		"test --base=n":        "--base=net-next",
		"test --nosuch=n":      "files",
		"test --add ":          "files",
		"test -l b ":           "one other",
		"test -j 4 b ":         "one other",
		"test --jobs=4 b ":     "one other",
		"test --base 6.12 b o": "one other",
		"test --ba":            "--base",
		"test --":              "--base --add --jobs --seed --wait --long --verbose --help",
		"test -- ":             "files",
		"run ":                 "files",
		"run ls ":              "files",
		"run ls -":             "files",
		"both ":                "sent",
		"both sent ":           "on-net-next",
		"both sent --base x ":  "on-x",
		"both sent a ":         "files",
		"both sent a b ":       "",
		"both sent --add x":    "files",
		"- ":                   "",
	} {
		got, files := Complete(newSample().root, strings.Split(line, " "))
		var words []string
		for _, c := range got {
			words = append(words, c.Word)
		}
		if files {
			words = append(words, "files")
		}
		if s := strings.Join(words, " "); s != want {
			t.Errorf("%q: %q, want %q", line, s, want)
		}
	}
	if got, files := Complete(newSample().root, nil); len(got) != 4 || files || got[0] != (Candidate{"test", "tests"}) {
		t.Errorf("no word: %v, %v", got, files)
	}
}

func TestValues(t *testing.T) {
	var (
		s, choice  string
		n, limited int
		long       int64
		wait       time.Duration
		some, each []string
		commas     []string
		on         bool
		count      int
	)
	values := map[string]Value{
		"string": String(&s), "choice": Choice(&choice, "a", "b"), "count": Count(&n), "limited": Int(&limited, 2, 4), "int64": Int64(&long),
		"duration": Duration(&wait), "strings": Strings(&some), "choices": Choices(&each, "a", "b"), "commas": Commas(&commas, "a", "b"),
		"bool": Bool(&on), "counter": Counter(&count),
	}
	for name, v := range values {
		if got := v.String(); got != "" {
			t.Errorf("%s: the zero value is shown as %q", name, got)
		}
		if bools := name == "bool" || name == "counter"; v.isBool() != bools {
			t.Errorf("%s is a bool: %v", name, !bools)
		}
		wantChoices := name == "choice" || name == "choices" || name == "commas"
		if c := v.choices(); wantChoices != slices.Equal(c, []string{"a", "b"}) || !wantChoices && c != nil {
			t.Errorf("%s: choices %q", name, c)
		}
	}
	for _, tt := range []struct{ name, text, err, shown string }{
		{"string", "x", "", "x"}, {"choice", "a", "", "a"}, {"choice", "c", "want a or b", "a"},
		{"count", "1", "", "1"}, {"count", "0", "want 1 or more", "1"}, {"count", "x", "want a number", "1"},
		{"limited", "2", "", "2"}, {"limited", "4", "", "4"}, {"limited", "1", "want 2 to 4", "4"}, {"limited", "5", "want 2 to 4", "4"},
		{"int64", "-9223372036854775808", "", "-9223372036854775808"}, {"int64", "9223372036854775808", "want a number", "-9223372036854775808"},
		{"duration", "1m", "", "1m0s"}, {"duration", "0s", "want a duration such as 90s or 5m", "1m0s"}, {"duration", "-1s", "want a duration such as 90s or 5m", "1m0s"},
		{"strings", "a,b", "", "a,b"}, {"strings", "c", "", "a,b, c"},
		{"choices", "a", "", "a"}, {"choices", "a,b", "want a or b", "a"}, {"commas", "a,b", "", "a, b"}, {"commas", "a,c", "want a or b", "a, b"},
		{"bool", "false", "", ""}, {"bool", "x", "want true or false", ""}, {"counter", "true", "", ""}, {"counter", "1", "", ""}, {"counter", "0", "", ""},
	} {
		v, text := values[tt.name], ""
		if err := v.Set(tt.text); err != nil {
			text = err.Error()
		}
		if text != tt.err || v.String() != tt.shown {
			t.Errorf("%s %q: error %q, then %q; want %q, %q", tt.name, tt.text, text, v, tt.err, tt.shown)
		}
	}
	if on || count != 2 {
		t.Errorf("bool %v, counter %d", on, count)
	}
	if err := values["bool"].Set("true"); err != nil || !on {
		t.Errorf("bool %v, %v", on, err)
	}
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := either(words); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
}

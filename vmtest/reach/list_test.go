// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testFiles() map[string]*source {
	const text = "int f(void)\n{\n\tif (a)\n\t\treturn -ENOMEM;\n\tif (b)\n\t\treturn -ENOMEM;\n\tgo();\n\treturn 0;\n}\n\nint g(void)\n{\n\treturn 1;\n}\n"
	lines := []*Line{
		{File: "a.c", Line: 3, Func: "f", State: Run, Tests: []string{"x/1", "x/2", "x/3", "x/4"}},
		{File: "a.c", Line: 4, Func: "f", State: Never}, {File: "a.c", Line: 5, Func: "f", State: Run},
		{File: "a.c", Line: 6, Func: "f", State: Never}, {File: "a.c", Line: 7, Func: "f", State: Never},
		{File: "a.c", Line: 11, Func: "g", State: Absent}, {File: "a.c", Line: 13, Func: "g", State: Absent},
	}
	return map[string]*source{"a.c": {text, lines}}
}

// TestApply excuses the lines of an entry, and reports entries that fit nothing.
func TestApply(t *testing.T) {
	for name, c := range map[string]struct {
		entry  Entry
		listed []int
		stale  string
	}{
		"one line":             {Entry{Func: "f", Text: "go();"}, []int{7}, ""},
		"after":                {Entry{Func: "f", Text: "return -ENOMEM;", After: "if (b)"}, []int{6}, ""},
		"two lines":            {Entry{Func: "f", Text: "\n\treturn -ENOMEM;\n\tgo();\n"}, []int{6, 7}, ""},
		"function":             {Entry{Func: "g"}, []int{11, 13}, ""},
		"one of an absent one": {Entry{Func: "g", Text: "return 1;"}, []int{13}, ""},
		"another file":         {Entry{File: "b.c", Func: "f", Text: "go();"}, nil, "add no code to this file"},
		"another function":     {Entry{Func: "h", Text: "go();"}, nil, "add no code to this function"},
		"another text":         {Entry{Func: "f", Text: "stop();"}, nil, "no such text"},
		"twice there":          {Entry{Func: "f", Text: "return -ENOMEM;"}, nil, "on line 4 and on line 6"},
		"after another":        {Entry{Func: "f", Text: "go();", After: "if (a)"}, nil, "no such text"},
		"it runs":              {Entry{Func: "f", Text: "if (a)"}, nil, "line 3 runs, in x/1, x/2, x/3 and 1 more"},
		"one of two runs":      {Entry{Func: "f", Text: "if (b)\nreturn -ENOMEM;"}, nil, "line 5 runs, in no test"},
		"compiled":             {Entry{Func: "f", Text: ""}, nil, "line 3 runs"},
		"no code":              {Entry{Func: "f", Text: "return 0;"}, nil, "no"},
	} {
		files := testFiles()
		c.entry.Reason = "because"
		if c.entry.File == "" {
			c.entry.File = "a.c"
		}
		stale := (&List{Entries: []Entry{c.entry}, path: "list"}).apply(files)
		if c.stale == "" && len(stale) > 0 || c.stale != "" && (len(stale) != 1 || !strings.Contains(stale[0], c.stale)) {
			t.Errorf("%s: stale %q, want %q", name, stale, c.stale)
		}
		for _, l := range files["a.c"].lines {
			want := false
			for _, n := range c.listed {
				want = want || n == l.Line
			}
			if (l.State == Listed) != want || want && (l.Reason != "because" || l.Was == "") {
				t.Errorf("%s: line %d is %s", name, l.Line, l.State)
			}
		}
	}
	twice := &List{Entries: []Entry{{File: "a.c", Func: "g", Reason: "r"}, {File: "a.c", Func: "g", Reason: "r"}}}
	if stale := twice.apply(testFiles()); len(stale) != 1 || !strings.Contains(stale[0], "listed twice") {
		t.Errorf("twice: %q", stale)
	}
	files := testFiles()
	files["a.c"].lines[5].State = Never
	if stale := (&List{Entries: []Entry{{File: "a.c", Func: "g", Reason: "r"}}}).apply(files); len(stale) != 1 || !strings.Contains(stale[0], "line 11 is compiled") {
		t.Errorf("a function that is compiled: %q", stale)
	}
	if stale := (*List)(nil).apply(files); stale != nil {
		t.Errorf("no list: %q", stale)
	}
}

func TestReadList(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"[[line]]\nfile='a.c'\nfunc='f'\ntext='x;'\nreason='r'\n": "",
		"[[line]]\nfile='a.c'\nfunc='f'\n":                        "line 1 has no reason",
		"[[line]]\nfunc='f'\nreason='r'\n":                        "line 1 has no file",
		"[[line]]\nfile='a.c'\ntext='x;'\nreason='r'\n":           "has a text and no function",
		"[[line]]\nfile='a.c'\nafter='x;'\nreason='r'\n":          `no text to find after "x;"`,
		"[[line]]\nfile='a.c'\nfunc='f'\nreasons='r'\n":           "unknown key",
		"[[line": "list.toml",
		"[[line]]\nfile='a.c'\nreason='r'\nbases=['6.12']\n[[line]]\nreason='r'\n": "line 2 has no file",
	} {
		path := filepath.Join(dir, "list.toml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := ReadList(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if l, err := ReadList(filepath.Join(dir, "none")); err != nil || len(l.Entries) != 0 {
		t.Errorf("no file: %v, %v", l, err)
	}
	l := &List{Entries: []Entry{{File: "a"}, {File: "b", Bases: []string{"6.12"}}}}
	if got := l.For("net-next"); len(got.Entries) != 1 || got.Entries[0].File != "a" {
		t.Errorf("for net-next: %v", got.Entries)
	}
}

// TestResult checks what fails a run, and the figures.
func TestResult(t *testing.T) {
	r := &Result{Lines: testFiles()["a.c"].lines, Apart: map[string]int{"t.c": 4, "u.c": 3}, Stale: []string{"list: a.c: gone"}}
	r.Lines[1].State = Listed
	reasons := r.Reasons()
	if len(reasons) != 5 || reasons[0] != "a.c:6: never run: " || reasons[2] != "a.c:11: not compiled: " || reasons[4] != "list: a.c: gone" {
		t.Errorf("reasons %q", reasons)
	}
	const want = "7 added lines with code: 2 run, 1 listed, 4 neither; 7 lines of 2 other files not counted"
	if got := r.Summary(); got != want {
		t.Errorf("summary %q", got)
	}
	if f := r.Files(); len(f) != 1 || f[0] != (FileCount{"a.c", 7, 2, 1, 4}) {
		t.Errorf("files %+v", f)
	}
	r.Partial, r.Stale = true, nil
	if got := r.Reasons(); len(got) != 0 || !strings.Contains(r.Summary(), "PARTIAL") {
		t.Errorf("a partial run: %q, %s", got, r.Summary())
	}
}

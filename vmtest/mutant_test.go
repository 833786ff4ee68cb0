// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/guest/suite"
)

func TestLoadMutants(t *testing.T) {
	mutant := func(header string) string {
		return "From 0000\nSubject: [PATCH] net: " + header + "\n\nwhy\n\n" + header + "\n---\nMust-fail: below/the-line\n"
	}
	cases := map[string]struct {
		files map[string]string
		names []string
		want  string // names joined, or a piece of the error
		fails bool
	}{
		"both projects": {
			files: map[string]string{"kernel/b.patch": mutant("Must-fail: a/b"), "iproute2/a.patch": mutant("Must-fail: c")},
			want:  "b a",
		},
		"picked":    {files: map[string]string{"kernel/b.patch": mutant("Must-fail: a/b"), "kernel/c.patch": mutant("Must-fail: c")}, names: []string{"c"}, want: "c"},
		"unknown":   {files: map[string]string{"kernel/b.patch": mutant("Must-fail: a/b")}, names: []string{"z"}, want: `no mutant "z"`, fails: true},
		"toothless": {files: map[string]string{"kernel/b.patch": mutant("Mustfail: a")}, want: "which assertion must fail", fails: true},
		"none":      {want: "no patches", fails: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			mutants, err := LoadMutants(dir, c.names)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			var got []string
			for _, m := range mutants {
				got = append(got, m.Name)
			}
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q, want %q", err, c.want)
				}
			} else if strings.Join(got, " ") != c.want {
				t.Errorf("mutants %q, want %q", got, c.want)
			}
		})
	}
}

// TestMutantsNameTests holds the mutants of the repository against the suite:
// an assertion that was renamed must not turn a mutant into one that nothing
// can notice.
func TestMutantsNameTests(t *testing.T) {
	mutants, err := LoadMutants("mutants", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		for _, what := range m.MustFail {
			if what == MustFailBuild {
				continue
			}
			names, err := suite.Names(what)
			if err != nil {
				t.Errorf("%s: %v", m.Path, err)
			}
			selected, err := suite.Names(anyOf(m.MustFail))
			if err != nil {
				t.Errorf("%s: %v", m.Path, err)
			}
			for _, name := range names {
				if !strings.Contains(strings.Join(selected, "\n")+"\n", name+"\n") {
					t.Errorf("%s: %q does not select %s", m.Path, anyOf(m.MustFail), name)
				}
			}
		}
	}
}

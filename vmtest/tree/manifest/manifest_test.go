// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadRepositoryManifests(t *testing.T) {
	for project, dir := range map[string]string{"linux": "kernel-patches", "iproute2": "iproute2-patches"} {
		s, err := Load(filepath.Join("..", "..", "..", dir))
		if err != nil {
			t.Fatal(err)
		}
		if s.Project != project || len(s.Bases) == 0 {
			t.Errorf("%s: project %q with %d bases", dir, s.Project, len(s.Bases))
		}
	}
}

func TestManifestMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(string) string
		want string
	}{
		"syntax":          {func(s string) string { return s + "what is = this\n" }, "series.toml:14: "},
		"unknown key":     {func(s string) string { return s + "mirrors = 1\n" }, `series.toml:14: unknown key "base.source.mirrors"`},
		"unknown table":   {func(s string) string { return s + "[receivers]\nto = 'x'\n" }, `series.toml:14: unknown key "receivers`},
		"title":           {func(s string) string { return strings.Replace(s, `"test"`, `""`, 1) }, "series.toml:1: title is missing"},
		"version":         {func(s string) string { return strings.Replace(s, "version = 1", "version = 0", 1) }, "series.toml:3: version 0: want 1 or more"},
		"wrong type":      {func(s string) string { return strings.Replace(s, "version = 1", `version = "1"`, 1) }, "series.toml:3: "},
		"role":            {func(s string) string { return strings.Replace(s, "carry", "keep", 1) }, `series.toml:8: base "6.12": role "keep": want submit or carry`},
		"kind":            {func(s string) string { return strings.Replace(s, `"deb"`, `"rpm"`, 1) }, `series.toml:10: base "6.12": source: kind "rpm"`},
		"kind and fields": {func(s string) string { return s + "url = \"https://x\"\n" }, `series.toml:10: base "6.12": source: kind "deb" takes`},
		"all succeed":     {func(s string) string { return s + "successors = \"*\"\n" }, `series.toml:10: base "6.12": source: successors "*": want the beginning`},
		"bad pattern":     {func(s string) string { return s + "made_on = \"[\"\n" }, `series.toml:10: base "6.12": source: made_on "["`},
		"git, made on":    {func(s string) string { return s + "[[base.source]]\nkind='git'\nurl='x'\nref='v1'\nmade_on='1'\n" }, `series.toml:14: base "6.12": source: kind "git" takes`},
		"option as url":   {func(s string) string { return s + "[[base.source]]\nkind='git'\nurl='--upload-pack=x'\nref='v1'\n" }, "series.toml:14: "},
		"base twice":      {func(s string) string { return s + s[strings.Index(s, "[[base]]"):] }, `series.toml:15: base "6.12" is there twice`},
		"no source":       {func(s string) string { return s[:strings.Index(s, "[[base.source]]")] }, `series.toml:6: base "6.12" has no [[base.source]]`},
		"base as a path":  {func(s string) string { return strings.Replace(s, `"6.12"`, `"../6.12"`, 1) }, `series.toml:7: base "../6.12": want a plain name`},
		"tree twice": {func(s string) string {
			return s + "[[tree]]\nname='n'\nurl='https://x'\n[[tree]]\nname='n'\nurl='https://x'\n"
		}, `series.toml:18: tree "n" is there twice`},
		"tree's url":  {func(s string) string { return s + "[[tree]]\nname='n'\nurl='-x'\n" }, `series.toml:16: tree "n": url "-x"`},
		"base's tree": {func(s string) string { return strings.Replace(s, "[[base.source]]", "tree = 'x'\n[[base.source]]", 1) }, `series.toml:10: base "6.12": no [[tree]] called "x"`},
		"base's commit": {func(s string) string {
			return strings.Replace(s, "[[base.source]]", "commit = 'v6'\n[[base.source]]", 1)
		}, `series.toml:10: base "6.12": commit "v6": want 40 hex`},
		"recipient": {func(s string) string { return s + "[recipients]\nto = ['nobody']\n" }, `series.toml:15: "nobody" is no mail address`},
		"link":      {func(s string) string { return s + "[attribution]\nlink = 'ftp://x'\n" }, `series.toml:15: link "ftp://x": want https://`},
		"tools":     {func(s string) string { return s + "[attribution]\nassisted-by = ['']\n" }, `series.toml:15: assisted-by: want one line each`},
		"key twice": {func(s string) string {
			return s + "[[base.patch]]\nkey='a'\nfile='1.patch'\n[[base.patch]]\nkey='a'\nfile='2.patch'\n"
		}, `series.toml:18: patch key "a" is there twice`},
		"patch elsewhere": {func(s string) string { return s + "[[base.patch]]\nkey='a'\nfile='../1.patch'\n" }, `series.toml:16: patch file "../1.patch": want`},
		"missing patch":   {func(s string) string { return s + "[[base.patch]]\nkey='a'\nfile='1.patch'\n" }, `series.toml:16: patch "a": no such file: `},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustWrite(t, filepath.Join(dir, Name), tc.edit(manifestHead))
			s, err := Load(dir)
			var merr *Error
			if !errors.As(err, &merr) || s != nil {
				t.Fatalf("got %v, %v; want a Error", s, err)
			}
			if got := strings.TrimPrefix(err.Error(), dir+"/"); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got  %s\nwant %s...", got, tc.want)
			}
		})
	}
}

func TestUnlistedPatch(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, Name), manifestHead+"[[base.patch]]\nkey='a'\nfile='0001-a.patch'\n")
	mustWrite(t, filepath.Join(dir, "6.12", "0001-a.patch"), "x")
	if _, err := Load(dir); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(dir, "6.12", "0002-b.patch"), "x")
	_, err := Load(dir)
	if err == nil || !strings.Contains(err.Error(), "6.12/0002-b.patch is not listed") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownBase(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, Name), manifestHead)
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Base("7.3"); err == nil || !strings.Contains(err.Error(), `no base "7.3" (there is 6.12)`) {
		t.Errorf("got %v", err)
	}
}

// FuzzManifest holds that a manifest that is accepted keeps what check
// promises, and that an error names a line of the file or none.
func FuzzManifest(f *testing.F) {
	for _, dir := range []string{"kernel-patches", "iproute2-patches"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", dir, Name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(manifestHead + "[[base.patch]]\nkey='a'\nfile='1.patch'\n"))
	f.Add([]byte("[base]\nx=1\n[[base]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := parse("m.toml", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("series %v with error %v", s, err)
		}
		if err != nil {
			var merr *Error
			if !errors.As(err, &merr) {
				t.Fatalf("error of type %T", err)
			}
			if lines := strings.Count(string(data), "\n") + 1; merr.Line < 0 || merr.Line > lines {
				t.Fatalf("line %d of %d", merr.Line, lines)
			}
			return
		}
		for _, b := range s.Bases {
			for _, p := range b.Patches {
				if filepath.Base(p.File) != p.File {
					t.Fatalf("patch %q accepted", p.File)
				}
			}
			if strings.ContainsAny(b.Name, "/\x00 ") {
				t.Fatalf("base %q accepted", b.Name)
			}
		}
	})
}

func mustWrite(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

const manifestHead = `title = "test"
project = "linux"
version = 1
prefix = "RFC"

[[base]]
name = "6.12"
role = "carry"

[[base.source]]
kind = "deb"
package = "linux-source-6.12"
suites = ["trixie"]
`

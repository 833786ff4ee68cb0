// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadRepository(t *testing.T) {
	c, err := LoadChange(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	kernel, ip := c.Guest(GuestKernel), c.Guest(GuestIP)
	if kernel == nil || ip == nil {
		t.Fatalf("the guest has the kernel of %v and the ip of %v", kernel, ip)
	}
	for _, b := range kernel.Bases {
		if len(ip.BasesFor(b.Name)) == 0 {
			t.Errorf("no base of %s is for %s", ip.Name, b.Name)
		}
	}
	for _, p := range c.Projects {
		for i := range p.Series {
			if s := &p.Series[i]; len(s.Bases) == 0 {
				t.Errorf("series %s has no base", s.Key)
			}
		}
	}
}

func TestManifestMistakes(t *testing.T) {
	list := func(extra string) func(string) string { return func(s string) string { return s + extra } }
	swap := func(old, text string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				panic("no " + old)
			}
			return strings.Replace(s, old, text, 1)
		}
	}
	for name, tc := range map[string]struct {
		edit func(string) string
		want string
	}{
		"syntax":          {list("what is = this\n"), "series.toml:17: "},
		"unknown key":     {list("mirrors = 1\n"), `series.toml:17: unknown key "series.mirrors"`},
		"unknown table":   {list("[receivers]\nto = 'x'\n"), `series.toml:17: unknown key "receivers`},
		"project":         {swap(`"linux"`, `""`), `series.toml:2: project name ""`},
		"build":           {swap("[[base]]", "build = 'ant'\n[[base]]"), `series.toml:4: build "ant": want kbuild, iproute2`},
		"guest":           {swap("[[base]]", "guest = 'kernel'\n[[base]]"), `series.toml:4: guest "kernel" needs build = "kbuild"`},
		"mark":            {swap("[[base]]", "mark = '../x'\n[[base]]"), `series.toml:4: "../x": want the path`},
		"version pattern": {swap("[[base]]", "version-pattern = '('\n[[base]]"), `series.toml:4: version-pattern: `},
		"title":           {swap(`"test"`, `""`), `series.toml:15: series "a": title is missing`},
		"version":         {swap("version = 1", "version = -1"), `series.toml:16: series "a": version -1: want 1 or more`},
		"wrong type":      {swap("version = 1", `version = "1"`), "series.toml:16: "},
		"role":            {swap("carry", "keep"), `series.toml:6: base "6.12": role "keep": want submit or carry`},
		"role of series":  {list("role = 'carry'\n"), `series.toml:17: series "a": role "carry": want submit, extra or alternative`},
		"kind":            {swap(`"deb"`, `"rpm"`), `series.toml:8: base "6.12": source: kind "rpm"`},
		"kind and fields": {swap("suites =", "url = 'https://x'\nsuites ="), `series.toml:8: base "6.12": source: kind "deb" needs package`},
		"all succeed":     {swap("suites =", "successors = '*'\nsuites ="), `series.toml:8: base "6.12": source: successors "*": want a prefix`},
		"bad pattern":     {swap("suites =", "made_on = '['\nsuites ="), `series.toml:8: base "6.12": source: made_on "["`},
		"git, made on":    {list("[[base.source]]\nkind='git'\nurl='x'\nref='v1'\nmade_on='1'\n"), `series.toml:17: base "6.12": source: kind "git" needs url and ref`},
		"option as url":   {list("[[base.source]]\nkind='git'\nurl='--upload-pack=x'\nref='v1'\n"), "series.toml:17: "},
		"base twice":      {func(s string) string { return s + s[strings.Index(s, "[[base]]"):strings.Index(s, "[[series]]")] }, `series.toml:18: base "6.12" is defined twice`},
		"no source": {func(s string) string {
			return s[:strings.Index(s, "[[base.source]]")] + s[strings.Index(s, "[[series]]"):]
		}, `series.toml:4: base "6.12" has no [[base.source]]`},
		"base as a path":  {swap(`"6.12"`, `"../6.12"`), `series.toml:5: base "../6.12": want letters, digits, '.', '_' and '-', not beginning with '.' or '-'`},
		"target twice":    {list("[[target]]\nname='n'\n[[target]]\nname='n'\n"), `series.toml:20: target "n" is defined twice`},
		"target's url":    {list("[[target]]\nname='n'\nurl='-x'\n"), `series.toml:19: target "n": url "-x"`},
		"target's list":   {list("[[target]]\nname='n'\nlist='x'\n"), `series.toml:19: target "n": "x" is not a mail address`},
		"target's rules":  {list("[[target]]\nname='n'\nrules=['x']\n"), `series.toml:19: target "n": no rules "x"`},
		"target":          {list("target = 'x'\n"), `series.toml:17: series "a": no [[target]] called "x"`},
		"base's commit":   {swap("[[base.source]]", "commit = 'v6'\n[[base.source]]"), `series.toml:8: base "6.12": commit "v6": want 40 hex`},
		"recipient":       {list("[recipients]\nto = ['nobody']\n"), `series.toml:18: "nobody" is not a mail address`},
		"own recipient":   {list("[series.recipients]\nto = ['nobody']\n"), `series.toml:18: series "a": "nobody" is not a mail address`},
		"link":            {list("[attribution]\nlink = 'ftp://x'\n"), `series.toml:18: link "ftp://x": want https://`},
		"tools":           {list("[attribution]\nassisted-by = ['']\n"), `series.toml:18: assisted-by: want one line per entry`},
		"series twice":    {list("[[series]]\nkey = 'a'\ntitle = 't'\n"), `series.toml:18: series "a": defined twice`},
		"reserved":        {swap(`"a"`, `"all"`), `series.toml:14: series "all": the name has another meaning`},
		"key of a base":   {swap(`"a"`, `"6.12"`), `series.toml:14: series "6.12": a base has the same name`},
		"replaces":        {list("replaces = ['a']\n"), `series.toml:17: series "a": only a series with the role alternative`},
		"depends on self": {list("on = ['a']\n" + manifestForm), `series.toml:17: series "a" depends on itself`},
		"no such base":    {list("[[series.base]]\nname='7'\n"), `series.toml:18: series "a": no [[base]] called "7"`},
		"key twice":       {list(manifestForm + "[[series.base.patch]]\nkey='b'\nfile='1.patch'\n[[series.base.patch]]\nkey='b'\nfile='2.patch'\n"), `series.toml:23: patch key "b" is defined twice`},
		"patch elsewhere": {list(manifestForm + "[[series.base.patch]]\nkey='b'\nfile='../1.patch'\n"), `series.toml:21: patch file "../1.patch": want`},
		"missing patch":   {list(manifestForm + "[[series.base.patch]]\nkey='b'\nfile='1.patch'\n"), `series.toml:21: patch "b": no such file: `},
		"stack":           {swap("[[base.source]]", "stack = ['b']\n[[base.source]]"), `series.toml:8: base "6.12": stack: no [[series]] with the key "b"`},
		"stack, no patch": {swap("[[base.source]]", "stack = ['a']\n[[base.source]]"), `series.toml:8: base "6.12": stack: series "a" has no patches in a/6.12/`},
		"stack, missing": {func(s string) string {
			return strings.Replace(s, "[[base.source]]", "stack = ['a']\n[[base.source]]", 1) + manifestForm + "[[series]]\nkey='b'\ntitle='t'\n" + manifestForm
		}, `series.toml:8: base "6.12": stack: series "b" has patches on this base and is missing`},
		"stack, order": {list("on = ['b']\n" + manifestForm + "[[series]]\nkey='b'\ntitle='t'\n" + manifestForm), `base "6.12": series "a" depends on "b", which comes later in the stack`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustWrite(t, filepath.Join(dir, Name), tc.edit(manifestHead))
			p, err := Load(dir)
			var merr *Error
			if !errors.As(err, &merr) {
				t.Fatalf("got %v, %v; want an Error", p, err)
			}
			if got := strings.TrimPrefix(err.Error(), dir+"/"); !strings.HasPrefix(got, tc.want) && !strings.Contains(got, ": "+tc.want) {
				t.Errorf("got  %s\nwant %s...", got, tc.want)
			}
		})
	}
}

func TestUnlistedPatch(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, Name), manifestHead+manifestForm+"[[series.base.patch]]\nkey='a'\nfile='0001-a.patch'\n")
	mustWrite(t, filepath.Join(dir, "a/6.12/0001-a.patch"), "x")
	mustWrite(t, filepath.Join(dir, "a/sent/v1/0001-a.patch"), "x")
	if _, err := Load(dir); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"a/6.12/0002-b.patch": "a/6.12/0002-b.patch is not listed",
		"a/7.3/0001-a.patch":  "a/7.3/0001-a.patch belongs to no series on a base",
		"b/6.12/0001-b.patch": "b/6.12/0001-b.patch belongs to no series on a base",
	} {
		mustWrite(t, filepath.Join(dir, file), "x")
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFolderIsList: a manifest without a list of patches means all patches of the directory.
func TestFolderIsList(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, Name), manifestHead)
	mustWrite(t, filepath.Join(dir, "a/6.12/0002-b.patch"), "x")
	mustWrite(t, filepath.Join(dir, "a/6.12/0001-a.patch"), "x")
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Patches("", Selection{})
	if err != nil || len(list) != 2 || list[0].Step() != "a/a" || list[1].Step() != "a/b" {
		t.Errorf("got %v, %v", list, err)
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

func TestVersionIn(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "Makefile"), "# x\nVERSION = 7\nPATCHLEVEL = 4\nSUBLEVEL = 0\nEXTRAVERSION = -rc1\n")
	mustWrite(t, filepath.Join(dir, "v.h"), "char version[] = \"6.1.0\";\n")
	kernel := `(?m)^VERSION = *(\d*)\nPATCHLEVEL = *(\d*)\nSUBLEVEL = *(\d*)\nEXTRAVERSION = *(\S*)$`
	for _, tc := range []struct {
		facts Facts
		want  string
	}{
		{Facts{VersionFile: "Makefile", VersionPattern: kernel}, "7.4.0-rc1"},
		{Facts{VersionFile: "v.h", VersionPattern: `version\[\] = "([^"]+)"`}, "6.1.0"},
		{Facts{VersionFile: "none", VersionPattern: `(.*)`}, filepath.Base(dir)},
		{Facts{}, filepath.Base(dir)},
	} {
		if got := tc.facts.VersionIn(dir); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.facts, got, tc.want)
		}
	}
}

// FuzzManifest: an accepted manifest keeps what check promises, and an error
// names a line of the file or none.
func FuzzManifest(f *testing.F) {
	for _, dir := range []string{"kernel-patches", "iproute2-patches"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", dir, Name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(manifestHead + manifestForm + "[[series.base.patch]]\nkey='a'\nfile='1.patch'\n"))
	f.Add([]byte("[base]\nx=1\n[[base]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, _, err := parse("m.toml", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("project %v with error %v", p, err)
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
		for _, s := range p.Series {
			for _, b := range s.Bases {
				for _, q := range b.Patches {
					if filepath.Base(q.File) != q.File {
						t.Fatalf("patch %q accepted", q.File)
					}
				}
				if strings.ContainsAny(s.Key+b.Base, "/\x00 ") {
					t.Fatalf("series %q, base %q accepted", s.Key, b.Base)
				}
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

const manifestHead = `[project]
name = "linux"

[[base]]
name = "6.12"
role = "carry"

[[base.source]]
kind = "deb"
package = "linux-source-6.12"
suites = ["trixie"]

[[series]]
key = "a"
title = "test"
version = 1
`

const manifestForm = "[[series.base]]\nname='6.12'\n"

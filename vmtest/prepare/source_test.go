// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// rootWith makes a workbench whose kernel has more series, and returns its
// directory. The series "queue" has two patches, "link" depends on it, and
// "ops" is an alternative for net-next.
func rootWith(t *testing.T) string {
	t.Helper()
	root := testenv.Root(t)
	dir := filepath.Join(root, "kernel-patches")
	file := filepath.Join(dir, tree.ManifestName)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	queue := "key = \"queue\"\nversion = 2\n" + on("net-next", "a", "b") + on("6.12", "a")
	text := strings.Replace(string(old), "key = \"queue\"\n", "", 1) + queue +
		"[[series]]\nkey = \"link\"\ntitle = \"l\"\non = [\"queue\"]\n" + on("net-next", "c") +
		"[[series]]\nkey = \"ops\"\ntitle = \"o\"\nrole = \"alternative\"\non = [\"queue\"]\n" + on("net-next", "d")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"queue/net-next/a.patch": "a\n", "queue/net-next/b.patch": "b\n", "link/net-next/c.patch": "c\n", "ops/net-next/d.patch": "d\n",
		"queue/6.12/a.patch": "a\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// on writes the form of a series on a base.
func on(base string, patches ...string) string {
	text := "[[series.base]]\nname = \"" + base + "\"\n"
	for _, p := range patches {
		text += "[[series.base.patch]]\nkey = \"" + p + "\"\nfile = \"" + p + ".patch\"\n"
	}
	return text
}

func TestName(t *testing.T) {
	root := testenv.Root(t)
	for want, s := range map[string]Source{
		"net-next":                {Root: root},
		"6.12":                    {Root: root, Base: "6.12"},
		"6.12-unpatched":          {Root: root, Base: "6.12", Unpatched: true},
		"net-next-debug-mine":     {Root: root, Fragments: []string{"debug", "/a/mine.config"}},
		"net-next-queue":          {Root: root, Select: manifest.Selection{Only: []string{"queue"}}},
		"net-next-with-ops":       {Root: root, Select: manifest.Selection{With: []string{"ops"}}},
		"net-next-without-a":      {Root: root, Select: manifest.Selection{Without: []string{"a"}}},
		"x-a-b-with-c-without-d":  {Base: "x", Select: manifest.Selection{Only: []string{"a", "b"}, With: []string{"c"}, Without: []string{"d"}}},
		"":                        {Root: t.TempDir()},
		"net-next-full-unpatched": {Root: root, Fragments: []string{"full"}, Unpatched: true},
	} {
		if got := s.Name(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, fragments := range map[Checkers][]string{
		{Slowdown: 1}: {"full"},
		{MemoryMiB: 3072, Slowdown: 4, Races: true, Leaks: true}: {"full", "debug"},
		{MemoryMiB: 1024, Slowdown: 8, Races: true}:              {"rt", "kcsan"},
	} {
		if got := (&Source{Fragments: fragments}).Checkers(); got != want {
			t.Errorf("%q: %+v, want %+v", fragments, got, want)
		}
	}
	if l := (&Source{}).Loader(); l != "" {
		t.Errorf("loader %q without a selection", l)
	}
	if l := (&Source{Select: manifest.Selection{With: []string{"a", "b"}}}).Loader(); l != "a" {
		t.Errorf("loader %q, want a", l)
	}
	if !slices.Contains(Fragments(), "base") {
		t.Errorf("fragments are %q", Fragments())
	}
}

func TestSelection(t *testing.T) {
	root := rootWith(t)
	keys := func(s Source) (all []string) {
		t.Helper()
		got, err := s.Patches()
		if err != nil {
			t.Fatal(err)
		}
		for key, there := range got {
			if there {
				all = append(all, key)
			}
		}
		slices.Sort(all)
		return all
	}
	one := manifest.Selection{Only: []string{"queue"}}
	if got, err := (&Source{Root: root}).Patches(); got != nil || err != nil {
		t.Errorf("the whole stack: %v, %v", got, err)
	}
	if got, err := (&Source{Root: root, Select: one, NoApply: true}).Patches(); got != nil || err != nil {
		t.Errorf("nothing applied: %v, %v", got, err)
	}
	only := keys(Source{Root: root, Select: one})
	without := keys(Source{Root: root, Select: manifest.Selection{Without: []string{"link"}}})
	both := keys(Source{Root: root, Select: manifest.Selection{Only: []string{"link"}}})
	if len(only) != 2 || !slices.Equal(only, without) || len(both) != 3 {
		t.Errorf("queue %q, without link %q, link %q", only, without, both)
	}
	if _, err := (&Source{Root: root, Select: manifest.Selection{Only: []string{"nosuch"}}}).Patches(); err == nil {
		t.Error("an unknown series is accepted")
	}
	if _, err := (&Source{Root: t.TempDir(), Select: one}).Patches(); !errors.Is(err, manifest.ErrNoProject) {
		t.Errorf("no workbench: %v", err)
	}
	got, err := (&Source{Root: root}).Alternatives()
	if err != nil || !slices.Equal(got, []string{"ops"}) {
		t.Errorf("alternatives %q, %v", got, err)
	}
	if _, err := (&Source{Root: t.TempDir()}).Alternatives(); !errors.Is(err, manifest.ErrNoProject) {
		t.Errorf("no workbench: %v", err)
	}
}

func TestValidate(t *testing.T) {
	root, file := rootWith(t), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	noIP := rootWith(t)
	manifestFile := filepath.Join(noIP, "iproute2-patches", tree.ManifestName)
	text, err := os.ReadFile(manifestFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifestFile, []byte(strings.Replace(string(text), "['net-next', '6.12']", "['6.12']", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, noKernel := t.TempDir(), testenv.Root(t)
	for _, kind := range []string{"kernel", "iproute2"} {
		file := filepath.Join(noKernel, kind+"-patches", tree.ManifestName)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.NewReplacer("guest = \"kernel\"\n", "", "guest = \"ip\"\n", "", "for = ['net-next', '6.12']\n", "").Replace(string(text))
		if err := os.WriteFile(file, []byte(plain), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		source Source
		want   string // in the error; empty: none
	}{
		"default":            {Source{Root: root}, ""},
		"directories":        {Source{Root: root, KernelDir: dir, IPDir: dir}, ""},
		"fragment":           {Source{Root: root, Fragments: []string{"debug"}}, ""},
		"no kernel":          {Source{Root: noKernel}, "so no kernel can boot"},
		"base":               {Source{Root: root, Base: "5.4"}, "5.4"},
		"series":             {Source{Root: root, Select: manifest.Selection{Only: []string{"nosuch"}}}, "nosuch"},
		"unknown fragment":   {Source{Root: root, Fragments: []string{"nosuch"}}, "nosuch"},
		"missing kernel":     {Source{Root: root, KernelDir: "/nosuch"}, "/nosuch is not a directory"},
		"kernel is a file":   {Source{Root: root, KernelDir: file}, file + " is not a directory"},
		"missing ip":         {Source{Root: root, IPDir: "/nosuch"}, "/nosuch is not a directory"},
		"no ip for the base": {Source{Root: noIP}, `for kernel base "net-next"`},
		"ip for the other":   {Source{Root: noIP, Base: "6.12"}, ""},
		"ip from elsewhere":  {Source{Root: noIP, IPDir: dir}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.source.Validate()
			if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, ErrSource) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	// Mistakes are reported before anything is fetched.
	if a, err := All(t.Context(), Source{Root: root, Cache: t.TempDir(), Base: "5.4"}); a != nil || !errors.Is(err, ErrSource) {
		t.Errorf("All: %v, %v", a, err)
	}
	if a, err := Guest(t.Context(), Source{Root: root, Cache: t.TempDir()}); a != nil || err == nil || !strings.Contains(err.Error(), "make generate") {
		t.Errorf("Guest without objects: %v, %v", a, err)
	}
}

func TestBasesOfNoWorkbench(t *testing.T) {
	if got, err := Bases(t.TempDir(), "all"); got != nil || !errors.Is(err, manifest.ErrNoProject) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Bases(testenv.Root(t), ""); err != nil || !slices.Equal(got, []string{"net-next"}) {
		t.Errorf("the default base is %q, %v", got, err)
	}
}

func TestOpenIP(t *testing.T) {
	root := rootWith(t)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "ip"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ip", "iplink.c"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := Source{Root: root, Cache: t.TempDir(), IPDir: dir, NoApply: true}
	src, err := s.OpenIP(t.Context())
	if err != nil || src.Base != "6.1" {
		t.Errorf("got %+v, %v", src, err)
	}
	// Without the project of ip, the machine's own ip is used, but no directory
	// can be.
	if err := os.RemoveAll(filepath.Join(root, "iproute2-patches")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenIP(t.Context()); !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory without a project: %v", err)
	}
	s.IPDir = ""
	if src, err := s.OpenIP(t.Context()); src != nil || err != nil {
		t.Errorf("no project: %v, %v", src, err)
	}
	s.Base = "5.4"
	if _, err := s.OpenIP(t.Context()); !errors.Is(err, ErrSource) {
		t.Errorf("unknown base: %v", err)
	}
	if _, err := (&Source{Root: root, Base: "5.4"}).OpenKernel(t.Context()); !errors.Is(err, ErrSource) {
		t.Errorf("unknown base of the kernel: %v", err)
	}
	for _, open := range []func(*Source) error{
		func(s *Source) error { _, err := s.OpenIP(t.Context()); return err },
		func(s *Source) error { _, err := s.OpenKernel(t.Context()); return err },
	} {
		if err := open(&Source{Root: t.TempDir()}); !errors.Is(err, manifest.ErrNoProject) {
			t.Errorf("no workbench: %v", err)
		}
	}
}

// A base of ip that cannot be fetched is replaced by the next one, with a
// notice.
func TestOpenIPFallsBack(t *testing.T) {
	root := rootWith(t)
	file := filepath.Join(root, "iproute2-patches", tree.ManifestName)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	second := "\n[[base]]\nname = \"6.0\"\nrole = \"carry\"\nfor = ['net-next']\n[[base.source]]\nkind = \"git\"\nurl = \"file:///nowhere\"\nref = \"v0\"\n"
	if err := os.WriteFile(file, append(text, second...), 0o644); err != nil {
		t.Fatal(err)
	}
	var notices []string
	s := Source{Root: root, Cache: t.TempDir(), Progress: func(e progress.Event) {
		if e.State == progress.Notice && strings.HasPrefix(e.Step, "fetch iproute2") {
			notices = append(notices, e.Step+": "+e.Text)
		}
	}}
	src, err := s.OpenIP(t.Context())
	if src != nil || !errors.Is(err, tree.ErrObtain) {
		t.Errorf("got %v, %v", src, err)
	}
	if len(notices) != 1 || !strings.HasPrefix(notices[0], "fetch iproute2 6.1: ") || !strings.HasSuffix(notices[0], "falling back to base 6.0 of iproute2") || strings.Contains(notices[0], "\n") {
		t.Errorf("notices %q", notices)
	}
}

func TestVersions(t *testing.T) {
	p := &manifest.Project{Series: []manifest.Series{{Key: "a", Version: 1}, {Key: "b", Version: 1}, {Key: "c", Version: 3}}}
	for want, series := range map[string][]string{
		"": {}, "v1": {"a", "a", "b", "nosuch"}, "v3": {"c"}, "a v1, c v3": {"a", "c", "a", "c"}, "a v1, b v1, c v3": {"a", "b", "c"},
	} {
		var patches []tree.Patch
		for _, key := range series {
			patches = append(patches, tree.Patch{Series: key})
		}
		if got := versions(p, patches); got != want {
			t.Errorf("%q: got %q, want %q", series, got, want)
		}
	}
}

func TestSums(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := errors.Join(os.WriteFile(a, []byte("abc"), 0o644), os.WriteFile(b, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	// The first test vector of FIPS 180-2, and the hash of nothing.
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got, err := FileSum(a); got != abc || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	got, err := patchSums(&tree.Source{Patches: []tree.Patch{{Path: a, File: "x/a"}, {Path: b, File: "b"}}})
	if diff := cmp.Diff([]string{abc + "  x/a", empty + "  b"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := patchSums(&tree.Source{Patches: []tree.Patch{{Path: a}, {Path: dir + "/nosuch"}}}); got != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing patch: %q, %v", got, err)
	}
	if got, err := FileSum(dir); got != "" || err == nil {
		t.Errorf("a directory: %q, %v", got, err)
	}
}

func TestIsVerdict(t *testing.T) {
	for err, want := range map[error]bool{
		&tree.ApplyError{}: true, &tree.ManifestError{}: true, &build.CompileError{}: true, &config.DroppedSymbolError{}: true,
		fmt.Errorf("build: %w", error(&build.CompileError{})): true, errors.New("no network"): false, tree.ErrObtain: false,
	} {
		if IsVerdict(err) != want {
			t.Errorf("%T: %v", err, !want)
		}
	}
	if IsVerdict(nil) {
		t.Error("no error is a verdict")
	}
}

func TestReadBuilds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "builds.json")
	if _, err := ReadBuilds(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(file, []byte("[{}]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadBuilds(file); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

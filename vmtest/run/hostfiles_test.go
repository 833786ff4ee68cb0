// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/vm"
)

func mustMkdir(tb testing.TB, path ...string) string {
	tb.Helper()
	dir := filepath.Join(path...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func mustSymlink(tb testing.TB, target, name string) string {
	tb.Helper()
	if err := os.Symlink(target, name); err != nil {
		tb.Fatal(err)
	}
	return name
}

func TestOutermost(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, ab, ax, b := mustMkdir(t, top, "a"), mustMkdir(t, top, "a", "b"), mustMkdir(t, top, "a-x"), mustMkdir(t, top, "b")
	link := mustSymlink(t, b, filepath.Join(top, "link"))
	for name, c := range map[string]struct{ dirs, want []string }{
		"none":             {nil, nil},
		"nested":           {[]string{ab, a, ab, ax}, []string{a, ax}},
		"through a link":   {[]string{link}, []string{b}},
		"a link and it":    {[]string{link, b}, []string{b}},
		"the root":         {[]string{"/", a}, []string{a}},
		"not there":        {[]string{filepath.Join(top, "none")}, nil},
		"the guest's own":  {[]string{"/proc/self", "/sys", "/dev"}, nil},
		"in shared memory": {[]string{"/dev/shm/none"}, nil},
	} {
		if got := outermost(c.dirs); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestWritable: the output of go test and go build -cover is kept.
func TestWritable(t *testing.T) {
	top := t.TempDir()
	cwd, work := mustMkdir(t, top, "cwd"), mustMkdir(t, top, "go-build1", "b001")
	fuzz := filepath.Join(top, "fuzz")
	none := func(string) string { return "" }
	for name, c := range map[string]struct {
		program string
		args    []string
		getenv  func(string) string
		want    []string // in addition to cwd
	}{
		"a program":     {program: "/bin/true", args: []string{"-test.coverprofile=/x/y"}},
		"GOCOVERDIR":    {program: "/bin/true", getenv: func(n string) string { return strings.TrimPrefix(n+"=rel", "GOCOVERDIR=") }, want: []string{cwd + "/rel"}},
		"a test":        {program: work + "/x.test", want: []string{work}},
		"a test of old": {program: top + "/x.test"},
		"coverage":      {program: "/x.test", args: []string{"-test.coverprofile=/x/y", "--test.gocoverdir=/g"}, want: []string{"/x", "/g"}},
		"profiles":      {program: "/x.test", args: []string{"-test.cpuprofile=c.out", "-test.outputdir=/o", "-test.trace=s/t"}, want: []string{"/o", "/o/s", "/o"}},
		"relative":      {program: "/x.test", args: []string{"-test.memprofile=../m.out"}, want: []string{top}},
		"log":           {program: "/x.test", args: []string{"-test.testlogfile=/l/testlog.txt"}, want: []string{"/l"}},
		"fuzz":          {program: "/x.test", args: []string{"-test.fuzzcachedir=" + fuzz}, want: []string{fuzz}},
		"not a flag":    {program: "/x.test", args: []string{"test.outputdir=/no", "-test.v=true", "-outputdir=/no"}},
	} {
		if c.getenv == nil {
			c.getenv = none
		}
		got := writable(c.program, c.args, cwd, c.getenv)
		slices.Sort(got)
		want := append(c.want, cwd)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if !isDir(fuzz) {
		t.Error("the directory of the fuzz corpus was not created")
	}
}

func TestHostFiles(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, b := mustMkdir(t, top, "a"), mustMkdir(t, top, "b")
	h, shares, err := hostFiles([]string{b, a}, []string{a, a + ":/srv/../etc/x"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&wire.HostFiles{
		Shares:    []wire.Share{{Tag: "xpsgen.rw0", Dir: wire.Raw(a)}, {Tag: "xpsgen.rw1", Dir: wire.Raw(b)}},
		Binds:     []wire.Bind{{From: wire.Raw(a), To: "/etc/x"}},
		HostTools: true,
	}, h); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]vm.Share{{Tag: "xpsgen.host", Dir: "/", ReadOnly: true}, {Tag: "xpsgen.rw0", Dir: a}, {Tag: "xpsgen.rw1", Dir: b}}, shares); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var many []string
	for _, name := range "abcdefg" {
		many = append(many, mustMkdir(t, top, "many", string(name)))
	}
	for want, c := range map[string]struct{ writable, add []string }{
		"no such file":                        {nil, []string{top + "/none"}},
		"must be absolute":                    {nil, []string{top + ":here"}},
		"6 directories of the host, not to 7": {many, nil},
	} {
		if _, _, err := hostFiles(c.writable, c.add, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("LD_LIBRARY_PATH", "/l")
	t.Setenv("LC_TIME", "C")
	t.Setenv("XPS_TEST_OWN", "j\xf6rg")
	t.Setenv("PATH", "/p")
	for name, c := range map[string]struct {
		opt       GuestOptions
		want, not []wire.Raw
	}{
		"default":    {GuestOptions{}, []wire.Raw{"LD_LIBRARY_PATH=/l", "LC_TIME=C", "PWD=/d", "PATH=" + wire.ToolDir + ":" + guestPath}, []wire.Raw{"XPS_TEST_OWN=j\xf6rg"}},
		"named":      {GuestOptions{Env: []string{"XPS_TEST_OWN", "A=b=c", "NOT_SET"}}, []wire.Raw{"XPS_TEST_OWN=j\xf6rg", "A=b=c"}, []wire.Raw{"NOT_SET=", "NOT_SET"}},
		"all":        {GuestOptions{EnvAll: true}, []wire.Raw{"XPS_TEST_OWN=j\xf6rg", "PATH=" + wire.ToolDir + ":/p"}, nil},
		"host tools": {GuestOptions{HostTools: true}, []wire.Raw{"PATH=" + guestPath}, nil},
	} {
		got := c.opt.environ("/d")
		for _, kv := range c.want {
			if !slices.Contains(got, kv) {
				t.Errorf("%s: no %q in %q", name, kv, got)
			}
		}
		for _, kv := range c.not {
			if slices.Contains(got, kv) {
				t.Errorf("%s: %q in %q", name, kv, got)
			}
		}
	}
}

func TestSameFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	open := func(name string) *os.File {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b, other := open(name), open(name), open(name+"2")
	if !sameFile(a, b) || sameFile(a, other) || sameFile(a, &strings.Builder{}) || sameFile(nil, nil) {
		t.Error("files are mistaken for one another")
	}
}

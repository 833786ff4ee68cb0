// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bisect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/plan"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
)

// stackRoot is a workbench with several series. queue has two patches and is based on
// fix. maps is extra and based on queue. ops is an alternative. ip-fix is based on
// nothing, ip on ip-fix and queue.
func stackRoot(t *testing.T) prepare.Source {
	t.Helper()
	root := testenv.Root(t)
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edit := func(project string, change func(string) string) {
		t.Helper()
		path := filepath.Join(root, project, tree.ManifestName)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := change(string(data))
		if text == string(data) {
			t.Fatalf("%s did not change", path)
		}
		write(path, text)
	}
	kernel, ip := t.TempDir(), t.TempDir()
	write(filepath.Join(kernel, "Kbuild"), "#\n")
	write(filepath.Join(ip, "ip", "iplink.c"), "#\n")
	patch := func(dir, project, series, base string, n int, key string) {
		t.Helper()
		write(filepath.Join(dir, key), "first\n")
		write(filepath.Join(root, project, series, base, fmt.Sprintf("%04d-%s.patch", n, key)), fmt.Sprintf(addLine, key))
	}
	patch(kernel, "kernel-patches", "fix", "6.12", 1, "division")
	patch(kernel, "kernel-patches", "queue", "6.12", 1, "hook")
	patch(kernel, "kernel-patches", "queue", "6.12", 2, "rtnetlink")
	patch(kernel, "kernel-patches", "maps", "6.12", 1, "tun-maps")
	patch(kernel, "kernel-patches", "ops", "6.12", 1, "other")
	patch(ip, "iproute2-patches", "ip-fix", "6.1", 1, "leak")
	patch(ip, "iproute2-patches", "ip", "6.1", 1, "uapi")
	patch(ip, "iproute2-patches", "ip", "6.1", 2, "xps")
	edit("kernel-patches", func(s string) string {
		head, queue, _ := strings.Cut(s, "[[series]]")
		return head + "[[series]]\nkey = 'fix'\ntitle = 't'\n[[series]]" + queue + "on = ['fix']\n" +
			"[[series]]\nkey = 'maps'\ntitle = 't'\non = ['queue']\nrole = 'extra'\n" +
			"[[series]]\nkey = 'ops'\ntitle = 't'\nrole = 'alternative'\nreplaces = ['queue']\n"
	})
	edit("iproute2-patches", func(s string) string {
		head, ip, _ := strings.Cut(s, "[[series]]")
		return head + "[[series]]\nkey = 'ip-fix'\ntitle = 't'\n[[series]]" + ip + "on = ['ip-fix', 'queue']\nfeature = 'xps'\n"
	})
	return prepare.Source{Root: root, Cache: t.TempDir(), Base: "6.12", KernelDir: kernel, IPDir: ip}
}

// built returns the names of the patches that a step builds.
func built(t *testing.T, st *Step, src prepare.Source) string {
	t.Helper()
	src = st.source(src)
	k, err := src.OpenKernel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i, err := src.OpenIP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, s := range []*tree.Source{k, i} {
		var keys []string
		for _, p := range s.Patches {
			keys = append(keys, p.Key)
		}
		parts = append(parts, strings.Join(keys, "+"))
	}
	return st.Name() + ": " + strings.Join(parts, ", ") + " " + src.Apart
}

// Each patch of each series is built only on top of the series that it is based on.
func TestStepsBuildTheSeriesBelow(t *testing.T) {
	src := stackRoot(t)
	steps, err := Plan(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	const ip = "leak+uapi+xps"
	want := []string{
		"fix-1-division: division, " + ip + " bisect",
		"queue-1-hook: division+hook, " + ip + " bisect",
		"queue-2-rtnetlink: division+hook+rtnetlink, " + ip + " bisect",
		"maps-1-tun-maps: division+hook+rtnetlink+tun-maps, " + ip + " ",
		"ip-fix-1-leak: , leak ",
		"ip-1-uapi: division+hook+rtnetlink, leak+uapi bisect",
		"ip-2-xps: division+hook+rtnetlink, leak+uapi+xps bisect",
	}
	if len(steps) != len(want) {
		t.Fatalf("%d steps, want %d", len(steps), len(want))
	}
	for i, st := range steps {
		if got := built(t, st, src); got != want[i] {
			t.Errorf("got  %q\nwant %q", got, want[i])
		}
	}
	// Tests that need a patch run from that patch on. For ip they run from its
	// feature patch on.
	needs := func(st *Step) (list []string) {
		for _, name := range st.Tests {
			if test, _ := plan.Find(name); test.Needs != "" && !slices.Contains(list, test.Needs) {
				list = append(list, test.Needs)
			}
		}
		slices.Sort(list)
		return list
	}
	for i, want := range []string{"", "", "rtnetlink", "rtnetlink tun-maps", "", "", "rtnetlink"} {
		if got := strings.Join(needs(steps[i]), " "); got != want {
			t.Errorf("%s: tests that need %q, want %q", steps[i].Name(), got, want)
		}
	}
}

// A walk through named series has only their steps. An alternative has steps if it is named.
func TestNamedSeries(t *testing.T) {
	src := stackRoot(t)
	steps, err := Plan(t.Context(), src, "ops", "fix")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range steps {
		got = append(got, built(t, st, src))
	}
	if want := "fix-1-division: division, leak+uapi+xps bisect; ops-1-other: other, leak+uapi+xps bisect"; strings.Join(got, "; ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := Plan(t.Context(), src, "nosuch"); err == nil || !strings.Contains(err.Error(), `no series "nosuch"`) {
		t.Errorf("got %v", err)
	}
}

// A series that names its tests must make all of them pass.
func TestSeriesMustPassItsTests(t *testing.T) {
	src := stackRoot(t)
	path := filepath.Join(src.Root, "kernel-patches", tree.ManifestName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "on = ['fix']", "on = ['fix']\ntests = 'link'", 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	steps, err := Plan(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if r := steps[2].Reasons; len(r) != 1 || !strings.Contains(r[0], "tests of the series need a patch that it lacks") {
		t.Errorf("got %q", r)
	}
}

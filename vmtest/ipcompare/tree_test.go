// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"slices"
	"testing"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/workbench"
)

// bases returns the kernel bases of the workbench.
func bases(t *testing.T) []string {
	t.Helper()
	all, err := prepare.Bases(testSource(t, "").Root, prepare.AllBases)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// testSource returns a base of the workbench.
func testSource(t *testing.T, base string) prepare.Source {
	t.Helper()
	root, err := workbench.Find("", "")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	return prepare.Source{Root: root, Cache: dir, Base: base, Progress: func(e progress.Event) {
		if e.State == progress.Started || e.State == progress.Failed {
			t.Logf("%s: %v %s", e.Step, e.State, e.Text)
		}
	}}
}

// TestTouchedFiles reads a diff.
func TestTouchedFiles(t *testing.T) {
	const diff = `diff --git a/lib/a.c b/lib/a.c
--- a/lib/a.c
+++ b/lib/a.c
@@ -1 +1 @@
-+++ b/x
+y
diff --git a/ip/new.c b/ip/new.c
--- /dev/null
+++ b/ip/new.c
diff --git a/gone.c b/gone.c
--- a/gone.c
+++ /dev/null
`
	if got, want := touchedFiles([]byte(diff)), []string{"lib/a.c", "ip/new.c"}; !slices.Equal(got, want) {
		t.Errorf("touched files: %q, expected %q", got, want)
	}
}

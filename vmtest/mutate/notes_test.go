// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/runs"
)

func TestPatchLines(t *testing.T) {
	const patch = `Subject: x

diff --git a/a.c b/a.c
--- a/a.c
+++ b/a.c
@@ -10,3 +10,4 @@ int f(void)
 one
-two
+two
+three

@@ -30 +31,2 @@
+++ b/no file
+four
diff --git a/b.c b/b.c
new file mode 100644
--- /dev/null
+++ b/b.c
@@ -0,0 +1 @@
+five
--
2.39
`
	got, err := patchLines([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[int]int{"a.c": {11: 9, 12: 10, 31: 13, 32: 14}, "b.c": {1: 20}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := patchLines([]byte("+++ b/a.c\n@@ -1 x @@\n")); err == nil {
		t.Error("a hunk without a number was read")
	}
}

func TestNote(t *testing.T) {
	killed, survived, unreached := Verdict{State: Killed, Tests: 3}, Verdict{State: Survived, Tests: 3}, Verdict{State: Unreached}
	for name, c := range map[string]struct {
		list []Verdict
		want runs.Note
	}{
		"killed":            {[]Verdict{killed, killed}, runs.Note{Mark: "killed"}},
		"survived":          {[]Verdict{killed, survived}, runs.Note{Mark: "run", Bad: true, Text: "1 of 2 mutants survived"}},
		"never":             {[]Verdict{unreached}, runs.Note{Mark: "never", Bad: true, Text: "not run by any test"}},
		"listed":            {[]Verdict{killed, {State: Excused, By: "why", Tests: 2}}, runs.Note{Mark: "run", Text: "why"}},
		"listed, never run": {[]Verdict{{State: Excused, By: "why"}}, runs.Note{Mark: "never", Text: "why"}},
		"refused":           {[]Verdict{{State: Refused}}, runs.Note{}},
	} {
		if d := cmp.Diff(c.want, note(c.list)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

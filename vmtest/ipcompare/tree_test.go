// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"slices"
	"testing"
)

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

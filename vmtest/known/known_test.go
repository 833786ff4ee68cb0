// SPDX-License-Identifier: GPL-2.0-only OR MIT

package known

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/vm"
)

func TestReadOurs(t *testing.T) {
	const diff = `diff --git a/net/core/dev.c b/net/core/dev.c
index 1..2 100644
--- a/net/core/dev.c
+++ b/net/core/dev.c
@@ -10,9 +10,10 @@ static int unrelated(void)
 int declared(struct net_device *dev,
 	     int n);
+int added_declaration(void);
 
 static int touched(struct net_device *dev,
 		   int n)
 {
+	int q = READ_ONCE(n);
 	if (q) {
 		call(q);
 	}
 	return 0;
 }
 
 static void beside(void)
 {
 	call(0);
 }
+
+/* A comment() of a function. */
+static inline bool fresh(void)
+{
+	return true;
+}
+static inline void stub(void) { }
 
 int head_only(int a,
-	      int b)
+	      long b)
 {
 	return a;
 }
@@ -90,3 +90,3 @@ EXPORT_SYMBOL(beside);
 static const struct ops ops = {
-	.call = beside,
+	.call = fresh,
 };
diff --git a/drivers/net/tun.c b/drivers/net/tun.c
--- a/drivers/net/tun.c
+++ b/drivers/net/tun.c
@@ -1,4 +1,3 @@
 u16 tun_select(void)
 {
-	return 1;
 	return 0;
 }
`
	ours, err := ReadOurs([]byte(diff))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"fresh", "head_only", "stub", "touched", "tun_select"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(ours))); diff != "" {
		t.Error(diff)
	}
}

func splat(pattern, title string, frames ...string) *vm.Splat {
	return &vm.Splat{Pattern: pattern, Lines: []string{title}, Frames: frames, Functions: frames}
}

func TestHas(t *testing.T) {
	dir := t.TempDir()
	config := []string{"rt", "bhlock"}
	base := []vm.Splat{
		*splat("BUG: ", "BUG: sleeping function called", "tun_net_xmit", "netpoll_start_xmit"),
		*splat("KCSAN: ", "BUG: KCSAN: data-race in b.isra.0 / a", "kcsan_setup_watchpoint", "b"),
	}
	for run, want := range []int{2, 0} {
		_, added, err := Add(dir, "6.12", "6.12.1", config, base)
		if err != nil || added != want {
			t.Fatalf("run %d added %d reports, not %d: %v", run, added, want, err)
		}
	}
	r := read(t, dir, "6.12-bhlock-rt.json")
	if r.Kernel != "6.12.1" || r.Runs != 2 || len(r.Reports) != 2 {
		t.Errorf("stored: %+v", r)
	}
	for name, c := range map[string]struct {
		s    *vm.Splat
		want bool
	}{
		"same":               {splat("BUG: ", "BUG: sleeping function called", "tun_net_xmit", "netpoll_start_xmit"), true},
		"another caller":     {splat("BUG: ", "BUG: sleeping function called", "tun_net_xmit", "dev_hard_start_xmit"), false},
		"another kind":       {splat("WARNING: ", "WARNING: at x", "tun_net_xmit", "netpoll_start_xmit"), false},
		"race, other order":  {splat("KCSAN: ", "BUG: KCSAN: data-race in a / b", "x"), true},
		"race, one function": {splat("KCSAN: ", "BUG: KCSAN: data-race in a", "x"), false},
		"race, another":      {splat("KCSAN: ", "BUG: KCSAN: data-race in a / xps_prog_run", "x"), false},
		"no stack":           {splat("BUG: ", "BUG: unknown"), false},
	} {
		if got := r.Has(c.s); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	// Another version of the base may have other faults.
	if _, added, err := Add(dir, "6.12", "6.12.2", config, base[:1]); err != nil || added != 1 {
		t.Fatalf("added %d: %v", added, err)
	}
	if r := read(t, dir, "6.12-bhlock-rt.json"); r.Kernel != "6.12.2" || r.Runs != 1 || len(r.Reports) != 1 {
		t.Errorf("stored for the next version: %+v", r)
	}
}

func TestOursIn(t *testing.T) {
	ours := Ours{"xps_prog_run": true, "inlined": true}
	s := splat("KCSAN: ", "BUG: KCSAN: data-race in inlined / a", "kcsan_setup_watchpoint", "a")
	s.Functions = append(s.Functions, "xps_prog_run", "netdev_pick_tx")
	if diff := cmp.Diff([]string{"inlined", "xps_prog_run"}, ours.In(s)); diff != "" {
		t.Error(diff)
	}
	if found := ours.In(splat("BUG: ", "BUG: x", "a")); found != nil {
		t.Errorf("found %v", found)
	}
}

// TestFiles reads the files of the workbench.
func TestFiles(t *testing.T) {
	entries, err := files.ReadDir("reports")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "README.md" {
			continue
		}
		data, err := files.ReadFile("reports/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		r, err := parse(data)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		if r.Kernel == "" || r.Runs == 0 {
			t.Errorf("%s: %+v", e.Name(), r)
		}
		for _, known := range r.Reports {
			if len(known.Functions) == 0 {
				t.Errorf("%s: a report without functions matches nothing", e.Name())
			}
		}
	}
	if _, err := Load("no-such-base", "1", nil); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, dir, name string) *Reports {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"strings"
	"testing"
)

func TestFindLocals(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       int
		dependent  bool
	}{
		{"longest first", "\tstruct sk_buff *skb;\n\tint i;\n", 0, false},
		{"equal", "\tint a;\n\tint b;\n", 0, false},
		{"shuffled", "\tint i;\n\tstruct sk_buff *skb;\n", 1, false},
		{"needs the one above", "\tint i = 1;\n\tint long_name = i + 1;\n", 1, true},
		{"two values", "\tint a, b;\n\tlong long_name;\n", 1, false},
		{"array and attribute", "\tchar buf[IFNAMSIZ];\n\tint n __maybe_unused = 0;\n", 1, false},
		{"macro", "\tint i;\n\tDECLARE_BITMAP(map, 64);\n", 1, false},
		{"after a structure's values", "\tstruct req r = {\n\t\t.a = 1,\n\t};\n\tstruct rtattr *table[IFLA_MAX + 1];\n", 0, false},
		{"a value over two lines", "\tstruct net_device *dev =\n\t\tget(a);\n\tint i;\n", 0, false},
		{"statements are none", "\tint i;\n\treturn long_function_name(i);\n", 0, false},
		{"a blank line ends them", "\tint i;\n\n\tstruct sk_buff *skb = next;\n", 0, false},
		{"static does not count", "\tint i;\n\tstatic const int long_table[] = {};\n", 0, false},
		{"goto and calls", "\tgoto out;\n\tlonger_call(a, b, c);\n", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "int f(void)\n{\n" + c.body + "}\n"
			touched := map[int]bool{}
			for i := range strings.Count(text, "\n") {
				touched[i+1] = true
			}
			got := findLocals(text, touched)
			if len(got) != c.want || len(got) > 0 && got[0].dependent != c.dependent {
				t.Errorf("got %+v", got)
			}
			if old := findLocals(text, nil); len(old) > 0 {
				t.Errorf("reports lines that the patch did not touch: %+v", old)
			}
		})
	}
	if got := findLocals("int f(void)\n{\n\tint a;\n\tint bb;\n\tint c;\n\tint ddd;\n", map[int]bool{6: true}); len(got) != 1 || !got[0].before {
		t.Errorf("block out of order before: %+v", got)
	}
	if got := findLocals("struct s {\n\tint a;\n\tlong long_name;\n};\n", map[int]bool{2: true, 3: true}); len(got) > 0 {
		t.Errorf("a structure's members: %+v", got)
	}
}

func TestInSpec(t *testing.T) {
	spec := "    -\n        name: xps\n    -\n        name: expected-fd\n"
	for name, want := range map[string]bool{"IFLA_XPS": true, "IFLA_XPS_EXPECTED_FD": true, "IFLA_XPS_FLAGS": false, "IFLA_XP": false} {
		if inSpec(spec, name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestSorted(t *testing.T) {
	if got := unsortedConfig("config", "# c\nCONFIG_B=y\nCONFIG_A=y\nCONFIG_C=m\n"); len(got) != 1 {
		t.Errorf("config: %v", got)
	}
	if got := unsortedConfig("config", "CONFIG_NET_A=y\nCONFIG_NETB=y\n"); len(got) != 0 {
		t.Errorf("underscores count: %v", got)
	}
	const list = "TEST_PROGS := \\\n\ta.sh \\\n\tc.sh \\\n\tb.sh \\\n\td/a.sh \\\n# end of TEST_PROGS\nCFLAGS += \\\n\t-b \\\n\t-a\n"
	if got := unsortedMakefile("Makefile", list); len(got) != 1 || !strings.Contains(got[0], "b.sh must come before c.sh") {
		t.Errorf("Makefile: %v", got)
	}
}

func TestDiagnostics(t *testing.T) {
	d := newDiagnostics("/src")
	d.read("/src/net/a.c:1:2: warning: one [-Wone]\n  CC foo\nIn file included from x:\n/src/net/a.c:9:2: warning: one [-Wone]\n" +
		"/src/net/a.h:3:1: warning: two\n/src/net/a.h:3:1: warning: two\n../net/b.c:7: error: three\n")
	if d.warnings["net/a.c: warning: one [-Wone]"] != 2 || d.warnings["net/a.h: warning: two"] != 1 || d.errors["net/b.c: error: three"] != 1 {
		t.Errorf("%v %v", d.warnings, d.errors)
	}
	// One warning replaced another: the number is the same, but the set is not.
	if got := d.warnings.minus(findings{"net/a.c: warning: one [-Wone]": 1, "gone": 1}); len(got) != 2 {
		t.Errorf("new: %v", got)
	}
}

func TestPlaceholder(t *testing.T) {
	for address, want := range map[string]bool{
		"xpsgen@workbench.invalid": true, "a@example.com": true, "a@b.example": true, "root@localhost": true, "root@host": true, "nobody": true,
		"a.b@lists.test": false, "a@kernel.org": false,
	} {
		if Placeholder(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}

// Line numbers and counts must be valid for any input.
func FuzzScanDiff(f *testing.F) {
	f.Add("diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
	f.Add("diff --git a/f b/f\n@@ -1 +1,9999999999999 @@\n+c\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, file := range scanDiff(s) {
			for _, l := range file.Lines {
				if l.Op != '+' && l.Op != '-' && l.Op != ' ' {
					t.Errorf("op %q", l.Op)
				}
			}
		}
	})
}

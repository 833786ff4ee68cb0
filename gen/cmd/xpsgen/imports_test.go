// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImportsGoOneWay holds the picture in the README against the code.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-test=false", "-f", "{{.ImportPath}}: {{join .Deps \" \"}}", "xpsgen/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	// No package below the first may need one below the second, at any remove,
	// but for the one named last.
	never := []struct{ from, to, except string }{
		{"xpsgen/uapi", "xpsgen/", ""},
		{"xpsgen/bpf", "xpsgen/gen", ""},
		{"xpsgen/bpf", "xpsgen/vmtest", ""},
		{"xpsgen/gen/uapi", "xpsgen/vmtest/vm", ""},
		{"xpsgen/gen/uapi", "xpsgen/vmtest/build", ""},
		{"xpsgen/gen/series", "xpsgen/vmtest/vm", ""},
		{"xpsgen/vmtest", "xpsgen/gen/cmd", ""},
		{"xpsgen/vmtest", "xpsgen/gen/uapi", ""},
		{"xpsgen/vmtest/ktap", "xpsgen/", ""},
		{"xpsgen/vmtest/guest", "xpsgen/vmtest/build", ""},
		{"xpsgen/vmtest/guest", "xpsgen/vmtest/tree", ""},
		{"xpsgen/vmtest/guest", "xpsgen/vmtest/vm", ""},
		{"xpsgen/vmtest/guest", "xpsgen/gen", ""},
		{"xpsgen/vmtest/tree", "xpsgen/vmtest/build", ""},
		{"xpsgen/vmtest/tree", "xpsgen/vmtest/vm", ""},
		{"xpsgen/vmtest/build", "xpsgen/vmtest/vm", ""},
		{"xpsgen/vmtest/vm", "xpsgen/vmtest/build", "xpsgen/vmtest/build/image"},
		{"xpsgen/vmtest/vm", "xpsgen/vmtest/tree", ""},
	}
	below := func(pkg, tree string) bool {
		tree = strings.TrimSuffix(tree, "/")
		return pkg == tree || strings.HasPrefix(pkg, tree+"/")
	}
	used := make([]bool, len(never))
	for line := range strings.Lines(string(out)) {
		pkg, deps, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for i, rule := range never {
			if !below(pkg, rule.from) {
				continue
			}
			used[i] = true
			for dep := range strings.FieldsSeq(deps) {
				if below(dep, rule.to) && !below(dep, rule.from) && dep != rule.except {
					t.Errorf("%s needs %s", pkg, dep)
				}
			}
		}
	}
	for i, rule := range never {
		if !used[i] {
			t.Errorf("no package below %s: the rule checks nothing", rule.from)
		}
	}
}

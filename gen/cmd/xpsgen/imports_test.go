// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// layer is one row of the picture in docs/architecture.md.
type layer struct {
	part     string // "gen", "vmtest", "guest", ...
	packages []string
}

// readLayers reads the picture, the top row first.
func readLayers(t *testing.T, path string) []layer {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```layers\n")
	rows, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("%s has no block of layers", path)
	}
	var layers []layer
	part := ""
	for row := range strings.Lines(rows) {
		words := strings.Fields(row)
		if !strings.HasPrefix(row, " ") {
			part, words = words[0], words[1:]
		}
		layers = append(layers, layer{part: part, packages: words})
	}
	return layers
}

// TestImports compares the picture of the architecture with the code.
func TestImports(t *testing.T) {
	module, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	prefix := strings.TrimSpace(string(module)) + "/"
	depth := map[string]int{} // row of each package, 0 is the top
	part := map[string]string{}
	for i, l := range readLayers(t, filepath.Join("..", "..", "..", "docs", "architecture.md")) {
		for _, pkg := range l.packages {
			if _, twice := depth[pkg]; twice {
				t.Errorf("%s is in two rows of the picture", pkg)
			}
			depth[pkg], part[pkg] = i, l.part
		}
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, prefix+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(words[0], prefix)
		if strings.Contains(pkg, "/testdata/") {
			continue
		}
		imports[pkg] = nil
		for _, dep := range words[1:] {
			if dep, ours := strings.CutPrefix(dep, prefix); ours {
				imports[pkg] = append(imports[pkg], dep)
			}
		}
	}
	for pkg := range depth {
		if _, there := imports[pkg]; !there {
			t.Errorf("%s is in the picture and not in the code", pkg)
		}
	}
	for pkg, deps := range imports {
		row, there := depth[pkg]
		if !there {
			t.Errorf("%s is not in the picture", pkg)
			continue
		}
		for _, dep := range deps {
			if depth[dep] <= row {
				t.Errorf("%s imports %s, which is not below it", pkg, dep)
			}
			if (part[pkg] == "gen" || part[pkg] == "vmtest") && part[dep] == "guest" {
				t.Errorf("%s imports %s: the host must not link the guest's programs", pkg, dep)
			}
		}
		if pkg == "gen/uapi" && len(deps) > 0 {
			t.Errorf("%s imports %v: it is an independent library", pkg, deps)
		}
	}
}

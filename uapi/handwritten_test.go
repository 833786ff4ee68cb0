// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xpsgen/uapi"
)

// cName matches names in the manner of C: IFLA_XPS, XPS_FLAGS_MASK.
var cName = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`)

// TestNoNumberByHand: outside this package no Go code defines a constant or a
// variable under a name of the UAPI from a literal.
func TestNoNumberByHand(t *testing.T) {
	ours := constants(t, ".")
	if _, ok := ours["IFLA_XPS"]; !ok || uapi.IFLA_XPS == 0 {
		t.Fatal("package uapi has no IFLA_XPS")
	}
	fset := token.NewFileSet()
	files := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "uapi" && filepath.Dir(name) == ".." || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		for _, found := range byHand(f, ours) {
			t.Errorf("%s: %s is written by hand; use package uapi", fset.Position(found.Pos()), found.Name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("looked at %d files only", files)
	}
}

// byHand returns the names of package uapi that a file defines by a literal.
func byHand[V any](f *ast.File, ours map[string]V) []*ast.Ident {
	var out []*ast.Ident
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if _, known := ours[strings.ToUpper(name.Name)]; !known || !cName.MatchString(strings.ToUpper(name.Name)) {
				continue
			}
			if i < len(spec.Values) {
				if _, literal := spec.Values[i].(*ast.BasicLit); !literal {
					continue
				}
			}
			out = append(out, name)
		}
		return true
	})
	return out
}

func TestByHand(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nconst IFLA_XPS = 70\nconst ifla_xps_fd = 1\nconst A = 1\nconst IFLA_MTU = unix.IFLA_MTU\n", 0)
	if err != nil {
		t.Fatal(err)
	}
	found := byHand(f, map[string]bool{"IFLA_XPS": true, "IFLA_XPS_FD": true, "A": true, "IFLA_MTU": true})
	if len(found) != 2 {
		t.Errorf("found %v", found)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package api compares the exported declarations of the library with those that
// are committed in testdata. A change that breaks a caller fails the test until it
// is committed with
//
//	go test ./bpf/internal/api -update
package api

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

var update = flag.Bool("update", false, "write the exported declarations to testdata")

// kept are the packages whose API is compared, below the module path.
var kept = []string{"bpf", "bpf/policy", "bpf/xps"}

func TestAPI(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	for _, path := range kept {
		t.Run(path, func(t *testing.T) {
			file := filepath.Join("testdata", strings.ReplaceAll(path, "/", "_")+".txt")
			pkg := load(t, "../../../"+path)
			now := exported(t, pkg)
			if *update {
				if err := os.WriteFile(file, now, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			then, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (go test ./bpf/internal/api -update)", err)
			}
			report := compare(t, pkg, then, now)
			for _, c := range report.Changes {
				if !c.Compatible {
					t.Errorf("breaks callers: %s", c.Message)
				}
			}
			if !bytes.Equal(then, now) {
				t.Errorf("%s differs from the exported declarations (go test ./bpf/internal/api -update)\n%s", file, report.String())
			}
		})
	}
}

// TestBreakingChange: compare finds a changed argument, and a missing method or field.
func TestBreakingChange(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	pkg := load(t, "../../xps")
	now := exported(t, pkg)
	for what, change := range map[string][2]string{
		"argument": {"func (c *Client) Supported(ctx context.Context) error", "func (c *Client) Supported() error"},
		"method":   {"func (l *Link) Disown() (fd int, err error)", ""},
		"field":    {"	NoReplace", "	Replace"},
	} {
		if !bytes.Contains(now, []byte(change[0])) {
			t.Errorf("%s: %q is not exported", what, change[0])
			continue
		}
		changed := bytes.Replace(now, []byte(change[0]), []byte(change[1]), 1)
		breaks := slices.ContainsFunc(compare(t, pkg, now, changed).Changes, func(c apidiff.Change) bool { return !c.Compatible })
		if !breaks {
			t.Errorf("%s: not found", what)
		}
	}
}

func load(t *testing.T, dir string) *packages.Package {
	t.Helper()
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedSyntax | packages.NeedFiles | packages.NeedTypes | packages.NeedTypesInfo |
			packages.NeedImports | packages.NeedDeps | packages.NeedExportFile,
		// Each byte order has its own files.
		Env: append(os.Environ(), "GOARCH=amd64", "GOOS=linux"),
		Dir: dir,
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	if packages.PrintErrors(pkgs) != 0 || len(pkgs) != 1 {
		t.Fatalf("load %s", dir)
	}
	return pkgs[0]
}

// exported returns the exported declarations of a package as Go source, without
// bodies and comments.
func exported(t *testing.T, pkg *packages.Package) []byte {
	t.Helper()
	imports := make(map[string]string)
	var decls []string
	for _, f := range pkg.Syntax {
		for _, spec := range f.Imports {
			name := ""
			if spec.Name != nil {
				name = spec.Name.Name
			}
			imports[spec.Path.Value] = name
		}
		if !ast.FileExports(f) {
			continue
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				// ast.FileExports keeps methods of unexported types.
				if d.Recv != nil && !ast.IsExported(receiver(d.Recv.List[0].Type)) {
					continue
				}
				d.Body, d.Doc = nil, nil
			case *ast.GenDecl:
				if d.Tok == token.IMPORT {
					continue
				}
				d.Doc = nil
			}
			decls = append(decls, print(t, pkg.Fset, d))
		}
	}
	slices.Sort(decls)
	text := strings.Join(decls, "\n\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\n", pkg.Name)
	for _, path := range slices.Sorted(keys(imports)) {
		name := imports[path]
		base := strings.Trim(path[strings.LastIndex(path, "/")+1:], `"`)
		if name != "" {
			base = name
		}
		// Keep only the imports that the remaining declarations need.
		if base != "_" && strings.Contains(text, base+".") {
			fmt.Fprintf(&b, "import %s %s\n", name, path)
		}
	}
	b.WriteString("\n" + text + "\n")
	src, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	return src
}

// receiver returns the name of the type of a method.
func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if name, ok := e.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// print formats a declaration without its comments.
func print(t *testing.T, fset *token.FileSet, d ast.Decl) string {
	t.Helper()
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})
	var b bytes.Buffer
	if err := format.Node(&b, fset, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// compare type-checks two sets of declarations and compares them.
func compare(t *testing.T, pkg *packages.Package, then, now []byte) apidiff.Report {
	t.Helper()
	return apidiff.Changes(check(t, pkg, then), check(t, pkg, now))
}

func check(t *testing.T, pkg *packages.Package, src []byte) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "api.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Importer: imported(pkg.Imports), IgnoreFuncBodies: true, Error: func(err error) {
		t.Errorf("%v\n%s", err, src)
	}}
	p, err := conf.Check(pkg.PkgPath, fset, []*ast.File{f}, nil)
	if p == nil {
		t.Fatal(err)
	}
	return p
}

// imported is an importer for go/types. It has only the direct imports of one package.
type imported map[string]*packages.Package

func (i imported) Import(path string) (*types.Package, error) {
	if p := i[path]; p != nil {
		return p.Types, nil
	}
	return nil, fmt.Errorf("%s is no longer imported", path)
}

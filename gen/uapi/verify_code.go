// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// checkedCode is generated code as Go understands it on a target.
type checkedCode struct {
	scope *types.Scope
	sizes types.Sizes
	bits  map[string]bitCall // by type and method: "Iphdr.Version"
	// flexible are the offsets of arrays of no fixed length, likewise.
	flexible map[string]int64
}

// bitCall is the place of a bit-field according to its method.
type bitCall struct {
	raw           string // the field with the bytes
	offset, width int64  // in bits
}

// check parses and type checks generated files.
func check(files []File, arch string, alias *goPackage) (*checkedCode, error) {
	code := &parsedCode{set: token.NewFileSet()}
	if err := code.parse(files); err != nil {
		return nil, err
	}
	return code.check(arch, alias)
}

// parsedCode is generated code for any target, without tests.
type parsedCode struct {
	set   *token.FileSet
	files []*ast.File
}

// parse adds generated files. It leaves tests out.
func (p *parsedCode) parse(files []File) error {
	for _, f := range files {
		if strings.HasSuffix(f.Name, "_test.go") {
			continue
		}
		a, err := parser.ParseFile(p.set, f.Name, f.Content, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return fmt.Errorf("verify the Go files: %w", err)
		}
		p.files = append(p.files, a)
	}
	return nil
}

// check type checks the files of a target. Imports are stand-ins, see [importer]. No layout
// depends on them, except on unsafe, which go/types knows.
func (p *parsedCode) check(arch string, alias *goPackage) (*checkedCode, error) {
	code := &checkedCode{bits: make(map[string]bitCall), flexible: make(map[string]int64)}
	var built []*ast.File
	for _, f := range p.files {
		if builtFor(f, arch) {
			built = append(built, f)
			code.readBits(f)
		}
	}
	conf := types.Config{IgnoreFuncBodies: true, Importer: importer{alias}, Sizes: types.SizesFor("gc", arch)}
	if conf.Sizes == nil {
		return nil, fmt.Errorf("verify: go/types does not support architecture %q", arch)
	}
	pkg, err := conf.Check("uapi", p.set, built, nil)
	if err != nil {
		return nil, fmt.Errorf("verify the Go files: %w", err)
	}
	code.scope, code.sizes = pkg.Scope(), conf.Sizes
	return code, nil
}

// builtFor reports whether a file is compiled for a target.
func builtFor(f *ast.File, arch string) bool {
	for _, g := range f.Comments {
		if g.Pos() > f.Package {
			break
		}
		for _, c := range g.List {
			if expr, err := constraint.Parse(c.Text); err == nil && constraint.IsGoBuild(c.Text) {
				return expr.Eval(func(tag string) bool { return tag == arch })
			}
		}
	}
	return true
}

// readBits notes where the methods of a file read bit-fields and flexible arrays.
func (code *checkedCode) readBits(f *ast.File) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || len(fn.Recv.List) != 1 {
			continue
		}
		star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		recv, ok := star.X.(*ast.Ident)
		if !ok {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Add" && fn.Type.Params.NumFields() == 1 && len(call.Args) == 2 {
				code.flexible[recv.Name+"."+fn.Name.Name] = number(call.Args[1])
			}
			if len(call.Args) < 3 {
				return true
			}
			name, ok := call.Fun.(*ast.Ident)
			if !ok || name.Name != "loadBits" && name.Name != "loadSignedBits" {
				return true
			}
			code.bits[recv.Name+"."+fn.Name.Name] = bitCall{rawField(call.Args[0]), number(call.Args[1]), number(call.Args[2])}
			return false
		})
	}
}

// rawField returns the field of unsafe.Pointer(&x.field).
func rawField(e ast.Expr) (name string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "x" {
				name = sel.Sel.Name
			}
		}
		return true
	})
	return name
}

// number returns the value of a literal, or -1.
func number(e ast.Expr) int64 {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(lit.Value, 0, 64)
	if err != nil {
		return -1
	}
	return n
}

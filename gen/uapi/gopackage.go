// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
)

// noImports rejects all imports. The constants to compare do not need them.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

// GoSnapshot returns the constants of any Go package for Linux in dir, such as
// golang.org/x/sys/unix, to be compared with headers.
func GoSnapshot(name, dir, arch string) (*Snapshot, error) {
	checked, fset, err := checkGoPackage(dir, arch)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Name: name, Symbols: make(map[string]Symbol)}
	for _, n := range checked.Scope().Names() {
		c, ok := checked.Scope().Lookup(n).(*types.Const)
		if !ok || c.Val().Kind() != constant.Int && c.Val().Kind() != constant.String {
			continue
		}
		pos := fset.Position(c.Pos())
		s.Symbols[n] = Symbol{Name: n, Kind: "constant", Value: c.Val().ExactString(), File: filepath.Base(pos.Filename), Line: pos.Line, limit: limitName().MatchString(n)}
	}
	return s, nil
}

// checkGoPackage type checks the package in dir as far as its constants need.
func checkGoPackage(dir, arch string) (*types.Package, *token.FileSet, error) {
	ctxt := build.Default
	ctxt.GOOS, ctxt.GOARCH, ctxt.CgoEnabled = "linux", cmp.Or(arch, "amd64"), false
	pkg, err := ctxt.ImportDir(dir, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("uapi: %s: %w", dir, err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, fmt.Errorf("uapi: %s: %w", dir, err)
		}
		files = append(files, f)
	}
	conf := types.Config{IgnoreFuncBodies: true, Importer: noImports{}, Error: func(error) {}}
	checked, _ := conf.Check(dir, fset, files, nil) // its errors are about imports
	return checked, fset, nil
}

// Common returns the part of d that both sides have.
func (d *Difference) Common() *Difference {
	return &Difference{Old: d.Old, New: d.New, Changed: d.Changed, Limits: d.Limits, Grown: d.Grown}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// goPackage is a Go package that constants are taken from.
type goPackage struct {
	path, name string
	consts     map[string]constant.Value // untyped ones
}

// lookPackage finds a package as the module around dir resolves it.
func lookPackage(ctx context.Context, importPath, dir, arch string) (*goPackage, error) {
	for !isDir(dir) {
		dir = filepath.Dir(dir)
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{.Name}} {{.Dir}}", "--", importPath)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("alias %s: go list in %s: %w: %s (the module of the package has to require it)", importPath, dir, err, lastLine(stderr.String()))
	}
	name, pkgDir, ok := strings.Cut(strings.TrimSpace(stdout.String()), " ")
	if !ok {
		return nil, fmt.Errorf("alias %s: go list: unexpected answer %q", importPath, stdout.String())
	}
	consts, err := untypedConstants(pkgDir, arch)
	if err != nil {
		return nil, fmt.Errorf("alias %s: %w", importPath, err)
	}
	return &goPackage{path: importPath, name: name, consts: consts}, nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err != nil && filepath.Dir(name) == name || err == nil && info.IsDir()
}

// lastLine returns the line with the go command's error, after the line with
// its operation.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}

// untypedConstants returns the constants without a type of the package in dir.
func untypedConstants(dir, arch string) (map[string]constant.Value, error) {
	checked, _, err := checkGoPackage(dir, arch)
	if err != nil {
		return nil, err
	}
	out := make(map[string]constant.Value)
	for _, n := range checked.Scope().Names() {
		c, ok := checked.Scope().Lookup(n).(*types.Const)
		if !ok || !c.Exported() {
			continue
		}
		if basic, ok := c.Type().(*types.Basic); ok && basic.Info()&types.IsUntyped != 0 && c.Val().Kind() != constant.Unknown {
			out[n] = c.Val()
		}
	}
	return out, nil
}

// aliasAll makes constants refer to another package if their values agree on all targets.
// It returns the constants that have another value there.
func aliasAll(ctx context.Context, cfg *Config, ps []*Package, dir string) (differ []Skip, err error) {
	if cfg.Alias == "" {
		return nil, nil
	}
	other := make(map[string]bool) // names that differ on some target
	for _, p := range ps {
		arch := p.Arch
		if arch == "" {
			arch = HostArch()
		}
		pkg, err := lookPackage(ctx, cfg.Alias, dir, arch)
		if err != nil {
			return nil, err
		}
		p.alias = pkg
		for i := range p.Headers {
			h := p.Headers[i]
			for _, g := range h.Groups {
				for _, c := range g.Consts {
					theirs, ok := pkg.consts[c.Name]
					if ok && constant.Compare(theirs, token.EQL, c.Value.goConstant()) {
						continue
					}
					if ok {
						s := Skip{c.Name, c.Pos, fmt.Sprintf("%s, but %s.%s is %s", c.Value.text(), pkg.name, c.Name, theirs)}
						if !slices.Contains(differ, s) {
							differ = append(differ, s)
						}
					}
					other[c.Name] = true
				}
			}
		}
	}
	for _, p := range ps {
		for name := range other {
			delete(p.alias.consts, name)
		}
	}
	return differ, nil
}

// goConstant returns the value for package go/constant.
func (v Value) goConstant() constant.Value {
	switch {
	case v.IsString:
		return constant.MakeString(v.Str)
	case v.IsFloat:
		return constant.MakeFloat64(v.Float)
	case v.below():
		return constant.MakeInt64(int64(v.Bits))
	}
	return constant.MakeUint64(v.mask())
}

// types returns the package for the type checker, with only the
// constants.
func (p *goPackage) types() *types.Package {
	pkg := types.NewPackage(p.path, p.name)
	for _, n := range sortedKeys(p.consts) {
		kind := types.UntypedInt
		switch p.consts[n].Kind() {
		case constant.String:
			kind = types.UntypedString
		case constant.Float:
			kind = types.UntypedFloat
		}
		pkg.Scope().Insert(types.NewConst(token.NoPos, pkg, n, types.Typ[kind], p.consts[n]))
	}
	pkg.MarkComplete()
	return pkg
}

// importer imports stand-ins for the imports of generated code.
type importer struct{ alias *goPackage }

func (im importer) Import(name string) (*types.Package, error) {
	switch {
	case name == "unsafe":
		return types.Unsafe, nil
	case im.alias != nil && name == im.alias.path:
		return im.alias.types(), nil
	case name == "structs":
		pkg := types.NewPackage(name, name)
		obj := types.NewTypeName(token.NoPos, pkg, "HostLayout", nil)
		types.NewNamed(obj, types.NewStruct(nil, nil), nil)
		pkg.Scope().Insert(obj)
		pkg.MarkComplete()
		return pkg, nil
	case name == "encoding/binary" || name == "strconv":
		pkg := types.NewPackage(name, path.Base(name))
		pkg.MarkComplete()
		return pkg, nil
	case name == "runtime":
		pkg := types.NewPackage(name, name)
		obj := types.NewTypeName(token.NoPos, pkg, "Pinner", nil)
		types.NewNamed(obj, types.NewStruct(nil, nil), nil)
		pkg.Scope().Insert(obj)
		pkg.MarkComplete()
		return pkg, nil
	}
	return nil, errors.New("generated code imports " + name)
}

// aliasOf finds the package that generated files take constants from; nil if
// there is none.
func aliasOf(ctx context.Context, files []File, dir, arch string) (*goPackage, error) {
	for _, f := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Content, parser.ImportsOnly)
		if err != nil {
			continue // [check] reports it
		}
		for _, im := range parsed.Imports {
			name, err := strconv.Unquote(im.Path.Value)
			if _, ierr := (importer{}).Import(name); err == nil && ierr != nil {
				return lookPackage(ctx, name, dir, cmp.Or(arch, HostArch()))
			}
		}
	}
	return nil, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"strconv"
)

// defect is one change of one file.
type defect struct {
	pkg  *source
	file string
	// name is the file below the module's directory.
	name string
	line int
	// code is the line without indentation.
	code string
	kind string
	// start and end are the bytes that new replaces.
	start, end int
	old, new   string
}

func (d *defect) String() string {
	return fmt.Sprintf("%s:%d: %s: %q -> %q", d.name, d.line, d.kind, d.old, d.new)
}

// apply returns the text of the file with the defect.
func (d *defect) apply(text []byte) []byte {
	return append(append(append([]byte{}, text[:d.start]...), d.new...), text[d.end:]...)
}

// swaps maps each operator to its replacement in a defect.
var swaps = map[token.Token]string{
	token.EQL: "!=", token.NEQ: "==",
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.LAND: "||", token.LOR: "&&",
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*",
	token.AND: "|", token.OR: "&", token.SHL: ">>", token.SHR: "<<",
}

// sites returns all defects that can be put into a file.
func sites(pkg *source, name, file string) ([]*defect, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(parsed) {
		return nil, nil
	}
	var all []*defect
	add := func(kind string, from, to token.Pos, new string) {
		start, end := set.Position(from), set.Position(to)
		all = append(all, &defect{
			pkg: pkg, file: file, name: name, line: start.Line, code: lineAt(text, start.Offset), kind: kind,
			start: start.Offset, end: end.Offset, old: string(text[start.Offset:end.Offset]), new: new,
		})
	}
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IfStmt:
				cond := string(text[set.Position(n.Cond.Pos()).Offset:set.Position(n.Cond.End()).Offset])
				add("negate a condition", n.Cond.Pos(), n.Cond.End(), "!("+cond+")")
			case *ast.BinaryExpr:
				if new := swaps[n.Op]; new != "" {
					add("swap an operator", n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), new)
				}
			case *ast.BasicLit:
				if v, err := strconv.ParseInt(n.Value, 0, 64); err == nil && n.Kind == token.INT {
					add("change a constant", n.Pos(), n.End(), strconv.FormatInt(v+1, 10))
				}
			case *ast.ExprStmt:
				if _, call := n.X.(*ast.CallExpr); call {
					add("drop a statement", n.Pos(), n.End(), "")
				}
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					add("drop a statement", n.Pos(), n.End(), "")
				}
			case *ast.IncDecStmt, *ast.DeferStmt:
				add("drop a statement", n.Pos(), n.End(), "")
			}
			return true
		})
	}
	return all, nil
}

// draw chooses a package, and a defect in it.
func draw(random *rand.Rand, packages []*source) (*defect, error) {
	for {
		p := packages[random.IntN(len(packages))]
		if p.sites == nil {
			p.sites = []*defect{}
			for i, file := range p.files() {
				some, err := sites(p, p.name+"/"+p.GoFiles[i], file)
				if err != nil {
					return nil, err
				}
				p.sites = append(p.sites, some...)
			}
		}
		if len(p.sites) > 0 {
			return p.sites[random.IntN(len(p.sites))], nil
		}
	}
}

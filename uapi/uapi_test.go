// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi_test

import (
	"errors"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/uapi"
)

// TestXPS pins what the kernel series defines: if these change, programs that
// were built with the former numbers no longer work.
func TestXPS(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want int64
	}{
		{"IFLA_XPS", uapi.IFLA_XPS, 70},
		{"IFLA_XPS_FD", uapi.IFLA_XPS_FD, 1},
		{"IFLA_XPS_ATTACHED", uapi.IFLA_XPS_ATTACHED, 2},
		{"IFLA_XPS_FLAGS", uapi.IFLA_XPS_FLAGS, 3},
		{"IFLA_XPS_PROG_ID", uapi.IFLA_XPS_PROG_ID, 4},
		{"IFLA_XPS_EXPECTED_FD", uapi.IFLA_XPS_EXPECTED_FD, 5},
		{"IFLA_XPS_EXPECTED_ID", uapi.IFLA_XPS_EXPECTED_ID, 6},
		{"IFLA_XPS_MAX", uapi.IFLA_XPS_MAX, 6},
		{"XPS_FLAGS_UPDATE_IF_NOEXIST", uapi.XPS_FLAGS_UPDATE_IF_NOEXIST, 1},
		{"XPS_FLAGS_REPLACE", uapi.XPS_FLAGS_REPLACE, 2},
		{"XPS_FLAGS_MASK", uapi.XPS_FLAGS_MASK, 3},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %d, want %d", tt.name, tt.got, tt.want)
		}
	}
}

// constants returns the constants of the package in dir.
func constants(t *testing.T, dir string) map[string]constant.Value {
	t.Helper()
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{
		IgnoreFuncBodies: true,
		// Imports are not resolved; no constant needs them.
		Importer: noImports{},
		Error:    func(error) {},
	}
	checked, _ := conf.Check(dir, fset, files, nil) // its errors went to Error
	out := make(map[string]constant.Value)
	for _, name := range checked.Scope().Names() {
		if c, ok := checked.Scope().Lookup(name).(*types.Const); ok && c.Val().Kind() != constant.Unknown {
			out[name] = c.Val()
		}
	}
	return out
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

// TestAgreesWithSys compares every constant that golang.org/x/sys/unix has as
// well. That package is made by other means and from another kernel.
func TestAgreesWithSys(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	ours, theirs := constants(t, "."), constants(t, strings.TrimSpace(string(out)))
	// Limits grow with every kernel, and so may a mask of all flags, which
	// loses none.
	grows := func(name string, ours, theirs constant.Value) bool {
		if strings.HasSuffix(name, "_MASK") || strings.HasSuffix(name, "_FLAGS") {
			return constant.Compare(constant.BinaryOp(ours, token.AND, theirs), token.EQL, theirs)
		}
		return strings.HasSuffix(name, "_MAX") || strings.HasSuffix(name, "_COUNT") || strings.HasSuffix(name, "_CNT")
	}
	both := 0
	for name, v := range ours {
		w, ok := theirs[name]
		if !ok {
			continue
		}
		both++
		if v.Kind() != w.Kind() || !constant.Compare(v, token.EQL, w) && !grows(name, v, w) {
			t.Errorf("%s is %s, in golang.org/x/sys/unix %s", name, v, w)
		}
	}
	if both < 1000 {
		t.Errorf("only %d of %d names are in golang.org/x/sys/unix", both, len(ours))
	}
	t.Logf("%d of %d names are in golang.org/x/sys/unix", both, len(ours))
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// copyModule writes the library's source into dir, without its tests, so that
// our test can use its unexported names.
func (p *port) copyModule(t *testing.T, dir string, run func(...string) string) {
	t.Helper()
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(run("go", "mod", "download", "-json", p.module+"@"+p.version)), &module); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(module.Dir, func(name string, d os.DirEntry, err error) error {
		rel, rerr := filepath.Rel(module.Dir, name)
		switch {
		case err != nil || rerr != nil:
			return fmt.Errorf("%w %w", err, rerr)
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, rel), 0o755)
		case strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && !strings.HasPrefix(d.Name(), "go."):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	run("go", "mod", "edit", "-go=1.26") // generated code is newer than some libraries
}

// comparer is a test within a package of the library. It compares types of the
// library with those of the generated package, field by field.
const comparer = `package %s

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"testing"

	kernel %q
)

type xpsField struct{ offset, size uintptr }

// xpsFields returns the fields by name. Fields of an embedded struct count as fields of the
// struct. flat is false if t has more than bytes.
func xpsFields(t reflect.Type, base uintptr, out map[string]xpsField) (flat bool) {
	flat = true
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		switch f.Type.Kind() {
		case reflect.Slice, reflect.String, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.Pointer:
			flat = false
		}
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			flat = xpsFields(f.Type, base+f.Offset, out) && flat
		case f.Name != "_":
			out[f.Name] = xpsField{base + f.Offset, f.Type.Size()}
		}
	}
	return flat
}

// xpsMatch finds the C member for a field of the library. Members in C often have a prefix:
// tcm_family.
func xpsMatch(name string, ours map[string]xpsField) (found string) {
	fold := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "_", "")) }
	for long := range ours {
		if fold(long) == fold(name) {
			return long
		}
	}
	for long := range ours {
		if n := len(long) - len(fold(name)); n > 0 && n <= 5 && fold(long[n:]) == fold(name) && long[n] >= 'A' && long[n] <= 'Z' {
			if found != "" {
				return ""
			}
			found = long
		}
	}
	return found
}

func TestXPSCompare(t *testing.T) {
	for _, pair := range []struct {
		name          string
		ours, theirs  reflect.Type
	}{
%s	} {
		ours, theirs := make(map[string]xpsField), make(map[string]xpsField)
		xpsFields(pair.ours, 0, ours)
		if !xpsFields(pair.theirs, 0, theirs) {
			fmt.Printf("XPS %%s skip\n", pair.name)
			continue
		}
		var wrong []string
		sizes := pair.theirs.Size() == pair.ours.Size()
		if !sizes {
			wrong = append(wrong, fmt.Sprintf("%%d bytes, in C %%d", pair.theirs.Size(), pair.ours.Size()))
		}
		both := 0
		for name, a := range theirs {
			long := xpsMatch(name, ours)
			if long == "" {
				continue
			}
			both++
			if b := ours[long]; sizes && a != b {
				wrong = append(wrong, fmt.Sprintf("%%s has %%d bytes at %%d, in C %%d at %%d", name, a.size, a.offset, b.size, b.offset))
			}
		}
		sort.Strings(wrong)
		fmt.Printf("XPS %%s %%d %%s\n", pair.name, both, strings.Join(wrong, "; "))
	}
}
`

// structs compares the structs that both have: their sizes, and the places of the members
// with the same name.
func (p *port) structs(t *testing.T, dir string, kernel *Package, run func(...string) string) {
	t.Helper()
	ours := make(map[string]string) // names in Go by folded name
	for _, h := range kernel.Headers {
		for _, a := range h.Aggregates {
			ours[foldName(a.Tag)] = kernel.goNames[a.CName()]
		}
	}
	found := make(map[string]string)
	both, members := 0, 0
	for _, d := range p.dirs {
		pkg, types := structTypes(t, filepath.Join(dir, d))
		var pairs strings.Builder
		for _, name := range types {
			if c := ours[foldName(name)]; c != "" {
				fmt.Fprintf(&pairs, "\t\t{%q, reflect.TypeOf(kernel.%s{}), reflect.TypeOf(%s{})},\n", name, c, name)
			}
		}
		if pairs.Len() == 0 {
			continue
		}
		mustWrite(t, filepath.Join(dir, d, "xps_compare_test.go"), fmt.Sprintf(comparer, pkg, p.module+"/xpskernel", pairs.String()))
		for line := range strings.Lines(run("go", "test", "-vet=off", "-count=1", "-run", "^TestXPSCompare$", "-v", "./"+d)) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), "XPS ")
			if !ok {
				continue
			}
			name, rest, _ := strings.Cut(rest, " ")
			if rest == "skip" {
				t.Logf("%s: %s has slices or strings: not the bytes of a struct", p.module, name)
				continue
			}
			n := 0
			number, wrong, _ := strings.Cut(rest, " ")
			if _, err := fmt.Sscan(number, &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			both, members = both+1, members+n
			if wrong != "" {
				found[name] = wrong
			}
		}
	}
	t.Logf("%s %s: %d structs on both sides with %d members of the same name, %d structs differ", p.module, p.version, both, members, len(found))
	if both < p.leastStructs {
		t.Errorf("only %d structs on both sides, want %d", both, p.leastStructs)
	}
	if diff := cmp.Diff(p.differStructs, found); diff != "" {
		t.Errorf("structs that differ (-known +found)\n%s", diff)
	}
}

// structTypes returns the name of a package, and those of its struct types.
func structTypes(t *testing.T, dir string) (pkg string, names []string) {
	t.Helper()
	ctxt := build.Default
	ctxt.GOOS, ctxt.GOARCH, ctxt.CgoEnabled = "linux", "amd64", false
	info, err := ctxt.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, file := range info.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range gen.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok && ts.TypeParams == nil && !ts.Assign.IsValid() {
					if _, ok := ts.Type.(*ast.StructType); ok {
						names = append(names, ts.Name.Name)
					}
				}
			}
		}
	}
	return info.Name, names
}

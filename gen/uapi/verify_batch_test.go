// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"strings"
	"testing"
)

// TestConfirm has a false claim in a batch, and a header that disturbs the others. confirm
// must find exactly the false claim.
func TestConfirm(t *testing.T) {
	files := map[string]string{
		"linux/a.h": "#define A_ONE 1\n#define A_TOP (1 << 31)\nstruct a { int member; };\n",
		"linux/b.h": "#define B_ONE 1\nstruct b { int member; };\n",
		// It has no guard, so it cannot be included twice.
		"linux/c.h": "struct c { int member; };\n#define member nothing\n#define C_ONE 1\n",
		"linux/d.h": "#include <linux/c.h>\n#define D_ONE 1\n",
	}
	dir := headersIn(t, files)
	for _, compiler := range []string{"gcc", "clang"} {
		for _, tampered := range []string{"", "linux/a.h", "linux/b.h", "linux/d.h"} {
			t.Run(compiler+" "+tampered, func(t *testing.T) {
				requireCompiler(t, compiler)
				opt := VerifyOptions{Include: []string{dir}, Compilers: []string{compiler}, Arch: "amd64"}
				ccs, err := opt.compilers()
				if err != nil {
					t.Fatal(err)
				}
				roots, remove, err := withRoots(opt.Include)
				if err != nil {
					t.Fatal(err)
				}
				defer remove(&err)
				v := &treeVerifier{roots: roots, ccs: ccs, arch: "amd64", jobs: 2, res: &TreeResult{}}
				var claims []*claim
				for _, path := range sortedKeys(files) {
					h, err := Analyse(t.Context(), ccs[0].Compiler, opt.Include, Input{Path: path})
					if err != nil {
						t.Fatal(err)
					}
					c, err := v.claim(h)
					if err != nil {
						t.Fatal(err)
					}
					if path == tampered {
						c.v.assertions[0].text = "7 == 8"
					}
					claims = append(claims, c)
				}
				if err := v.confirm(t.Context(), ccs[0], claims); err != nil {
					t.Fatal(err)
				}
				text := fmt.Sprint(v.res.Failures)
				if n := len(v.res.Failures); tampered == "" && n != 0 || tampered != "" && (n != 1 || !strings.Contains(text, tampered+": 7 == 8")) {
					t.Errorf("failures %s", text)
				}
				if len(v.res.LeftOut)+len(v.res.Undecided) > 0 {
					t.Errorf("left out %v, undecided %v", v.res.LeftOut, v.res.Undecided)
				}
			})
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzParse checks that what the parser understood survives writing and reading again.
// The copy may have only problems that follow from the results themselves.
func FuzzParse(f *testing.F) {
	var b bytes.Buffer
	if err := sample().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("KTAP version 1\n1..2\n    KTAP version 1\n    # Subtest: kunit\n    # module: x\n    1..1\n    ok 1 a\n# kunit: pass:1\nok 1 kunit\nok 2 b # SKIP\n"))
	f.Add([]byte("TAP version 13\n1..1\n# selftests: net: xps\nnot ok 1 selftests: net: xps # exit=1\n"))
	f.Add([]byte("junk\n   ok 1 \\- a\n\tok\nnot ok\nok 1 # SKIP\n# Subtest: x\n  # Subtest:\n# elapsed 3s"))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := Parse(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := first.Write(&out); err != nil {
			t.Fatal(err)
		}
		second, err := Parse(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Report{}, "Problems")); diff != "" {
			t.Errorf("differs after writing and reading (-first +second):\n%s\n%q", diff, out.String())
		}
		for _, p := range second.Problems {
			switch p.Kind {
			case NoPlan, Short, Surplus, Duplicate, Contradiction:
			default:
				t.Errorf("the copy has a syntax problem: %v\n%q", p, out.String())
			}
		}
	})
}

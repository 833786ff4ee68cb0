// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sumsText records the functions that somebody has compared with the tests.
//
//go:embed code.sum
var sumsText string

// sumKey is a function of a base.
type sumKey struct {
	base, file, function string
}

// sums are the hashes of functions.
type sums map[sumKey]string

// readSums reads code.sum: a base, a file, a function and a hash per line.
func readSums(text string) (sums, error) {
	all := sums{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		f := strings.Fields(line)
		if len(f) != 4 || len(f[3]) != len(hash("")) {
			return nil, fmt.Errorf("read code.sum: line %d: want base, file, function and hash", n)
		}
		key := sumKey{f[0], f[1], f[2]}
		if all[key] != "" {
			return nil, fmt.Errorf("read code.sum: line %d: %s of %s again", n, f[2], f[0])
		}
		all[key] = f[3]
	}
	return all, nil
}

// String is the text of code.sum.
func (s sums) String() string {
	keys := slices.SortedFunc(maps.Keys(s), func(a, b sumKey) int {
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.file, b.file), cmp.Compare(a.function, b.function))
	})
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %s %s %s\n", k.base, k.file, k.function, s[k])
	}
	return b.String()
}

// add adds the functions of a base that tests model as a whole.
func (s sums) add(ctx context.Context, read reader, base string) error {
	for i := range tests {
		for _, c := range tests[i].Code {
			if len(c.Lines) > 0 {
				continue
			}
			code, err := c.find(ctx, read)
			if err != nil {
				return err
			}
			s[sumKey{base, c.File, c.Function}] = hash(code)
		}
	}
	return nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// A Disagreement is a name whose declarations differ in two packages generated from the
// same headers, although C has the same value.
type Disagreement struct {
	// Header and Name identify the definition.
	Header, Name string
	// A and B name the packages: "gcc for amd64".
	A, B string
	// InA and InB are the packages' declarations; empty where one lacks the name.
	InA, InB string
}

// String returns one line for a report.
func (d Disagreement) String() string {
	text := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return s
	}
	return fmt.Sprintf("%s: %s: %s has %s, %s has %s", d.Header, d.Name, d.A, text(d.InA), d.B, text(d.InB))
}

// symbolKey is a name of C and its header.
type symbolKey struct{ header, name string }

// symbolFact is a package's declaration of a name, and the value in C of a constant.
type symbolFact struct{ inGo, inC string }

// factSet has the facts of one compiler's package for one target.
type factSet struct {
	name  string
	facts map[symbolKey]symbolFact
}

// factsOf collects the facts of headers for one compiler and target.
func factsOf(compiler, arch string, headers []*Header) *factSet {
	set := &factSet{compiler + " for " + arch, make(map[symbolKey]symbolFact)}
	for _, h := range headers {
		if h == nil {
			continue
		}
		for _, g := range h.Groups {
			for _, c := range g.Consts {
				set.facts[symbolKey{h.Path, c.Name}] = symbolFact{c.Value.text(), c.Value.String()}
			}
		}
		for _, s := range h.Symbols() {
			key := symbolKey{h.Path, s.Name}
			if _, constant := set.facts[key]; !constant {
				var b strings.Builder
				b.WriteString(s.Kind + " of " + s.Value + " bytes")
				for _, m := range sortedKeys(s.Offsets) {
					b.WriteString(" " + m + "@" + strconv.FormatInt(s.Offsets[m], 10))
				}
				set.facts[key] = symbolFact{inGo: b.String()}
			}
		}
	}
	return set
}

// disagreements compares two packages. Packages for one target must be equal. In packages
// for two targets, a constant with the same value in C must have the same value in Go. It
// returns the number of names compared.
func disagreements(a, b *factSet, sameTarget bool) (compared int, out []Disagreement) {
	for key, in := range a.facts {
		other, both := b.facts[key]
		if !both && !sameTarget || !sameTarget && (in.inC == "" || in.inC != other.inC) {
			continue
		}
		compared++
		if in.inGo != other.inGo {
			out = append(out, Disagreement{key.header, key.name, a.name, b.name, in.inGo, other.inGo})
		}
	}
	if sameTarget {
		for key, in := range b.facts {
			if _, both := a.facts[key]; !both {
				compared++
				out = append(out, Disagreement{key.header, key.name, a.name, b.name, "", in.inGo})
			}
		}
	}
	sortBy(out, Disagreement.String)
	return compared, out
}

// compareCompilers analyses the inputs with the other compilers, and compares the packages
// that they would give with the package of the first. It leaves out headers that some compiler
// rejects: [treeVerifier.confirm] reports those.
func (t *treeVerifier) compareCompilers(ctx context.Context, inputs []Input, headers []*Header, opt VerifyOptions) error {
	t.res.facts = factsOf(t.ccs[0].name, t.arch, headers)
	for _, cc := range t.ccs[1:] {
		others, errs, err := AnalyseEach(ctx, cc.Compiler, opt.Include, inputs, opt.Jobs)
		if err != nil {
			return err
		}
		first := make([]*Header, len(headers))
		for i := range headers {
			if headers[i] != nil && errs[i] == nil {
				first[i] = headers[i]
			} else {
				others[i] = nil
			}
		}
		n, found := disagreements(factsOf(t.ccs[0].name, t.arch, first), factsOf(cc.name, t.arch, others), true)
		t.res.Compared += n
		t.res.Disagreements = append(t.res.Disagreements, found...)
	}
	return nil
}

// CompareTargets compares the constants that [VerifyHeaders] found, for each pair of
// targets. A constant with the same value in C must have the same value in Go. It returns
// the number of comparisons.
func CompareTargets(results []*TreeResult) (compared int, out []Disagreement) {
	for i, a := range results {
		for _, b := range results[i+1:] {
			if a.facts != nil && b.facts != nil {
				n, found := disagreements(a.facts, b.facts, false)
				compared += n
				out = append(out, found...)
			}
		}
	}
	return compared, out
}

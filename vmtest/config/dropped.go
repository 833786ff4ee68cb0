// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import (
	"fmt"
	"slices"
	"strings"
)

// Dropped is a symbol whose final value is not the requested one.
type Dropped struct {
	Symbol
	// Got is the value in the final configuration, "n" if the symbol is missing.
	Got string
	// Nor are the alternatives, which are missing as well.
	Nor []string
}

// DroppedSymbolError lists the symbols that Kconfig did not set as requested.
type DroppedSymbolError struct {
	Symbols []Dropped
}

func (e *DroppedSymbolError) Error() string {
	var b strings.Builder
	b.WriteString("kernel configuration: kconfig changed requested symbols (unknown symbol, unmet dependency, or selected by another):")
	for _, d := range e.Symbols {
		fmt.Fprintf(&b, "\n  %s:%d: %s: wanted %s, got %s", d.Fragment, d.Line, d.Name, word(d.Value), word(d.Got))
		if len(d.Nor) > 0 {
			fmt.Fprintf(&b, ", and no alternative %s", strings.Join(d.Nor, " or "))
		}
	}
	return b.String()
}

func word(value string) string {
	if value == "n" {
		return "not set"
	}
	return value
}

// Check compares the final configuration, the text of a .config file, with the requested
// symbols. It returns the optional symbols that have another value.
//
// If no symbol is optional, all must have the requested value: the error is a
// [*DroppedSymbolError] that lists those that do not. If some are optional, it returns all
// of them as differences, because an optional symbol may have changed a required one.
func Check(want []Symbol, final string) ([]Difference, error) {
	symbols, err := Fragment{Name: ".config", Text: final}.Symbols()
	if err != nil {
		return nil, err
	}
	got := make(map[string]string, len(symbols))
	for _, s := range symbols {
		got[s.Name] = s.Value
	}
	value := func(s *Symbol) string {
		if g, ok := got[s.Name]; ok {
			return g
		}
		return "n"
	}
	// Check alternatives together with the symbol that they replace.
	instead := map[string][]*Symbol{}
	for i := range want {
		if w := &want[i]; w.For != "" {
			instead[w.For] = append(instead[w.For], w)
		}
	}
	var differences []Difference
	var dropped []Dropped
	for i := range want {
		w := &want[i]
		g := value(w)
		if g == w.Value || w.For != "" {
			continue
		}
		if w.Optional {
			differences = append(differences, Difference{Symbol: *w, Got: g})
			continue
		}
		d := Dropped{Symbol: *w, Got: g}
		for _, alt := range instead[w.Name] {
			if value(alt) == alt.Value {
				d.Got = w.Value
			}
			d.Nor = append(d.Nor, alt.Name)
		}
		if d.Got != w.Value {
			dropped = append(dropped, d)
		}
	}
	if slices.ContainsFunc(want, func(s Symbol) bool { return s.Optional }) {
		for _, d := range dropped {
			differences = append(differences, Difference{Symbol: d.Symbol, Got: d.Got})
		}
		return differences, nil
	}
	if dropped != nil {
		return nil, &DroppedSymbolError{Symbols: dropped}
	}
	return differences, nil
}

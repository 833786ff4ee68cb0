// SPDX-License-Identifier: GPL-2.0-only OR MIT

package config

import (
	"fmt"
	"strings"
)

// Dropped is a symbol that did not come out as it was asked for.
type Dropped struct {
	Symbol
	// Got is the value in the final configuration, "n" if it is not there.
	Got string
}

// DroppedSymbolError says that Kconfig did not do as the fragments ask.
type DroppedSymbolError struct {
	Symbols []Dropped
}

func (e *DroppedSymbolError) Error() string {
	var b strings.Builder
	b.WriteString("kconfig dropped what was asked for (no such symbol, a dependency is missing, or something selects it):")
	for _, d := range e.Symbols {
		fmt.Fprintf(&b, "\n  %s:%d: %s: wanted %s, got %s", d.Fragment, d.Line, d.Name, word(d.Value), word(d.Got))
	}
	return b.String()
}

func word(value string) string {
	if value == "n" {
		return "not set"
	}
	return value
}

// Check holds the final configuration, the text of a .config file, against
// what was asked for. It returns a [*DroppedSymbolError] that lists all that
// differs.
func Check(want []Symbol, final string) error {
	symbols, err := Fragment{Name: ".config", Text: final}.Symbols()
	if err != nil {
		return err
	}
	got := make(map[string]string, len(symbols))
	for _, s := range symbols {
		got[s.Name] = s.Value
	}
	var dropped []Dropped
	for _, w := range want {
		g, ok := got[w.Name]
		if !ok {
			g = "n"
		}
		if g != w.Value {
			dropped = append(dropped, Dropped{Symbol: w, Got: g})
		}
	}
	if dropped != nil {
		return &DroppedSymbolError{Symbols: dropped}
	}
	return nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package record

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:generate go test xpsgen/vmtest/guest/bench -run TestMeasurementsAreCurrent -update

// Measurements returns the names CONTENDER/PATH of all measurements, in the order in
// which the guest makes them.
func Measurements() []string { return slices.Clone(measurements) }

// ValidPattern returns an error if pattern selects no measurement. Patterns are as in
// [path.Match]. The empty pattern selects all.
func ValidPattern(pattern string) error {
	if pattern == "" {
		return nil
	}
	for _, name := range measurements {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
		if ok {
			return nil
		}
	}
	return fmt.Errorf("pattern %q matches no measurement CONTENDER/PATH, such as %s", pattern, measurements[0])
}

// Selects reports whether a pattern selects a measurement of a contender. Empty selects
// all.
func Selects(pattern, contender string) bool {
	for _, name := range measurements {
		if c, _, _ := strings.Cut(name, "/"); c != contender {
			continue
		}
		if ok, err := path.Match(pattern, name); pattern == "" || ok && err == nil {
			return true
		}
	}
	return false
}

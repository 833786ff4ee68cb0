// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"fmt"
	"strings"
	"xpsgen/vmtest/guest/objects/record"
)

// difference describes how two results of a call differ. It returns "" if they are equal.
func difference(a, b *record.Result) string {
	show := func(r *record.Result) string {
		var s bytes.Buffer
		fmt.Fprintf(&s, "exit code %d", r.Exit)
		if r.Signal != "" {
			fmt.Fprintf(&s, ", signal %s", r.Signal)
		}
		if r.Tag != "" {
			fmt.Fprintf(&s, ", program returns %d", int32(*r.Value))
		}
		if len(r.Pins) > 0 {
			fmt.Fprintf(&s, ", pins %s", strings.Join(r.Pins, " "))
		}
		return s.String()
	}
	if x, y := show(a), show(b); x != y || a.Tag != b.Tag {
		return y + ", was " + x
	}
	x, y := strings.Split(record.Normal(a.Output), "\n"), strings.Split(record.Normal(b.Output), "\n")
	for i := range max(len(x), len(y)) {
		line := func(s []string) string {
			if i < len(s) {
				return s[i]
			}
			return ""
		}
		if line(x) != line(y) || (i < len(x)) != (i < len(y)) {
			return fmt.Sprintf("prints %q, was %q", line(y), line(x))
		}
	}
	return ""
}

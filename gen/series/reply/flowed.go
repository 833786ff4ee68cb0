// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import "strings"

// unflow joins the lines of a format=flowed text (RFC 3676). delsp removes the
// space at which a line was broken.
//
// Some programs send a space at the end of every line. So a line that is a
// whole tag, and a line before a tag, are never joined.
func unflow(text string, delsp bool) string {
	var out []string
	open, depth := false, 0
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		rest := strings.TrimLeft(line, ">")
		d := len(line) - len(rest)
		// A space that keeps a line from looking like a quote.
		rest = strings.TrimPrefix(rest, " ")
		signature := rest == "-- "
		flows := strings.HasSuffix(rest, " ") && !signature
		if open && d == depth && !signature && !beginsTag(rest) && !isWholeTag(out[len(out)-1]) {
			out[len(out)-1] += rest
		} else {
			prefix := ""
			if d > 0 {
				prefix = strings.Repeat(">", d) + " "
			}
			out = append(out, prefix+rest)
		}
		if flows && delsp {
			last := len(out) - 1
			out[last] = strings.TrimSuffix(out[last], " ")
		}
		open, depth = flows, d
	}
	return strings.Join(out, "\n")
}

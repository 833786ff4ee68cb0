// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import "strings"

// unflow joins the lines of a format=flowed text (RFC 3676). delsp removes the
// space at which a line was broken.
//
// Some programs send a space at the end of every line. So a line that is a
// whole tag, and a line before a tag, are never joined.
func unflow(text string, delsp bool) string {
	var out strings.Builder
	// start is where the line that is being joined begins.
	open, depth, start := false, 0, 0
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		rest := strings.TrimLeft(line, ">")
		d := len(line) - len(rest)
		// Undo space-stuffing (RFC 3676).
		rest = strings.TrimPrefix(rest, " ")
		signature := rest == "-- "
		joined := out.String()[start:]
		if !open || d != depth || signature || beginsTag(rest) || len(joined) < maxLine && isWholeTag(joined) {
			if i > 0 {
				out.WriteByte('\n')
			}
			start = out.Len()
			if d > 0 {
				out.WriteString(strings.Repeat(">", d) + " ")
			}
		}
		open, depth = strings.HasSuffix(rest, " ") && !signature, d
		if open && delsp {
			rest = strings.TrimSuffix(rest, " ")
		}
		out.WriteString(rest)
	}
	return out.String()
}

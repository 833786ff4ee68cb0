// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import "xpsgen/vmtest/lazyregexp"

// fromLine is a line that begins a mail in an mbox. Like git it wants no more
// than a time with the year behind it, so that "From here on" stays text.
var fromLine = lazyregexp.New(`^From .*\d.\d\d:\d\d\s*\d+`)

// IsFromLine reports whether a line, without its end, would begin a new mail
// when git takes an mbox apart.
func IsFromLine(line string) bool {
	return fromLine.MatchString(line)
}

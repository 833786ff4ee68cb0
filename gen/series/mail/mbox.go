// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import "xpsgen/vmtest/lazyregexp"

// fromLine matches a line that begins a mail in an mbox. Like git, it only requires a time
// and a year. So "From here on" stays text.
var fromLine = lazyregexp.New(`^From .*\d.\d\d:\d\d\s*\d+`)

// IsFromLine reports whether git would begin a new mail at this line of an mbox. line has
// no newline.
func IsFromLine(line string) bool {
	return fromLine.MatchString(line)
}

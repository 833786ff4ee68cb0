// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"regexp"
	"strings"
)

// fromLine is a line that begins a mail in an mbox. Like git it wants no more
// than a time with the year behind it, so that "From here on" stays text.
var fromLine = regexp.MustCompile(`^From .*\d.\d\d:\d\d\s*\d+`)

// IsFromLine reports whether a line, without its end, would begin a new mail
// when git takes an mbox apart.
func IsFromLine(line string) bool {
	return fromLine.MatchString(line)
}

// SplitMbox takes an mbox apart into its mails, the From line included, where
// git would. A file that has none is a single mail.
func SplitMbox(data []byte) [][]byte {
	var mails [][]byte
	start := 0
	for at := 0; at < len(data); {
		end := at
		for end < len(data) && data[end] != '\n' {
			end++
		}
		if at > start && IsFromLine(strings.TrimSuffix(string(data[at:end]), "\r")) {
			mails = append(mails, data[start:at])
			start = at
		}
		at = end + 1
	}
	if start < len(data) {
		mails = append(mails, data[start:])
	}
	return mails
}

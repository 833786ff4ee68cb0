// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"strings"

	"github.com/xrash/smetrics"
)

// near is how alike two words must be, from 0 to 1, for one to be suggested
// for the other.
const near = 0.8

// nearest returns the one of words that is most like word, or "" if none is.
func nearest(word string, words []string) string {
	plain := strings.TrimLeft(word, "-")
	best, found := near, ""
	for _, w := range words {
		// NB: the prefix counts more, as with what people mistype.
		if like := smetrics.JaroWinkler(plain, strings.TrimLeft(w, "-"), 0.7, 4); like > best {
			best, found = like, w
		}
	}
	return found
}

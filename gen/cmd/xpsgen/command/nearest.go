// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"strings"

	"github.com/xrash/smetrics"
)

// near is the similarity, from 0 to 1, above which a word is suggested.
const near = 0.8

// nearest returns the element of words that is most similar to word, or "" if none is
// similar.
func nearest(word string, words []string) string {
	plain := strings.TrimLeft(word, "-")
	best, found := near, ""
	for _, w := range words {
		// NB: the beginning counts more, since typing errors are rarer there.
		if like := smetrics.JaroWinkler(plain, strings.TrimLeft(w, "-"), 0.7, 4); like > best {
			best, found = like, w
		}
	}
	return found
}

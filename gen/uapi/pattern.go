// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// inTest is set in the tests of the package.
var inTest = len(os.Args) > 0 && strings.HasSuffix(os.Args[0], ".test")

// pattern returns a function for the regular expression text, which is compiled at
// the first call, since most runs need few of them. In tests it is compiled at once,
// to find an expression with an error.
func pattern(text string) func() *regexp.Regexp {
	get := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
	if inTest {
		get()
	}
	return get
}

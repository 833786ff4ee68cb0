// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import "strings"

// Function is a function of a C file.
type Function struct {
	Name string
	// Text is its source, from its type to the closing brace.
	Text string
	// Line is where Text begins. Last is where it ends; both count from 1.
	Line, Last int
}

// Functions returns the functions that C source defines, in its order. A function that
// is defined in several branches of an #ifdef is listed once for each.
func Functions(src string) []Function {
	var all []Function
	toks := lex(src)
	for _, f := range functions(toks) {
		first, last := toks[f.head], toks[f.end]
		all = append(all, Function{Name: f.name, Text: src[first.start:last.end], Line: first.line, Last: last.line})
	}
	return all
}

// Code returns C as its tokens with a space between them. Comments and the layout do not
// change it.
func Code(src string) string {
	var words []string
	for _, t := range lex(src) {
		words = append(words, t.text)
	}
	return strings.Join(words, " ")
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package schema

import "testing"

func TestCharacters(t *testing.T) {
	for c, want := range map[byte][2]bool{
		'a': {true, false}, 'z': {true, false}, 'A': {true, false}, 'Z': {true, false}, '_': {true, false}, '$': {true, false}, 0x80: {true, false}, 0xff: {true, false},
		'`': {false, false}, '{': {false, false}, '@': {false, false}, '[': {false, false}, 0x7f: {false, false}, ' ': {false, false},
		'0': {false, true}, '9': {false, true}, '/': {false, false}, ':': {false, false},
	} {
		if isLetter(c) != want[0] || isDigit(c) != want[1] {
			t.Errorf("%q: letter %v, digit %v", c, isLetter(c), isDigit(c))
		}
	}
}

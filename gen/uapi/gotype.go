// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"strconv"
)

// goTypeText matches the types of Go that a configuration may name.
var goTypeText = pattern(`^(?:\[(\d{1,6})\])?(byte|u?int(?:8|16|32|64))$`)

// parseGoType returns the type of Go that a configuration names. Its alignment
// is that of a 64-bit target.
func parseGoType(text string) (goType, bool) {
	m := goTypeText().FindStringSubmatch(text)
	if m == nil {
		return goType{}, false
	}
	size := map[string]int64{
		"byte": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
	}[m[2]]
	t := goType{text: text, size: size, align: size}
	if m[1] != "" {
		n, err := strconv.ParseInt(m[1], 10, 32)
		if err != nil || n == 0 {
			return goType{}, false
		}
		t.size *= n
	}
	return t, true
}

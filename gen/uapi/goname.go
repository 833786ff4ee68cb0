// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"strconv"
	"strings"
)

// goName turns the name of a C tag or member into an exported Go name:
// tpacket_req3 becomes TpacketReq3. It returns "" if nothing is left.
func goName(c string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(c, "_") {
		if part == "" {
			continue
		}
		b.WriteString(strings.ToUpper(part[:1]))
		b.WriteString(part[1:])
	}
	name := b.String()
	if name != "" && (name[0] < 'A' || name[0] > 'Z') {
		name = "X" + name
	}
	return name
}

// names hands out names that are unique among themselves.
type names map[string]bool

// unique returns name, or name with a number where it is taken.
func (n names) unique(name string) string {
	for i, try := 2, name; ; i++ {
		if !n[try] {
			n[try] = true
			return try
		}
		try = name + strconv.Itoa(i)
	}
}

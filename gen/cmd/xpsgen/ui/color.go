// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

type colour string

const (
	plain  colour = ""
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	reset         = "\x1b[0m"
)

func (u *UI) paint(c colour, s string) string {
	if !u.color || c == plain {
		return s
	}
	return string(c) + s + reset
}

// Coloured reports whether lines are coloured.
func (u *UI) Coloured() bool { return u.color }

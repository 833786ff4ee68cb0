// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

// declScanner finds, token by token, the names that C code declares: tags of definitions
// and typedefs. It is not exact. A name too many only keeps two headers apart, see
// [footprint].
type declScanner struct {
	tag    string // after struct, union or enum
	last   string // the last identifier
	prev   string // the last token
	depth  int    // of brackets within a typedef
	inType bool   // within a typedef
}

// token returns the name that tok completes, or "".
func (d *declScanner) token(tok string) (name string) {
	prev := d.prev
	d.prev = tok
	switch tok {
	case "struct", "union", "enum":
		d.tag = tok
		return ""
	case "{":
		if d.tag != "" && d.tag != "struct" && d.tag != "union" && d.tag != "enum" {
			name = d.tag
		}
		d.tag = ""
		d.depth++
		return name
	case "}":
		d.depth--
	case "(", "[":
		d.depth++
	case ")", "]":
		// A pointer to a function has its name in brackets.
		if d.depth--; tok == ")" && d.inType && d.depth == 0 && d.last == prev {
			return d.last
		}
	case "typedef":
		d.inType, d.depth, d.last = true, 0, ""
	case ";":
		if d.inType && d.depth == 0 {
			d.inType = false
			return d.last
		}
	default:
		if identLen(tok) != len(tok) {
			break
		}
		if d.tag == "struct" || d.tag == "union" || d.tag == "enum" {
			d.tag = tok
			d.note(tok)
			return ""
		}
		d.note(tok)
		if d.tag != "" {
			d.tag = ""
		}
		return ""
	}
	d.tag = ""
	return ""
}

// note remembers an identifier that a typedef may end with.
func (d *declScanner) note(tok string) {
	if d.depth == 0 || d.prev == tok {
		d.last = tok
	}
}

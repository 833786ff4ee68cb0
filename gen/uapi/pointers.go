// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

// The garbage collector follows only the pointers that a type declares. It does
// not see a pointer in the bytes of a union, of a misaligned member or of a
// flexible array, and frees its target. So records that may be in such bytes
// have addresses instead of pointers, and the program must pin the targets. See
// the generated type CPointer.

// recordKey identifies a record: by name if it has one, since each header has
// its own copy.
func recordKey(a *Aggregate) any {
	if a.Tag != "" {
		return a.CName()
	}
	return a
}

func (l *layouter) isHidden(a *Aggregate) bool { return l.hidden[recordKey(a)] }

// findHidden marks the records in a whose pointers the garbage collector does
// not see.
func (l *layouter) findHidden(a *Aggregate) {
	for _, f := range a.Fields {
		switch {
		case a.Union || f.Flexible || !l.aligns(f, a.Size):
			l.hide(f.Type)
		default:
			for t := f.Type; ; t = t.Elem {
				if t.Kind == Record {
					l.findHidden(l.definition(t.Record))
				}
				if t.Kind != Array {
					break
				}
			}
		}
	}
}

// aligns reports whether a member can be a field. If it wrongly returns false, more records
// are hidden, which does no harm.
func (l *layouter) aligns(f Field, size int64) bool {
	align := min(alignOf(f.Type), l.maxAlign)
	return f.Offset%align == 0 && size%align == 0
}

// hide marks a type and its members.
func (l *layouter) hide(t *Type) {
	for t.Kind == Array {
		t = t.Elem
	}
	if t.Kind != Record {
		return
	}
	a := l.definition(t.Record)
	if l.isHidden(a) {
		return
	}
	l.hidden[recordKey(a)] = true
	for _, f := range a.Fields {
		l.hide(f.Type)
	}
}

// definition returns the copy of a record that is rendered.
func (l *layouter) definition(a *Aggregate) *Aggregate {
	if known := l.known[a.CName()]; a.Tag != "" && known != nil {
		return known
	}
	return a
}

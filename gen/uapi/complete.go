// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxComplete bounds how many headers in a row are added for the sake of names.
const maxComplete = 3

// incompleteType matches what compilers say of a struct that is only declared.
var incompleteType = regexp.MustCompile(`incomplete type '(?:struct|union|enum) (\w+)'`)

// complete includes further headers after a header whose macros use names that
// the header does not include itself: a program that uses the macro has to
// include both. A header is added only if it is the one that declares a name,
// and no value known before may change.
func (r *run) complete(ctx context.Context, a *analysis) error {
	for range maxComplete {
		extra := r.providers(a)
		if len(extra) == 0 {
			return nil
		}
		b := a.copy()
		b.borrowed = append(slices.Clone(a.borrowed), extra...)
		b.h.borrowed = b.borrowed
		r.mu.Lock()
		object := filepath.Join(r.dir, fmt.Sprintf("unit%d.o", r.units))
		r.units++
		r.mu.Unlock()
		u := newUnit([]*analysis{b}, object)
		err := u.build(ctx, r.cc)
		if err == nil {
			err = u.answer(ctx, r.cc)
		}
		if err != nil && fatal(ctx, err) {
			return err
		}
		if err != nil || !b.improves(a) {
			return nil
		}
		*a = *b
	}
	return nil
}

// copy returns the analysis without its answers.
func (a *analysis) copy() *analysis {
	b, h := *a, *a.h
	b.h, b.questions = &h, nil
	for _, q := range a.questions {
		one := *q
		b.questions = append(b.questions, &one)
	}
	b.again()
	return &b
}

// improves tells whether b has every value of a, and more.
func (b *analysis) improves(a *analysis) bool {
	more := false
	for i, q := range a.questions {
		switch now := b.questions[i]; {
		case q.reason == "" && (now.reason != "" || now.value != q.value):
			return false
		case q.reason != "" && now.reason == "":
			more = true
		}
	}
	return more
}

// missing returns the names that macros of the header use and nothing declares.
func (a *analysis) missing() []string {
	var names []string
	for i, q := range a.questions {
		if q.reason == "" {
			continue
		}
		for _, m := range undeclaredName.FindAllStringSubmatch(q.reason, -1) {
			names = append(names, m[1]+m[2])
		}
		for _, m := range incompleteType.FindAllStringSubmatch(q.reason, -1) {
			names = append(names, m[1])
		}
		a.walk(a.macros[i], map[string]bool{}, func(tok string) {
			if a.undeclared[tok] {
				names = append(names, tok)
			}
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// providers returns the headers that declare what a lacks, one a name at most.
func (r *run) providers(a *analysis) []string {
	var out []string
	for _, name := range a.missing() {
		h := r.provider(name)
		if h != "" && h != a.h.Path && !slices.Contains(a.borrowed, h) && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// standInNames are the names for which our stand-ins are the right headers.
var standInNames = map[string]string{
	"size_t": "stddef.h", "ptrdiff_t": "stddef.h", "wchar_t": "stddef.h", "NULL": "stddef.h", "offsetof": "stddef.h",
	"int8_t": "stdint.h", "int16_t": "stdint.h", "int32_t": "stdint.h", "int64_t": "stdint.h",
	"uint8_t": "stdint.h", "uint16_t": "stdint.h", "uint32_t": "stdint.h", "uint64_t": "stdint.h",
	"intptr_t": "stdint.h", "uintptr_t": "stdint.h",
	"ssize_t": "sys/types.h", "off_t": "sys/types.h", "loff_t": "sys/types.h", "pid_t": "sys/types.h", "uid_t": "sys/types.h",
	"gid_t": "sys/types.h", "mode_t": "sys/types.h", "dev_t": "sys/types.h", "ino_t": "sys/types.h", "caddr_t": "sys/types.h",
	"u_char": "sys/types.h", "u_short": "sys/types.h", "u_int": "sys/types.h", "u_long": "sys/types.h",
	"time_t": "time.h", "sa_family_t": "sys/socket.h", "sockaddr_storage": "sys/socket.h", "sockaddr": "sys/socket.h",
	"INT_MAX": "limits.h", "INT_MIN": "limits.h", "UINT_MAX": "limits.h", "LONG_MAX": "limits.h", "LONG_MIN": "limits.h",
	"ULONG_MAX": "limits.h", "CHAR_BIT": "limits.h",
}

// provider returns the one header that declares a name, or "".
func (r *run) provider(name string) string {
	if h := standInNames[name]; h != "" {
		return h
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if h, ok := r.declarers[name]; ok {
		return h
	}
	if r.texts == nil {
		r.texts = r.readHeaders()
	}
	n := regexp.QuoteMeta(name)
	declares := regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+` + n + `\b|(?:struct|union|enum)[ \t]+` + n + `\s*\{|^[ \t]*` + n + `[ \t]*(?:,|=|$)|typedef\b[^;{]*\b` + n + `[ \t]*(?:\[[^;]*\])?;|^[ \t]*\}[^;]*\b` + n + `;`)
	var found []string
	for _, path := range sortedKeys(r.texts) {
		if text := r.texts[path]; strings.Contains(text, name) && declares.MatchString(text) {
			found = append(found, path)
		}
	}
	h := ""
	if len(found) == 1 && Incompatible(found[0]) == "" {
		h = found[0]
	}
	r.declarers[name] = h
	return h
}

// readHeaders returns the text of all kernel headers, by path.
func (r *run) readHeaders() map[string]string {
	texts := make(map[string]string)
	paths, err := ListHeaders(r.roots.own)
	if err != nil {
		return texts // names stay as they are, with their reasons
	}
	for _, p := range paths {
		if !isKernelHeader(p) {
			continue
		}
		if file, err := r.roots.find(p); err == nil {
			if text, err := os.ReadFile(file); err == nil {
				texts[p] = string(text)
			}
		}
	}
	return texts
}

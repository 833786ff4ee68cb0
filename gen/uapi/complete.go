// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxComplete bounds how often headers are added after one, for names.
const maxComplete = 3

// maxSupply bounds how often headers are added before one, for types.
const maxSupply = 8

// incompleteType matches the compilers' error about a struct that is only declared.
var incompleteType = pattern(`incomplete type '(?:struct|union|enum) (\w+)'`)

// complete includes further headers after a header whose macros use names that it does not
// include. A program that uses such a macro must include both. A header is added only if no
// other one declares the name, and if no value known before changes.
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

// unknownType matches the compilers' error about a type that a header does not
// declare.
var unknownType = pattern("(?:unknown type name|incomplete type|no type named) ['\u2018](?:struct |union |enum )?(\\w+)['\u2019]|'(\\w+)' undeclared")

// supply includes the headers that declare the types which the compiler did not
// find in a header. It reports whether to compile again.
func (r *run) supply(ctx context.Context, a *analysis, err error) bool {
	ce, ok := errors.AsType[*CompileError](err)
	if !ok || a.in.supplied >= maxSupply {
		return false
	}
	in := a.in
	in.With = slices.Clone(a.in.With)
	for _, line := range ce.Lines {
		m := unknownType().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if h := r.provider(cmp.Or(m[1:]...), in.Path); h != "" && h != in.Path && !slices.Contains(in.With, h) {
			in.With = slices.Insert(in.With, 0, h) // its prerequisites come before it
		}
	}
	if len(in.With) == len(a.in.With) {
		return false
	}
	in.supplied++
	b, err := r.begin(ctx, in, false, a.roots.system)
	if err != nil {
		return false
	}
	b.index = a.index
	*a = *b
	return true
}

// copy returns a copy of the analysis without its answers.
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

// improves reports whether b has every value of a, and more.
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
		for _, m := range undeclaredName().FindAllStringSubmatch(q.reason, -1) {
			names = append(names, m[1]+m[2])
		}
		for _, m := range incompleteType().FindAllStringSubmatch(q.reason, -1) {
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

// providers returns headers that declare the names that a lacks, at most one per name.
func (r *run) providers(a *analysis) []string {
	var out []string
	for _, name := range a.missing() {
		h := r.provider(name, a.h.Path)
		if h != "" && h != a.h.Path && !slices.Contains(a.borrowed, h) && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// standInNames maps names of the C library and of linux/types.h to the headers that declare
// them.
var standInNames = map[string]string{
	"size_t": "stddef.h", "ptrdiff_t": "stddef.h", "wchar_t": "stddef.h", "NULL": "stddef.h", "offsetof": "stddef.h",
	"int8_t": "stdint.h", "int16_t": "stdint.h", "int32_t": "stdint.h", "int64_t": "stdint.h",
	"uint8_t": "stdint.h", "uint16_t": "stdint.h", "uint32_t": "stdint.h", "uint64_t": "stdint.h",
	"intptr_t": "stdint.h", "uintptr_t": "stdint.h",
	"ssize_t": "sys/types.h", "off_t": "sys/types.h", "loff_t": "sys/types.h", "pid_t": "sys/types.h", "uid_t": "sys/types.h",
	"gid_t": "sys/types.h", "mode_t": "sys/types.h", "dev_t": "sys/types.h", "ino_t": "sys/types.h", "caddr_t": "sys/types.h",
	"u_char": "sys/types.h", "u_short": "sys/types.h", "u_int": "sys/types.h", "u_long": "sys/types.h",
	"__u8": "linux/types.h", "__u16": "linux/types.h", "__u32": "linux/types.h", "__u64": "linux/types.h",
	"__s8": "linux/types.h", "__s16": "linux/types.h", "__s32": "linux/types.h", "__s64": "linux/types.h",
	"__be16": "linux/types.h", "__be32": "linux/types.h", "__be64": "linux/types.h",
	"__le16": "linux/types.h", "__le32": "linux/types.h", "__le64": "linux/types.h", "__aligned_u64": "linux/types.h",
	"FILE": "stdio.h", "va_list": "stdarg.h", "bool": "stdbool.h", "pollfd": "poll.h", "timeval": "sys/time.h", "timespec": "time.h",
	"time_t": "time.h", "sa_family_t": "sys/socket.h", "sockaddr_storage": "sys/socket.h", "sockaddr": "sys/socket.h",
	"INT_MAX": "limits.h", "INT_MIN": "limits.h", "UINT_MAX": "limits.h", "LONG_MAX": "limits.h", "LONG_MIN": "limits.h",
	"ULONG_MAX": "limits.h", "CHAR_BIT": "limits.h",
}

// provider returns the only header that declares a name, or "". It looks at the kernel's
// headers, and for a library's header also at those in the same top directory.
func (r *run) provider(name, path string) string {
	if h := standInNames[name]; h != "" {
		return h
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	top, _, _ := strings.Cut(path, "/")
	if isKernelHeader(path) {
		top = ""
	}
	key := top + " " + name
	if h, ok := r.declarers[key]; ok {
		return h
	}
	if r.texts == nil {
		r.texts = r.readHeaders()
	}
	n := regexp.QuoteMeta(name)
	declares := regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+` + n + `\b|(?:struct|union|enum)[ \t]+` + n + `\s*\{|^[ \t]*` + n + `[ \t]*(?:,|=|$)|typedef\b[^;{]*\b` + n + `[ \t]*(?:\[[^;]*\])?;|^[ \t]*\}[^;]*\b` + n + `;`)
	var found []string
	for _, h := range sortedKeys(r.texts) {
		if !isKernelHeader(h) && (top == "" || !strings.HasPrefix(h, top+"/")) {
			continue
		}
		if text := r.texts[h]; strings.Contains(text, name) && declares.MatchString(text) {
			found = append(found, h)
		}
	}
	h := ""
	if len(found) == 1 && Incompatible(found[0]) == "" {
		h = found[0]
	}
	r.declarers[key] = h
	return h
}

// readHeaders returns the text of the kernel's headers, and of those in directories
// that are analysed, by path.
func (r *run) readHeaders() map[string]string {
	texts := make(map[string]string)
	paths, err := ListHeaders(r.roots.own)
	if err != nil {
		return texts // the names then stay without a value
	}
	for _, p := range paths {
		if top, _, _ := strings.Cut(p, "/"); !isKernelHeader(p) && !r.tops[top] {
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

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/lazyregexp"
)

// absent is the value of an attribute that a request does not have, ABSENT in kernel.h.
const absent = 1000

var wordPattern = lazyregexp.New(`\$[a-z]+|[^$]+|\$`)

// words returns the lines that the model prints in a trace.
func words(trace []step) []string {
	var lines []string
	for _, s := range trace {
		if s.Type == "output" {
			lines = append(lines, s.line())
		}
	}
	return lines
}

// line replaces each $word in the step's text by its value.
func (s *step) line() string {
	var b strings.Builder
	values := s.Values
	for _, w := range wordPattern.FindAllString(s.Text, -1) {
		if !strings.HasPrefix(w, "$") || len(values) == 0 {
			b.WriteString(w)
			continue
		}
		b.WriteString(values[0].form(w[1:]))
		values = values[1:]
	}
	return b.String()
}

// objects maps names of objects in the model to words for the trace.
var objects = strings.NewReplacer("file_", "link ", "room_", "link ", "prog_", "program ", "device_", "device ", ".link", "", "&", "")

// form formats a value for $word: an errno as a name, a bool as yes or no, flags by name,
// a pointer by its object, and any other value as a number.
func (v *value) form(word string) string {
	data := strings.TrimSpace(fmt.Sprint(v.Data))
	if v.Name == "pointer" {
		if strings.Contains(data, "NULL") {
			if word == "prog" {
				word = "program"
			}
			return "no " + word
		}
		return objects.Replace(data)
	}
	n, err := strconv.ParseInt(strings.TrimRight(data, "uUlL"), 10, 64)
	if err != nil {
		switch strings.ToUpper(data) {
		case "TRUE":
			n = 1
		case "FALSE":
			n = 0
		default:
			return data
		}
	}
	if word != "errno" && n == absent {
		return "absent"
	}
	switch word {
	case "errno":
		if n < 0 {
			if name := unix.ErrnoName(syscall.Errno(-n)); name != "" {
				return "-" + name
			}
		}
	case "bool":
		return map[bool]string{true: "yes", false: "no"}[n != 0]
	case "flags":
		return flags(n)
	}
	return strconv.FormatInt(n, 10)
}

// flags names the bits of IFLA_XPS_FLAGS.
func flags(n int64) string {
	var names []string
	for i, name := range []string{"noexist", "replace"} {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value parses the value of a flag into a destination. The functions of this package
// make it. The content of the destination at that time is the default.
type Value interface {
	// Set parses text. The error lists the valid values, or suggests one.
	Set(text string) error
	// String formats the default for help. Empty means that help omits it.
	String() string
	isBool() bool
	// choices returns all valid values, or nil if there is no list.
	choices() []string
}

// value is a Value that parses into a destination.
type value[T any] struct {
	to     *T
	parse  func(string) (T, error)
	show   func(T) string
	listed []string
}

func (v *value[T]) Set(text string) error {
	t, err := v.parse(text)
	if err == nil {
		*v.to = t
	}
	return err
}

func (v *value[T]) String() string {
	if v == nil || v.to == nil {
		return ""
	}
	return v.show(*v.to)
}

func (v *value[T]) isBool() bool      { return false }
func (v *value[T]) choices() []string { return v.listed }

// String takes any text.
func String(to *string) Value {
	return &value[string]{to: to,
		parse: func(s string) (string, error) { return s, nil },
		show:  func(s string) string { return s },
	}
}

// Choice takes one of words.
func Choice(to *string, words ...string) Value {
	return &value[string]{to: to, listed: words,
		parse: func(s string) (string, error) {
			if !slices.Contains(words, s) {
				return "", want(s, words)
			}
			return s, nil
		},
		show: func(s string) string { return s },
	}
}

// Int takes a number from least to most.
func Int(to *int, least, most int) Value {
	return &value[int]{to: to,
		parse: func(s string) (int, error) {
			n, err := strconv.Atoi(s)
			switch {
			case err != nil:
				return 0, errors.New("want a number")
			case n < least || n > most:
				return 0, fmt.Errorf("want %s", span(least, most))
			}
			return n, nil
		},
		show: func(n int) string {
			if n < least {
				return "" // no value that a user can give
			}
			return nonzero(int64(n))
		},
	}
}

// maxInt is a bound that help omits.
const maxInt = int(^uint(0) >> 1)

// Count takes a number from 1 up.
func Count(to *int) Value { return Int(to, 1, maxInt) }

func span(least, most int) string {
	if most == maxInt {
		return fmt.Sprintf("%d or more", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// Int64 takes any number.
func Int64(to *int64) Value {
	return &value[int64]{to: to,
		parse: func(s string) (int64, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return 0, errors.New("want a number")
			}
			return n, nil
		},
		show: nonzero,
	}
}

func nonzero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// Duration takes a positive duration such as "90s" or "5m".
func Duration(to *time.Duration) Value {
	return &value[time.Duration]{to: to,
		parse: func(s string) (time.Duration, error) {
			d, err := time.ParseDuration(s)
			if err != nil || d <= 0 {
				return 0, errors.New("want a duration such as 90s or 5m")
			}
			return d, nil
		},
		show: func(d time.Duration) string {
			if d == 0 {
				return ""
			}
			return d.String()
		},
	}
}

// list is a Value that takes one element each time the flag is given.
type list struct {
	to     *[]string
	listed []string
	// commas says that one value may hold several elements.
	commas bool
}

// Strings takes any text each time that the flag is given.
func Strings(to *[]string) Value { return &list{to: to} }

// Choices takes one of words each time that the flag is given.
func Choices(to *[]string, words ...string) Value { return &list{to: to, listed: words} }

// Commas takes texts with commas between them. If there are words, each text
// is one of them.
func Commas(to *[]string, words ...string) Value {
	return &list{to: to, listed: words, commas: true}
}

func (l *list) Set(text string) error {
	all := []string{text}
	if l.commas {
		all = strings.Split(text, ",")
	}
	for _, one := range all {
		if l.listed != nil && !slices.Contains(l.listed, one) {
			return want(one, l.listed)
		}
	}
	*l.to = append(*l.to, all...)
	return nil
}

func (l *list) String() string {
	if l == nil || l.to == nil {
		return ""
	}
	return strings.Join(*l.to, ", ")
}

func (l *list) isBool() bool      { return false }
func (l *list) choices() []string { return l.listed }

// toggle is the Value of a flag without a value.
type toggle struct{ set func() }

// Bool becomes true if the flag is given.
func Bool(to *bool) Value { return &toggle{func() { *to = true }} }

// Counter counts how often the flag is given.
func Counter(to *int) Value { return &toggle{func() { *to++ }} }

func (t *toggle) Set(text string) error {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("want true or false")
	}
	if on {
		t.set()
	}
	return nil
}

func (t *toggle) String() string    { return "" }
func (t *toggle) isBool() bool      { return true }
func (t *toggle) choices() []string { return nil }

// want is the error for a word that is not one of words.
func want(word string, words []string) error {
	if near := nearest(word, words); near != "" {
		return fmt.Errorf("did you mean %s?", near)
	}
	return fmt.Errorf("want %s", either(words))
}

// either joins words for "want A, B or C".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"slices"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/tree/manifest"
)

// errNothingSubmitted is returned if no series of a change is sent.
var errNothingSubmitted = errors.New("no series with the role submit is on a base with that role; name one")

// threads returns the threads that words name. Without words it returns all submitted
// threads. A series without a base means its submitted threads, or all if none is
// submitted. A base means the threads of all its series except alternatives.
func threads(c *manifest.Change, words []string) (list []manifest.Thread, err error) {
	submitted := func(t manifest.Thread) bool { return t.Submitted() }
	if len(words) == 0 {
		list = slices.DeleteFunc(c.Threads(), func(t manifest.Thread) bool { return !t.Submitted() })
		if len(list) == 0 {
			return nil, errNothingSubmitted
		}
		return list, nil
	}
	for _, word := range words {
		found, err := c.Resolve(word)
		if err != nil {
			return nil, err
		}
		switch named := word == found[0].Series.Key; {
		case named && slices.ContainsFunc(found, submitted):
			found = slices.DeleteFunc(found, func(t manifest.Thread) bool { return !t.Submitted() })
		case !named && len(found) > 1:
			found = slices.DeleteFunc(found, func(t manifest.Thread) bool { return t.Series.Role == manifest.Alternative })
		}
		list = append(list, found...)
	}
	return list, nil
}

// threads returns the threads that the arguments of a command name.
func (env *place) threads(args []string) ([]manifest.Thread, error) {
	root, _, err := env.locate()
	if err != nil {
		return nil, err
	}
	change, err := manifest.LoadChange(root)
	if err != nil {
		return nil, err
	}
	list, err := threads(change, args)
	if errors.Is(err, manifest.ErrNoThread) {
		return nil, command.Usagef("%v", err)
	}
	return list, err
}

// threadNames complete an argument: bases, and series on bases.
func (env *place) threadNames() (names []string) {
	c := env.change()
	if c == nil {
		return nil
	}
	for _, t := range c.Threads() {
		for _, n := range []string{t.Base.Name, t.Name()} {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// submittedKeys complete an argument: the series to submit.
func (env *place) submittedKeys() []string {
	return env.keysOf(func(s *manifest.Series) bool { return s.Sent() })
}

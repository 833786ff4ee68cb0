// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/tree/manifest"
	"xpsgen/vmtest/workbench"
)

// errNothingSubmitted is returned if a change has nothing that is sent.
var errNothingSubmitted = errors.New("no series with the role submit is on a base with that role; name one")

// threads are those that words name, or all that are submitted if there are no
// words. Of a series that is named without a base, those that are submitted
// count, or all if none is; a base stands for its whole stack.
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
		if strings.HasPrefix(word, "-") {
			return nil, fmt.Errorf("%w: %q is a flag, and flags stand before arguments", manifest.ErrNoThread, word)
		}
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

// threads are those that the arguments of a command name.
func (env *environment) threads(c *cli.Context) ([]manifest.Thread, error) {
	root, _, err := env.paths(c)
	if err != nil {
		return nil, err
	}
	change, err := manifest.LoadChange(root)
	if err != nil {
		return nil, err
	}
	list, err := threads(change, c.Args().Slice())
	if errors.Is(err, manifest.ErrNoThread) {
		return nil, &usageError{text: err.Error(), command: c.Command.HelpName}
	}
	return list, err
}

// completeThreads offers series, and series on bases.
func (env *environment) completeThreads(c *cli.Context) {
	for _, name := range threadNames(c.String("root")) {
		fmt.Fprintln(env.stdout, name)
	}
	cli.DefaultCompleteWithFlags(c.Command)(c)
}

// completeSeries offers the keys of series.
func (env *environment) completeSeries(c *cli.Context) {
	for _, t := range allThreads(c.String("root")) {
		if t.Submitted() {
			fmt.Fprintln(env.stdout, t.Series.Key)
		}
	}
	cli.DefaultCompleteWithFlags(c.Command)(c)
}

// allThreads are those of the workbench, none if there is no workbench.
func allThreads(root string) []manifest.Thread {
	root, err := workbench.Find(root, "")
	if err != nil {
		return nil
	}
	c, err := manifest.LoadChange(root)
	if err != nil {
		return nil
	}
	return c.Threads()
}

// threadNames are the words that stand for threads: bases, and series on
// bases.
func threadNames(root string) (names []string) {
	for _, t := range allThreads(root) {
		for _, n := range []string{t.Base.Name, t.Name()} {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

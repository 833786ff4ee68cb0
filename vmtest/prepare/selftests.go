// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/tree"
)

// ErrSelftest is wrapped by the error about a selftest, or a collection of them, that the
// kernel tree does not have.
var ErrSelftest = errors.New("no such selftest")

// collections are the collections that tests belong to, each once.
func collections(tests []string) []string {
	var all []string
	for _, t := range tests {
		c, _, _ := strings.Cut(t, ":")
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// selftestFragments returns the config files of the tests' collections, as fragments of
// optional symbols. A collection may have none. It checks the names of the tests before
// the long build.
func selftestFragments(ctx context.Context, src *tree.Source, tests []string) ([]config.Fragment, error) {
	var all []config.Fragment
	for _, c := range collections(tests) {
		paths := build.KselftestConfigs(c)
		dir := path.Dir(paths[0])
		ids, err := src.ObjectIDs(ctx, append([]string{dir + "/Makefile"}, paths...)...)
		if err != nil {
			return nil, err
		}
		if ids[0] == "-" {
			return nil, fmt.Errorf("%w: %s has no %s", ErrSelftest, src.Name(), dir)
		}
		if err := checkSelftests(ctx, src, dir, c, tests); err != nil {
			return nil, err
		}
		for i, file := range paths {
			if ids[i+1] == "-" {
				continue
			}
			text, err := src.Show(ctx, file)
			if err != nil {
				return nil, err
			}
			all = append(all, config.Fragment{Name: c + "/" + path.Base(file), Text: string(text), Optional: true})
		}
	}
	return all, nil
}

// checkSelftests looks for the tests of one collection: a script, a source file, or a
// program that the Makefile makes of another file.
func checkSelftests(ctx context.Context, src *tree.Source, dir, collection string, tests []string) error {
	makefile, err := src.Show(ctx, dir+"/Makefile")
	if err != nil {
		return err
	}
	words := strings.Fields(string(makefile))
	for _, t := range tests {
		c, name, one := strings.Cut(t, ":")
		if c != collection || !one || slices.Contains(words, name) {
			continue
		}
		ids, err := src.ObjectIDs(ctx, dir+"/"+name, dir+"/"+name+".c")
		if err != nil {
			return err
		}
		if ids[0] == "-" && ids[1] == "-" {
			return fmt.Errorf("%w: %s has no %s", ErrSelftest, dir, name)
		}
	}
	return nil
}

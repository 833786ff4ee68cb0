// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

func treeCommand(env seriesCommands) *command.Command {
	return &command.Command{
		Name:  "tree",
		Short: "obtain bases and apply the series",
		Examples: []command.Example{
			{Line: "tree apply", Note: "the trees of a guest"},
			{Line: "tree checkout net-next", Note: "a git repository to work in"},
		},
		Commands: []*command.Command{treeApplyCommand(env), treeCheckoutCommand(env)},
	}
}

// applyOptions are the options of tree apply.
type applyOptions struct {
	sourceOptions
	// trees are named by the arguments.
	trees []tree.Options
}

func treeApplyCommand(env seriesCommands) *command.Command {
	var o applyOptions
	return &command.Command{
		Name:  "apply",
		Short: "apply the series to their bases, and print where each tree is",
		Long: "Prints name, commit and git directory of each tree. Compiles nothing. SERIES/BASE names a series and the series that it " +
			"depends on. BASE names all series of a base. Without arguments it applies the series of the kernel and of ip that a guest uses. " +
			"The flags change this selection.",
		Args: []command.Arg{{Name: "SERIES/BASE|BASE", Optional: true, Repeat: true, Help: "tree to prepare; default those of a guest",
			Values: env.threadNames}},
		Flags: slices.DeleteFunc(o.treeFlags(env.environment, false), func(f command.Flag) bool { return f.Name == "no-apply" }),
		Examples: []command.Example{
			{Line: "tree apply"},
			{Line: "tree apply hook/net-next 6.12"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a patch does not apply"}},
		Needs: []string{"vmtest"},
		Valid: func(args []string) error { return o.valid(env, args) },
		Run:   func(ctx context.Context, _ []string) error { return env.treeApply(ctx, &o) },
	}
}

func (o *applyOptions) valid(env seriesCommands, args []string) error {
	if len(args) == 0 {
		_, err := o.source(env.environment)
		return err
	}
	if o.base != "" || o.kernel != "" || o.iproute2 != "" || len(o.series)+len(o.with)+len(o.without) > 0 {
		return command.Usagef("the flags choose a guest's trees: give either flags or series and bases")
	}
	root, cache, err := env.locate()
	if err != nil {
		return err
	}
	change, err := manifest.LoadChange(root)
	if err != nil {
		return err
	}
	for _, word := range args {
		opt := tree.Options{Cache: cache, Progress: env.ui.Progress()}
		if p, b := change.FindBase(word); b != nil {
			opt.Project, opt.Base = p, b.Name
		} else {
			found, err := change.Resolve(word)
			if err == nil && len(found) > 1 {
				err = fmt.Errorf("%w: %s is on several bases: name one of %s", manifest.ErrNoThread, word, strings.Join(manifest.Names(found), ", "))
			}
			if err != nil {
				return command.Usagef("%v", err)
			}
			opt.Project, opt.Base = found[0].Project, found[0].Base.Name
			opt.Variant.Select.Only = []string{found[0].Series.Key}
		}
		o.trees = append(o.trees, opt)
	}
	return nil
}

func (env seriesCommands) treeApply(ctx context.Context, o *applyOptions) error {
	trees, err := o.open(ctx, env)
	if err != nil {
		return err
	}
	for _, s := range trees {
		commit, err := s.Commit(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(env.stdout, "%s\t%s\t%s\n", s.Name(), commit, s.GitDir()); err != nil {
			return fmt.Errorf("print the trees: %w", err)
		}
	}
	return nil
}

// open returns the trees that the arguments name, or else the trees of a guest.
func (o *applyOptions) open(ctx context.Context, env seriesCommands) (trees []*tree.Source, err error) {
	for _, opt := range o.trees {
		s, err := tree.Open(ctx, opt)
		if err != nil {
			return nil, err
		}
		trees = append(trees, s)
	}
	if len(trees) > 0 {
		return trees, nil
	}
	src, err := o.source(env.environment)
	if err != nil {
		return nil, err
	}
	kernel, err := src.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	ip, err := src.OpenIP(ctx)
	if ip == nil || err != nil {
		return []*tree.Source{kernel}, err
	}
	return []*tree.Source{kernel, ip}, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"

	"xpsgen/bpf/xps"
)

func detachCommand() *command {
	return &command{
		name: "detach", args: "DEVICE [options]", what: "detach the program",
		help: `Detaches the program of DEVICE. If there is no program, that is an error only with
--expect or --link. To detach a program that was attached through a BPF link, use
--link.`,
		do: detach,
	}
}

func detach(ctx context.Context, c *call, args []string) error {
	var o common
	fs := c.flags(&o)
	expect := fs.String("expect", "", "detach only this program: a program `ID`, or the path of a pinned program")
	byLink := fs.Bool("link", false, "detach the BPF link of the device")
	dryRun := fs.Bool("dry-run", false, "print what would be detached, and detach nothing")
	names, err := c.parse(fs, args)
	if err != nil {
		return err
	}
	switch {
	case len(names) != 1:
		return usagef("want one device, got %d", len(names))
	case *expect == "none":
		return usagef("--expect none: want a program to detach: an id, or the path of a pinned program")
	case *byLink && *expect != "":
		return usagef("--link and --expect are mutually exclusive: a link is always detached unconditionally")
	}
	if err := o.enter(); err != nil {
		return err
	}
	client, err := xps.Dial(nil)
	if err != nil {
		return err
	}
	defer client.Close()
	s, err := find(ctx, client, names[0])
	if err != nil {
		return err
	}
	cond, closeExpected, err := conditions(*expect)
	if err != nil {
		return err
	}
	defer closeExpected()
	done := "detached"
	switch {
	case *dryRun:
		done = "would detach"
	case *byLink:
		if err := detachLink(ctx, client, s.Ifindex); err != nil {
			return err
		}
	default:
		opt := &xps.DetachOptions{}
		if cond != nil {
			opt.Expected, opt.ExpectedID = cond.Expected, cond.ExpectedID
		}
		if err := client.Detach(ctx, s.Ifindex, opt); err != nil {
			return err
		}
	}
	if o.json {
		return writeJSON(c.stdout, map[string]any{"name": s.Name, "ifindex": s.Ifindex, "id": s.ProgramID, "detached": !*dryRun && s.Attached})
	}
	if !s.Attached {
		_, err = fmt.Fprintf(c.stdout, "%s: no program was attached\n", s.Name)
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "%s: %s program %d\n", s.Name, done, s.ProgramID)
	return err
}

func detachLink(ctx context.Context, client *xps.Client, ifindex int) error {
	s, err := client.Query(ctx, ifindex, &xps.QueryOptions{Links: true})
	if err != nil {
		return err
	}
	if s.Via != xps.ViaLink {
		return fmt.Errorf("detach the link of %s: no program is attached through a link", s.Name)
	}
	l, err := xps.OpenLinkID(ctx, s.LinkID)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Detach(ctx)
}

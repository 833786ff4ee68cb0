// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"xpsgen/bpf/xps"
)

func watchCommand() *command {
	return &command{
		name: "watch", args: "[options]", what: "print changes until interrupted",
		help: `Prints a line for each attach, detach or replace in the network namespace. With
--json it prints an object instead. Ends with Ctrl-C, or after --count changes.

If notifications are lost (ENOBUFS), xps dumps the state, prints the differences,
and says so on stderr.`,
		do: watch,
	}
}

// change is the JSON form of an event.
type change struct {
	Name    string `json:"name"`
	Ifindex int    `json:"ifindex"`
	Old     uint32 `json:"old_id"`
	New     uint32 `json:"new_id"`
	Removed bool   `json:"removed"`
}

func watch(ctx context.Context, c *call, args []string) error {
	var o common
	fs := c.flags(&o)
	count := fs.Int("count", 0, "end after `N` changes")
	if rest, err := c.parse(fs, args); err != nil {
		return err
	} else if len(rest) != 0 {
		return usagef("%q: watch takes no arguments", rest)
	}
	if *count < 0 {
		return usagef("--count %d", *count)
	}
	if err := o.enter(); err != nil {
		return err
	}
	const buffer = 4 << 20
	w, err := xps.Watch(ctx, &xps.Config{ReceiveBuffer: buffer})
	if err != nil {
		return err
	}
	defer w.Close()
	for n := 0; *count == 0 || n < *count; {
		e, err := w.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, xps.ErrOverrun):
			fmt.Fprintln(c.stderr, "xps watch: notifications were lost; the next lines are the differences")
			continue
		case err != nil:
			return err
		}
		n++
		if err := print(c, &o, e); err != nil {
			return err
		}
	}
	return nil
}

func print(c *call, o *common, e xps.Event) error {
	if o.json {
		return json.NewEncoder(c.stdout).Encode(change{e.Name, e.Ifindex, uint32(e.Old.ProgramID), uint32(e.New.ProgramID), e.Removed})
	}
	what := fmt.Sprintf("program %d replaced by %d", e.Old.ProgramID, e.New.ProgramID)
	switch {
	case e.Removed:
		what = fmt.Sprintf("removed with program %d", e.Old.ProgramID)
	case e.Old.ProgramID == 0:
		what = fmt.Sprintf("program %d attached", e.New.ProgramID)
	case e.New.ProgramID == 0:
		what = fmt.Sprintf("program %d detached", e.Old.ProgramID)
	}
	_, err := fmt.Fprintf(c.stdout, "%s: %s\n", e.Name, what)
	return err
}

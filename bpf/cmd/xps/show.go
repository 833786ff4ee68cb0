// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/cilium/ebpf"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

func showCommand() *command {
	return &command{
		name: "show", args: "[DEVICE...] [options]", what: "print devices and their programs",
		help: `Prints a row per device: name, driver, queues in use, maximum number of queues, and
the program: its name, id, tag, attach method, run count (needs sysctl
kernel.bpf_stats_enabled=1) and the user who loaded it. Shows DEVICE, or all devices
if none is given.

Details of a program need CAP_SYS_ADMIN. An unknown value is "-", or null in JSON.`,
		do: show,
	}
}

// device has the fields that show prints for a device. It is also the JSON.
type device struct {
	Name      string   `json:"name"`
	Ifindex   int      `json:"ifindex"`
	Driver    *string  `json:"driver"`
	Queues    *int     `json:"queues"`
	MaxQueues int      `json:"max_queues"`
	Program   *program `json:"program"`
}

// program is an attached program.
type program struct {
	ID       uint32    `json:"id"`
	Name     *string   `json:"name"`
	Tag      *string   `json:"tag"`
	Via      *string   `json:"via"`
	LinkID   *uint32   `json:"link_id"`
	RunCount *uint64   `json:"run_count"`
	UID      *uint32   `json:"uid"`
	HeldBy   []holder  `json:"held_by,omitempty"`
	Stats    *counters `json:"stats,omitempty"`
}

// counters are the counters of a policy: by return value, by queue, and by reason. The queue
// is the one that the value selects with the current number of queues in use.
type counters struct {
	Values  map[int]uint64    `json:"values"`
	Queues  map[int]uint64    `json:"queues"`
	Reasons map[string]uint64 `json:"reasons"`
}

func show(ctx context.Context, c *call, args []string) error {
	var o common
	fs := c.flags(&o)
	stats := fs.Bool("stats", false, "print the counters of policies")
	who := fs.Bool("who", false, "print the processes that have the program or its link open")
	attached := fs.Bool("attached", false, "omit devices without a program")
	names, err := c.parse(fs, args)
	if err != nil {
		return err
	}
	if err := o.enter(); err != nil {
		return err
	}
	client, err := xps.Dial(nil)
	if err != nil {
		return err
	}
	defer client.Close()
	// Without the capability, only Via and LinkID of the states are unknown.
	states, err := client.List(ctx, &xps.ListOptions{Links: true})
	if err != nil && !(states != nil && errors.Is(err, xps.ErrPermission)) {
		return err
	}
	sys, unmount, err := mountSysfs(o.netns != "")
	if err != nil {
		fmt.Fprintf(c.stderr, "xps show: queues in use are not known: %v\n", err)
		sys, unmount = &sysfs{os.DevNull}, func() {}
	}
	defer unmount()
	if *who && os.Geteuid() != 0 {
		fmt.Fprintln(c.stderr, "xps show: --who finds only processes of this user (run as root)")
	}

	// An empty list is [] in JSON.
	devices := []device{}
	wanted := make(map[int]bool)
	for _, name := range names {
		s, err := pick(states, name)
		if err != nil {
			return err
		}
		wanted[s.Ifindex] = true
	}
	for _, s := range states {
		if len(names) != 0 && !wanted[s.Ifindex] || *attached && !s.Attached {
			continue
		}
		d, err := describe(s, sys, *stats, *who)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		devices = append(devices, d)
	}
	if o.json {
		return writeJSON(c.stdout, devices)
	}
	return table(c.stdout, devices)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(v)
}

// describe collects what is known of a device and its program.
func describe(s xps.State, sys *sysfs, stats, who bool) (device, error) {
	d := device{Name: s.Name, Ifindex: s.Ifindex, MaxQueues: s.MaxQueues}
	if n := sys.queues(s.Name); n != 0 {
		d.Queues = &n
	}
	if name := driver(s.Name); name != "" {
		d.Driver = &name
	}
	if !s.Attached {
		return d, nil
	}
	p := &program{ID: uint32(s.ProgramID)}
	d.Program = p
	if s.Via != xps.ViaUnknown {
		p.Via = ptr(s.Via.String())
	}
	if s.LinkID != 0 {
		p.LinkID = ptr(uint32(s.LinkID))
	}
	if who {
		p.HeldBy = holders(uint32(s.ProgramID), uint32(s.LinkID))
	}
	prog, err := ebpf.NewProgramFromID(s.ProgramID)
	switch {
	case stats && errors.Is(err, os.ErrPermission):
		return d, fmt.Errorf("read the counters of program %d: %w (needs CAP_SYS_ADMIN)", p.ID, err)
	case stats && errors.Is(err, os.ErrNotExist):
		return d, fmt.Errorf("read the counters of program %d: %w (the program was replaced or detached)", p.ID, err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist):
		return d, nil
	case err != nil:
		return d, fmt.Errorf("open program %d: %w", p.ID, err)
	}
	defer prog.Close()
	return d, p.fill(prog, stats, d.Queues)
}

func (p *program) fill(prog *ebpf.Program, stats bool, inUse *int) error {
	info, err := prog.Info()
	if err != nil {
		return fmt.Errorf("get information about program %d: %w", p.ID, err)
	}
	p.Name, p.Tag = ptr(info.Name), ptr(info.Tag)
	if uid, ok := info.CreatedByUID(); ok {
		p.UID = ptr(uid)
	}
	if s, err := prog.Stats(); err == nil && (s.RunCount != 0 || statsEnabled()) {
		p.RunCount = ptr(s.RunCount)
	}
	if !stats {
		return nil
	}
	c, err := policy.CountersOf(prog)
	if errors.Is(err, policy.ErrNoCounters) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Stats = &counters{Values: c.Queues, Reasons: make(map[string]uint64)}
	if inUse != nil {
		p.Stats.Queues = make(map[int]uint64)
		for v, n := range c.Queues {
			p.Stats.Queues[v%*inUse] += n
		}
	}
	for r, n := range c.Reasons {
		p.Stats.Reasons[r.String()] = n
	}
	return nil
}

// statsEnabled reports whether the kernel counts how often programs run.
func statsEnabled() bool {
	b, err := os.ReadFile("/proc/sys/kernel/bpf_stats_enabled")
	return err == nil && strings.TrimSpace(string(b)) != "0"
}

func ptr[T any](v T) *T { return &v }

// text prints a value that may not be known.
func text[T any](v *T) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}

func table(w io.Writer, devices []device) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DEVICE\tDRIVER\tQUEUES\tPROGRAM\tID\tTAG\tVIA\tRUNS\tUID")
	for _, d := range devices {
		p := d.Program
		if p == nil {
			p = &program{}
		}
		id, via := "-", text(p.Via)
		if p.ID != 0 {
			id = strconv.FormatUint(uint64(p.ID), 10)
		}
		if p.LinkID != nil {
			via += " " + text(p.LinkID)
		}
		fmt.Fprintf(t, "%s\t%s\t%s/%d\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Name, text(d.Driver), text(d.Queues), d.MaxQueues,
			text(p.Name), id, text(p.Tag), via, text(p.RunCount), text(p.UID))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range devices {
		if d.Program == nil {
			continue
		}
		for _, h := range d.Program.HeldBy {
			fmt.Fprintf(w, "%s: held by %s (pid %d)\n", d.Name, h.Command, h.PID)
		}
		if s := d.Program.Stats; s != nil {
			what, by := "queue", s.Queues
			if by == nil {
				what, by = "value returned", s.Values
			}
			fmt.Fprintf(w, "%s: packets by %s:%s\n", d.Name, what, list(by, func(a, b int) int { return a - b }))
			fmt.Fprintf(w, "%s: packets by reason:%s\n", d.Name, list(s.Reasons, strings.Compare))
		}
	}
	return nil
}

func list[K comparable](m map[K]uint64, compare func(a, b K) int) string {
	var sb strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(m), compare) {
		fmt.Fprintf(&sb, " %v=%d", k, m[k])
	}
	if len(m) == 0 {
		return " none"
	}
	return sb.String()
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

// common are the options of every command.
type common struct {
	netns string
	json  bool
}

// flags makes the flag set of a command.
func (c *call) flags(o *common) *flag.FlagSet {
	fs := flag.NewFlagSet("xps "+c.command.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.netns, "netns", "", "network namespace: a `NAME` of ip netns, a path, or a process id (default the current one)")
	fs.BoolVar(&o.json, "json", false, "print JSON")
	return fs
}

// parse returns the arguments that are not options. Options may follow them.
func (c *call) parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(c.stdout, "usage: xps %s %s\n\n%s\n\nOptions:\n", c.command.name, c.command.args, c.command.help)
			printOptions(c.stdout, fs)
			return nil, errHelp
		}
		if err != nil {
			// Package flag writes one dash.
			return nil, usagef("%s", oneDash.ReplaceAllString(err.Error(), "$1 --"))
		}
		if fs.NArg() == 0 {
			if given(fs, "netns") && fs.Lookup("netns").Value.String() == "" {
				return nil, usagef("--netns is empty")
			}
			return rest, nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// oneDash matches an option in a message of package flag.
var oneDash = regexp.MustCompile(`(flag|defined:|argument:) -`)

// printOptions lists the options of a command.
func printOptions(w io.Writer, fs *flag.FlagSet) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fs.VisitAll(func(f *flag.Flag) {
		arg, text := flag.UnquoteUsage(f)
		if arg != "" {
			arg = " " + strings.ToUpper(arg)
		}
		fmt.Fprintf(t, "  --%s%s\t%s\n", f.Name, arg, text)
	})
	t.Flush()
}

// given reports whether an option was given.
func given(fs *flag.FlagSet, name string) bool {
	found := false
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// enter moves the thread to the network namespace, if one is given. /sys continues to
// show the devices of the old one: see mountSysfs.
func (o *common) enter() error {
	if o.netns == "" {
		return nil
	}
	path := o.netns
	if _, err := strconv.Atoi(path); err == nil {
		path = "/proc/" + path + "/ns/net"
	} else if !strings.Contains(path, "/") {
		path = "/run/netns/" + path
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open network namespace %s: %w", o.netns, err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w (needs CAP_SYS_ADMIN, and a file of ip netns or /proc/PID/ns/net)", o.netns, err)
	}
	return nil
}

// parseQueues reads a list of queues: 1-7, 0,2,4-6.
func parseQueues(list string) ([]int, error) {
	var queues []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, err := strconv.ParseUint(first, 10, 16)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(last, 10, 16)
		}
		if err != nil || b < a {
			return nil, usagef("queues %q: want a list such as 0,2,4-7", list)
		}
		for q := a; q <= b; q++ {
			queues = append(queues, int(q))
		}
	}
	return queues, nil
}

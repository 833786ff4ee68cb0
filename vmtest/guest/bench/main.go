// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command bench runs in the guest and counts the instructions that a packet
// costs, for each way to choose its transmit queue. It prints the lines of
// package record.
//
// The machine must have one CPU and count instructions; then its clock is the
// count. Everything that could run beside the measured code is kept away: the
// program has one thread that matters, at a real-time priority, and collects
// no garbage.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/guest/suite/rtnl"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	unpatched := flags.Bool("unpatched", false, "leave out what needs the hook")
	rounds := flags.Int("rounds", 8, "rounds without an interrupt that a figure needs")
	only := flags.String("run", "", "only contenders and paths that match CONTENDER/PATH, patterns as of path.Match")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	b := &bench{unpatched: *unpatched, rounds: *rounds, only: *only, out: json.NewEncoder(stdout)}
	if err := b.run(); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// bench is one run.
type bench struct {
	unpatched  bool
	rounds     int
	only       string
	out        *json.Encoder
	conn       *rtnl.Conn
	client     *xps.Client
	interrupts *interrupts
}

func (b *bench) run() (err error) {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if err := quiet(); err != nil {
		return err
	}
	if b.conn, err = rtnl.Dial(); err != nil {
		return err
	}
	defer b.conn.Close()
	if b.client, err = xps.Dial(nil); err != nil {
		return err
	}
	defer b.client.Close()
	if b.interrupts, err = openInterrupts(); err != nil {
		return err
	}
	jobs, err := b.jobs()
	if err != nil {
		return err
	}
	if err := b.out.Encode(record.Line{Plan: len(jobs)}); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, j := range jobs {
		if err := b.out.Encode(record.Line{Begin: &j.id}); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		result, err := j.measure(b)
		if err != nil {
			return fmt.Errorf("%s by %s: %w", j.id.Contender, j.id.Path, err)
		}
		result.ID = j.id
		if err := b.out.Encode(record.Line{Result: result}); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		// Between measurements, so that memory does not run out.
		runtime.GC()
	}
	return nil
}

// quiet keeps everything away that would run beside what is measured.
func quiet() error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	// No other thread of this program, nor any other program, gets the CPU
	// while this one wants it.
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("real-time priority: %w", err)
	}
	for path, value := range map[string]string{
		// A real-time thread is otherwise stopped for a twentieth of each second.
		"/proc/sys/kernel/sched_rt_runtime_us": "-1",
		// Nothing but what is measured is sent.
		"/proc/sys/net/ipv6/conf/all/disable_ipv6":     "1",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6": "1",
	} {
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
	}
	return nil
}

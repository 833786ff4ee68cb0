// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command bench runs in the guest. It counts the instructions that sending a packet
// costs, for each way to select its transmit queue. It prints the lines that package
// record defines.
//
// The machine must have one CPU and count instructions, so that its clock is the count.
// Nothing else may run during the measured code. The program therefore measures in one thread
// with real-time priority and disables garbage collection.
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
	unpatched := flags.Bool("unpatched", false, "leave out measurements that need the hook")
	rounds := flags.Int("rounds", 8, "number of rounds without an interrupt for each figure")
	only := flags.String("run", "", "measure only what matches the pattern CONTENDER/PATH (as in path.Match)")
	key := flags.String("alternative", "", "the kernel has this alternative to the hook: measure it alone")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	b := &bench{unpatched: *unpatched, rounds: *rounds, only: *only, alternative: *key, out: json.NewEncoder(stdout)}
	if err := b.run(); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// bench is one run.
type bench struct {
	unpatched bool
	rounds    int
	only      string
	// alternative is the key of the alternative that the kernel has instead of the
	// hook. Only what needs it is measured.
	alternative string
	// everything lists the measurements of all kernels.
	everything bool
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
		return fmt.Errorf("report the results: %w", err)
	}
	for _, j := range jobs {
		if err := b.out.Encode(record.Line{Begin: &j.id}); err != nil {
			return fmt.Errorf("report the results: %w", err)
		}
		result, err := j.measure(b)
		if err != nil {
			return fmt.Errorf("%s by %s: %w", j.id.Contender, j.id.Path, err)
		}
		result.ID = j.id
		if err := b.out.Encode(record.Line{Result: result}); err != nil {
			return fmt.Errorf("report the results: %w", err)
		}
		// Collect garbage between measurements, so that memory does not run out.
		runtime.GC()
	}
	return nil
}

// quiet stops everything that could run during the measured code.
func quiet() error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	// No other thread gets the CPU while this one can run.
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("real-time priority: %w", err)
	}
	for path, value := range map[string]string{
		// By default the kernel stops a real-time thread for 5 % of each second.
		"/proc/sys/kernel/sched_rt_runtime_us": "-1",
		// IPv6 would send additional packets.
		"/proc/sys/net/ipv6/conf/all/disable_ipv6":     "1",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6": "1",
	} {
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
	}
	return nil
}

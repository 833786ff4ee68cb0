// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

// Spread the flows that leave by eth0 over queues 1 to 3 of 4, unless it has a
// program already.
func ExampleClient_Attach() {
	ctx := context.Background()
	plan, err := policy.Plan([]int{1, 2, 3}, 4, 4, 0)
	if err != nil {
		log.Print(err)
		return
	}
	p, err := policy.LoadFlowHash(&policy.FlowHash{Plan: plan})
	if err != nil {
		log.Print(err)
		return
	}
	defer p.Close() // the device has its own reference

	c, err := xps.Dial(&xps.Config{
		Warn: func(w xps.Warning) { log.Print(w.Message) },
	})
	if err != nil {
		log.Print(err)
		return
	}
	defer c.Close()

	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Print(err)
		return
	}
	err = c.Attach(ctx, eth0.Index, p.Program, &xps.AttachOptions{NoReplace: true})
	switch {
	case errors.Is(err, xps.ErrNotSupported):
		log.Print("boot a kernel with the XPS hook: ", err)
	case errors.Is(err, xps.ErrAttached):
		log.Print("left as it was: ", err)
	case err != nil:
		log.Print(err)
	default:
		fmt.Println("attached")
	}
}

// Replace a program by its next version, unless somebody else has replaced it.
func ExampleAttachOptions() {
	replace := func(ctx context.Context, c *xps.Client, ifindex int, old, next *ebpf.Program) error {
		err := c.Attach(ctx, ifindex, next, &xps.AttachOptions{Expected: old})
		if errors.Is(err, xps.ErrUnexpectedProgram) {
			return fmt.Errorf("somebody else has replaced it: %w", err)
		}
		return err
	}
	_ = replace
}

// Fill the map of a program that selects by protocol and port: HTTPS leaves by
// queue 1.
func ExampleClient_Attach_map() {
	var objs bpf.XpsPortObjects
	if err := bpf.LoadXpsPortObjects(&objs, nil); err != nil {
		log.Print(err)
		return
	}
	defer objs.Close()

	const tcp, destination = 6, 0
	key := bpf.XpsPortXpsPortKey{Protocol: tcp, Port: 443, Side: destination}
	if err := objs.PortQueue.Put(key, int32(1)); err != nil {
		log.Print(err)
		return
	}

	c, err := xps.Dial(nil)
	if err != nil {
		log.Print(err)
		return
	}
	defer c.Close()
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Print(err)
		return
	}
	if err := c.Attach(context.Background(), eth0.Index, objs.XpsPort, nil); err != nil {
		log.Print(err)
		return
	}
	fmt.Println("attached")
}

// Print the devices that have a program.
func ExampleClient_List() {
	c, err := xps.Dial(nil)
	if err != nil {
		log.Print(err)
		return
	}
	defer c.Close()
	states, err := c.List(context.Background(), nil)
	if err != nil {
		log.Print(err)
		return
	}
	for _, s := range states {
		if s.Attached {
			fmt.Printf("%s: program %d\n", s.Name, s.ProgramID)
		}
	}
}

// Print changes until interrupted.
func ExampleWatch() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w, err := xps.Watch(ctx, nil)
	if err != nil {
		log.Print(err)
		return
	}
	defer w.Close()
	for {
		e, err := w.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, xps.ErrOverrun):
			continue // the next events make up for what was lost
		case err != nil:
			log.Print(err)
			return
		}
		fmt.Printf("%s: program %d, before %d\n", e.Name, e.New.ProgramID, e.Old.ProgramID)
	}
}

// Steer until interrupted. However the process ends, the kernel detaches the
// program.
func ExampleAttachLink() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p, err := policy.LoadCPU(policy.Queues[uint32]{0: 1}, policy.Options{})
	if err != nil {
		log.Print(err)
		return
	}
	defer p.Close()
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Print(err)
		return
	}

	l, err := xps.AttachLink(ctx, eth0.Index, p.Program, nil)
	if errors.Is(err, xps.ErrAttached) {
		log.Print("eth0 has a program: ", err)
		return
	} else if err != nil {
		log.Print(err)
		return
	}
	defer l.Close() // also keeps the garbage collector from closing the link

	fmt.Println("attached")
	<-ctx.Done()
}

// Open the link that an earlier process pinned, and replace its program. The change is
// atomic: the kernel runs the old or the new program for each packet.
func ExampleOpenLink() {
	takeOver := func(ctx context.Context, next *ebpf.Program) error {
		l, err := xps.OpenLink(ctx, "/sys/fs/bpf/steer-eth0")
		if err != nil {
			return err
		}
		defer l.Close() // the file holds the link
		return l.Update(ctx, next, nil)
	}
	_ = takeOver
}

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
	"xpsgen/bpf/xps"
)

// Spread the flows that leave by eth0 over its first four queues, unless
// somebody else has a program there.
func ExampleClient_Attach() {
	spec, err := bpf.Spec("xps_flow_hash")
	if err != nil {
		log.Fatal(err)
	}
	if err := spec.Variables[bpf.XpsFlowHashVarQueues].Set(uint32(4)); err != nil {
		log.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		log.Fatal(err)
	}
	defer coll.Close() // the device keeps its own reference

	c, err := xps.Dial(&xps.Config{
		Warn: func(w xps.Warning) { log.Print(w.Message) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}
	prog := coll.Programs[bpf.XpsFlowHashProgXpsFlowHash]
	err = c.Attach(eth0.Index, prog, &xps.AttachOptions{NoReplace: true})
	switch {
	case errors.Is(err, xps.ErrNotSupported):
		log.Fatal("boot a kernel with the XPS hook: ", err)
	case errors.Is(err, xps.ErrAttached):
		log.Print("left as it was: ", err)
	case err != nil:
		log.Fatal(err)
	}
}

// Exchange a program for its next version, but not somebody else's.
func ExampleAttachOptions() {
	replace := func(c *xps.Client, ifindex int, old, next *ebpf.Program) error {
		err := c.Attach(ifindex, next, &xps.AttachOptions{Expected: old})
		if errors.Is(err, xps.ErrUnexpectedProgram) {
			return fmt.Errorf("somebody else has taken over: %w", err)
		}
		return err
	}
	_ = replace
}

// Fill the map of a program that chooses by protocol and port: HTTPS to queue
// 1.
func ExampleClient_Attach_map() {
	var objs bpf.XpsPortObjects
	if err := bpf.LoadXpsPortObjects(&objs, nil); err != nil {
		log.Fatal(err)
	}
	defer objs.Close()

	const tcp, destination = 6, 0
	key := bpf.XpsPortXpsPortKey{Protocol: tcp, Port: 443, Side: destination}
	if err := objs.PortQueue.Put(key, int32(1)); err != nil {
		log.Fatal(err)
	}

	c, err := xps.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Attach(eth0.Index, objs.XpsPort, nil); err != nil {
		log.Fatal(err)
	}
}

// Print the devices that have a program.
func ExampleClient_List() {
	c, err := xps.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	states, err := c.List()
	if err != nil {
		log.Fatal(err)
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
		e, err := w.Next()
		switch {
		case errors.Is(err, context.Canceled):
			return
		case errors.Is(err, xps.ErrOverrun):
			continue // what follows makes up for what was lost
		case err != nil:
			log.Print(err)
			return
		}
		fmt.Printf("%s: program %d, before %d\n", e.Name, e.New.ProgramID, e.Old.ProgramID)
	}
}

// Steer for as long as this process lives: whatever becomes of it, the device is
// left as it was.
func ExampleAttachLink() {
	var objs bpf.XpsCpuObjects
	if err := bpf.LoadXpsCpuObjects(&objs, nil); err != nil {
		log.Fatal(err)
	}
	defer objs.Close()
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}

	l, err := xps.AttachLink(eth0.Index, objs.XpsCpu, nil)
	if errors.Is(err, xps.ErrAttached) {
		log.Fatal("somebody else steers eth0: ", err)
	} else if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
}

// Hand a link over to the next version of a program without a packet chosen for
// by neither.
func ExampleOpenLink() {
	takeOver := func(next *ebpf.Program) (*xps.Link, error) {
		l, err := xps.OpenLink("/sys/fs/bpf/steer-eth0")
		if err != nil {
			return nil, err
		}
		if err := l.Update(next, nil); err != nil {
			l.Close()
			return nil, err
		}
		return l, nil
	}
	_ = takeOver
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// sizes are the numbers of queues and of devices to measure.
func sizes() []int { return []int{1, 2, 8, 64} }

// growth is a figure that may grow with the number of queues or devices.
type growth struct {
	name, path string
	hook       bool
	measure    func(b *bench, size int) (*record.Result, error)
}

func growths() []growth {
	return []growth{
		{name: "none", path: "pick-by-queues", measure: pickByQueues(nothing)},
		{name: "xps-const", path: "pick-by-queues", hook: true, measure: pickByQueues(constant(wanted))},
		{name: "xps-const", path: "pick-by-devices", hook: true, measure: pickByDevices},
		{name: "xps-const", path: "attach-by-queues", hook: true, measure: byQueues(attaching)},
		{name: "xps-const", path: "attach-by-devices", hook: true, measure: byDevices(attaching, true)},
		{name: "xps-const", path: "attach-first-by-devices", hook: true, measure: byDevices(attaching, false)},
		{name: "xps-const", path: "replace-by-queues", hook: true, measure: byQueues(replacing)},
		{name: "xps-const", path: "replace-by-devices", hook: true, measure: byDevices(replacing, true)},
		{name: "xps-const", path: "detach-by-queues", hook: true, measure: byQueues(detaching)},
		{name: "xps-const", path: "detach-by-devices", hook: true, measure: byDevices(detaching, true)},
		{name: "xps-const", path: "detach-last-by-devices", hook: true, measure: byDevices(detaching, false)},
		{name: "none", path: "dump-by-devices", measure: dumpByDevices(nil)},
		{name: "xps-const", path: "dump-by-devices", hook: true, measure: dumpByDevices(constant(wanted))},
	}
}

// pickByQueues measures selecting a queue on devices with a growing number of queues.
func pickByQueues(set func(*setting) error) func(*bench, int) (*record.Result, error) {
	return func(b *bench, size int) (*record.Result, error) {
		return b.packets(contender{asks: record.NoQueue, set: set}, way{open: openLoop(false, false)}, size)
	}
}

// many creates devices with programs and sets the last one as the device to measure.
func (b *bench) many(s *setting, count, queues int, set func(*setting) error) error {
	for i := range count {
		d, err := dummy(b.conn, fmt.Sprintf("bench%d", i), queues)
		if err != nil {
			return err
		}
		s.device = d
		s.later(d.remove)
		if set == nil {
			continue
		}
		if err := set(s); err != nil {
			return err
		}
	}
	return nil
}

func pickByDevices(b *bench, size int) (_ *record.Result, err error) {
	s := &setting{conn: b.conn, client: b.client}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := b.many(s, size, queues, constant(wanted)); err != nil {
		return nil, err
	}
	r := &record.Result{Asked: wanted}
	return r, b.repeat(r, s.device, way{open: openLoop(false, false)})
}

// dumpByDevices measures the cost of one device in a dump of all links.
func dumpByDevices(set func(*setting) error) func(*bench, int) (*record.Result, error) {
	return func(b *bench, size int) (_ *record.Result, err error) {
		s := &setting{conn: b.conn, client: b.client}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := b.many(s, size, queues, set); err != nil {
			return nil, err
		}
		r, err := openRequest()
		if err != nil {
			return nil, err
		}
		r.dump = true
		payload, err := rtnl.Message(0, nil)
		if err == nil {
			err = r.add(unix.RTM_GETLINK, netlink.Dump, payload)
		}
		if err != nil {
			r.close()
			return nil, err
		}
		links, err := b.conn.Dump()
		if err != nil {
			r.close()
			return nil, err
		}
		r.count = len(links)
		result := &record.Result{Asked: record.NoQueue}
		return result, b.repeat(result, s.device, way{open: func(*device) (sender, error) { return r, nil }})
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// sizes are the numbers of queues, and of devices, that figures are taken for.
func sizes() []int { return []int{1, 2, 8, 64} }

// A growth is a figure that might grow with a number.
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
		{name: "xps-const", path: "replace-by-queues", hook: true, measure: replaceByQueues},
		{name: "xps-const", path: "replace-by-devices", hook: true, measure: replaceByDevices},
		{name: "none", path: "dump-by-devices", measure: dumpByDevices(nil)},
		{name: "xps-const", path: "dump-by-devices", hook: true, measure: dumpByDevices(constant(wanted))},
	}
}

// pickByQueues measures the choice on devices with more and more queues.
func pickByQueues(set func(*setting) error) func(*bench, int) (*record.Result, error) {
	return func(b *bench, size int) (*record.Result, error) {
		return b.packets(contender{asks: record.NoQueue, set: set}, way{open: openLoop(false, false)}, size)
	}
}

// many makes devices with programs, and returns the last one.
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

func replaceByQueues(b *bench, size int) (*record.Result, error)  { return b.replace(1, size) }
func replaceByDevices(b *bench, size int) (*record.Result, error) { return b.replace(size, queues) }

// replace counts the instructions of one request that gives a device another
// program, with all that the kernel does in answer, the notification too.
// Attaching where nothing was before, and detaching, wait for other CPUs and
// for grace periods, which is time and not work.
func (b *bench) replace(devices, queues int) (_ *record.Result, err error) {
	s := &setting{conn: b.conn, client: b.client}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := b.many(s, devices, queues, constant(wanted)); err != nil {
		return nil, err
	}
	r, err := openReplacer(s.device.index)
	if err != nil {
		return nil, err
	}
	result := &record.Result{Asked: record.NoQueue}
	return result, b.repeat(result, s.device, way{open: func(*device) (sender, error) { return r, nil }})
}

// request is a socket with requests ready to be sent, so that nothing but the
// kernel is measured.
type request struct {
	fd       int
	requests [][]byte
	programs []*ebpf.Program
	buf      []byte
	// dump says that many messages answer.
	dump  bool
	count int
}

func openRequest() (*request, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	return &request{fd: fd, buf: make([]byte, 64<<10), count: 1}, nil
}

func (r *request) add(typ uint16, flags netlink.HeaderFlags, payload []byte) error {
	m := netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(typ), Flags: netlink.Request | flags},
		Data:   payload,
	}
	m.Header.Length = uint32(unix.NLMSG_HDRLEN + len(payload))
	b, err := m.MarshalBinary()
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	r.requests = append(r.requests, b)
	return nil
}

// openReplacer makes two programs and two requests, each of which replaces
// what the other attached.
func openReplacer(ifindex int) (_ *request, err error) {
	r, err := openRequest()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	for q := range int32(2) {
		prog, err := ebpf.NewProgram(constantProgram(q))
		if err != nil {
			return nil, fmt.Errorf("load constant: %w", err)
		}
		r.programs = append(r.programs, prog)
		payload, err := rtnl.Message(ifindex, func(ae *netlink.AttributeEncoder) {
			rtnl.XPSNest(ae, func(ae *netlink.AttributeEncoder) { ae.Int32(uapi.IFLA_XPS_FD, int32(prog.FD())) })
		})
		if err != nil {
			return nil, err
		}
		if err := r.add(unix.RTM_SETLINK, netlink.Acknowledge, payload); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *request) send() error {
	for _, b := range r.requests {
		if _, err := unix.Write(r.fd, b); err != nil {
			return fmt.Errorf("send request: %w", err)
		}
		for {
			n, _, err := unix.Recvfrom(r.fd, r.buf, 0)
			if err != nil {
				return fmt.Errorf("receive answer: %w", err)
			}
			done, err := finished(r.buf[:n])
			if err != nil {
				return err
			}
			if done || !r.dump {
				break
			}
		}
	}
	return nil
}

// finished walks what arrived in one piece: the end of a dump may come behind
// its last links.
func finished(b []byte) (bool, error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := binary.NativeEndian.Uint32(b)
		typ := binary.NativeEndian.Uint16(b[4:])
		if size < unix.NLMSG_HDRLEN || int(size) > len(b) {
			return false, fmt.Errorf("answer: %d bytes in a message of %d", len(b), size)
		}
		switch {
		case typ == unix.NLMSG_DONE:
			return true, nil
		case typ == unix.NLMSG_ERROR && size >= unix.NLMSG_HDRLEN+4:
			if errno := -int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:])); errno != 0 {
				return false, fmt.Errorf("the kernel refused: %w", unix.Errno(errno))
			}
			return true, nil
		}
		b = b[min(len(b), int(size+3)&^3):]
	}
	return false, nil
}

func (r *request) ops() int { return len(r.requests) * r.count }

func (r *request) close() {
	unix.Close(r.fd)
	for _, p := range r.programs {
		p.Close()
	}
}

// dumpByDevices counts what a device costs in a dump of all links.
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

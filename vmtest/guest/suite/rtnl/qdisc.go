// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Qdisc describes a qdisc to add.
type Qdisc struct {
	// Ifindex is the device; Kind is the name of the qdisc.
	Ifindex int
	Kind    string
	// Handle is the major number that classes and filters refer to. The qdisc becomes
	// the root of the device.
	Handle uint16
	// Options is a fixed structure of package uapi, or nil.
	Options any
}

// trafficHeader encodes a struct tcmsg.
func trafficHeader(ifindex int, handle, parent, info uint32) []byte {
	const size = 20
	b := make([]byte, size)
	binary.NativeEndian.PutUint32(b[4:], uint32(int32(ifindex)))
	binary.NativeEndian.PutUint32(b[8:], handle)
	binary.NativeEndian.PutUint32(b[12:], parent)
	binary.NativeEndian.PutUint32(b[16:], info)
	return b
}

// SetQdisc makes q the root qdisc of a device, replacing the current one.
func (c *Conn) SetQdisc(q Qdisc) error {
	ae := netlink.NewAttributeEncoder()
	ae.String(uapi.TCA_KIND, q.Kind)
	if q.Options != nil {
		options, err := binary.Append(nil, binary.NativeEndian, q.Options)
		if err != nil {
			return fmt.Errorf("options of qdisc %s: %w", q.Kind, err)
		}
		ae.Bytes(uapi.TCA_OPTIONS, options)
	}
	attrs, err := ae.Encode()
	if err != nil {
		return fmt.Errorf("encode qdisc %s: %w", q.Kind, err)
	}
	msg := append(trafficHeader(q.Ifindex, uint32(q.Handle)<<16, uapi.TC_H_ROOT, 0), attrs...)
	if _, err := c.Do(unix.RTM_NEWQDISC, netlink.Create|netlink.Replace, msg); err != nil {
		return fmt.Errorf("set qdisc %s of link %d: %w", q.Kind, q.Ifindex, err)
	}
	return nil
}

// AddClassifier adds a SCHED_CLS program that classifies the packets of a qdisc. Its
// return value is the class.
func (c *Conn) AddClassifier(ifindex int, handle uint16, program int) error {
	ae := netlink.NewAttributeEncoder()
	ae.String(uapi.TCA_KIND, "bpf")
	ae.Nested(uapi.TCA_OPTIONS, func(ae *netlink.AttributeEncoder) error {
		ae.Uint32(uapi.TCA_BPF_FD, uint32(program))
		ae.String(uapi.TCA_BPF_NAME, "suite")
		return nil
	})
	attrs, err := ae.Encode()
	if err != nil {
		return fmt.Errorf("encode classifier: %w", err)
	}
	const priority = 1
	all := uint32(unix.ETH_P_ALL&0xff)<<8 | unix.ETH_P_ALL>>8
	msg := append(trafficHeader(ifindex, 0, uint32(handle)<<16, priority<<16|all), attrs...)
	if _, err := c.Do(unix.RTM_NEWTFILTER, netlink.Create|netlink.Excl, msg); err != nil {
		return fmt.Errorf("add classifier to link %d: %w", ifindex, err)
	}
	return nil
}

// ClassPackets returns how many packets each class of a device has sent. The qdisc mq has
// one class per queue, so the index is the queue.
func (c *Conn) ClassPackets(ifindex int) ([]uint32, error) {
	msgs, err := c.nl.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETTCLASS, Flags: netlink.Request | netlink.Dump},
		Data:   trafficHeader(ifindex, 0, 0, 0),
	})
	if err != nil {
		return nil, fmt.Errorf("dump classes of link %d: %w", ifindex, err)
	}
	var packets []uint32
	for _, m := range msgs {
		queue, n, err := parseClass(m.Data)
		if err != nil {
			return nil, fmt.Errorf("class of link %d: %w", ifindex, err)
		}
		for len(packets) <= queue {
			packets = append(packets, 0)
		}
		packets[queue] = n
	}
	return packets, nil
}

// parseClass returns the minor number of a class, from 0, and its packets.
func parseClass(b []byte) (queue int, packets uint32, err error) {
	// linux/gen_stats.h: TCA_STATS_BASIC
	const header, handle, basic = 20, 8, 1
	if len(b) < header {
		return 0, 0, fmt.Errorf("tcmsg truncated: %d bytes, expected at least %d", len(b), header)
	}
	minor := binary.NativeEndian.Uint32(b[handle:]) & 0xffff
	if minor == 0 {
		return 0, 0, fmt.Errorf("class without a minor number")
	}
	ad, err := netlink.NewAttributeDecoder(b[header:])
	if err != nil {
		return 0, 0, err
	}
	for ad.Next() {
		if ad.Type() != uapi.TCA_STATS2 {
			continue
		}
		ad.Nested(func(ad *netlink.AttributeDecoder) error {
			for ad.Next() {
				// struct gnet_stats_basic: bytes, then packets.
				if b := ad.Bytes(); ad.Type() == basic && len(b) >= 12 {
					packets = binary.NativeEndian.Uint32(b[8:])
				}
			}
			return nil
		})
	}
	return int(minor) - 1, packets, ad.Err()
}

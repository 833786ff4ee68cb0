// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// tcMessage encodes a struct tcmsg and its attributes.
func tcMessage(ifindex int, handle, parent, info uint32, kind string, options func(*netlink.AttributeEncoder) error) ([]byte, error) {
	b := make([]byte, 4, 64)
	b = binary.NativeEndian.AppendUint32(b, uint32(ifindex))
	b = binary.NativeEndian.AppendUint32(b, handle)
	b = binary.NativeEndian.AppendUint32(b, parent)
	b = binary.NativeEndian.AppendUint32(b, info)
	ae := netlink.NewAttributeEncoder()
	ae.String(uapi.TCA_KIND, kind)
	if options != nil {
		ae.Nested(uapi.TCA_OPTIONS, options)
	}
	attrs, err := ae.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	return append(b, attrs...), nil
}

// clsact adds the tc hooks to a device.
func clsact(conn *rtnl.Conn, ifindex int) error {
	msg, err := tcMessage(ifindex, uapi.TC_H_CLSACT&uapi.TC_H_MAJ_MASK, uapi.TC_H_CLSACT, 0, "clsact", nil)
	if err != nil {
		return err
	}
	if _, err := conn.Do(unix.RTM_NEWQDISC, netlink.Create|netlink.Excl, msg); err != nil {
		return fmt.Errorf("add clsact: %w", err)
	}
	return nil
}

// egressFilter adds a filter for all packets that a device with clsact sends.
func egressFilter(conn *rtnl.Conn, ifindex int, kind string, options func(*netlink.AttributeEncoder) error) error {
	const parent = uapi.TC_H_CLSACT&uapi.TC_H_MAJ_MASK | uapi.TC_H_MIN_EGRESS
	const priority = 1
	msg, err := tcMessage(ifindex, 0, parent, priority<<16|uint32(swap(unix.ETH_P_ALL)), kind, options)
	if err != nil {
		return err
	}
	if _, err := conn.Do(unix.RTM_NEWTFILTER, netlink.Create|netlink.Excl, msg); err != nil {
		return fmt.Errorf("add %s filter: %w", kind, err)
	}
	return nil
}

// bpfFilter adds cls_bpf in direct-action mode.
func bpfFilter(conn *rtnl.Conn, ifindex, program int) error {
	return egressFilter(conn, ifindex, "bpf", func(ae *netlink.AttributeEncoder) error {
		ae.Uint32(uapi.TCA_BPF_FD, uint32(program))
		ae.String(uapi.TCA_BPF_NAME, "bench")
		ae.Uint32(uapi.TCA_BPF_FLAGS, uapi.TCA_BPF_FLAG_ACT_DIRECT)
		return nil
	})
}

// skbeditFilter sets the queue of every packet, which overrides the queue selection.
func skbeditFilter(conn *rtnl.Conn, ifindex int, queue uint16) error {
	return egressFilter(conn, ifindex, "matchall", func(ae *netlink.AttributeEncoder) error {
		ae.Nested(uapi.TCA_MATCHALL_ACT, func(ae *netlink.AttributeEncoder) error {
			const first = 1
			ae.Nested(first, func(ae *netlink.AttributeEncoder) error {
				ae.String(uapi.TCA_ACT_KIND, "skbedit")
				ae.Nested(uapi.TCA_ACT_OPTIONS, func(ae *netlink.AttributeEncoder) error {
					// struct tc_skbedit: index, capab, action, refcnt, bindcnt.
					parms := make([]byte, 20)
					binary.NativeEndian.PutUint32(parms[8:], uapi.TC_ACT_PIPE)
					ae.Bytes(uapi.TCA_SKBEDIT_PARMS, parms)
					ae.Uint16(uapi.TCA_SKBEDIT_QUEUE_MAPPING, queue)
					return nil
				})
				return nil
			})
			return nil
		})
		return nil
	})
}

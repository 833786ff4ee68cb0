// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// AddRoute adds a route to an IPv4 network through a gateway.
func (c *Conn) AddRoute(to netip.Prefix, gateway netip.Addr) error {
	b := make([]byte, unix.SizeofRtMsg)
	b[0] = unix.AF_INET
	b[1] = byte(to.Bits())
	b[4] = unix.RT_TABLE_MAIN
	b[5] = unix.RTPROT_STATIC
	b[6] = unix.RT_SCOPE_UNIVERSE
	b[7] = unix.RTN_UNICAST
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.RTA_DST, to.Masked().Addr().AsSlice())
	ae.Bytes(unix.RTA_GATEWAY, gateway.AsSlice())
	attrs, err := ae.Encode()
	if err != nil {
		return fmt.Errorf("encode route: %w", err)
	}
	if _, err := c.Do(unix.RTM_NEWROUTE, netlink.Create|netlink.Excl, append(b, attrs...)); err != nil {
		return fmt.Errorf("add route to %v via %v: %w", to, gateway, err)
	}
	return nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"

	"xpsgen/vmtest/guest/wire"
)

// userNet sets up the device whose packets QEMU turns into connections of the host. The
// addresses are those of QEMU's user mode network.
func userNet() error {
	ip := path.Join(wire.ToolDir, "ip")
	for _, args := range []string{
		"link set dev eth0 up",
		"addr add 10.0.2.15/24 dev eth0",
		"route add default via 10.0.2.2",
	} {
		if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("network: ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
		}
	}
	const resolver = "/run/xpsgen-resolv.conf"
	if err := os.WriteFile(resolver, []byte("nameserver 10.0.2.3\n"), 0o644); err != nil {
		return fmt.Errorf("set up the network: %w", err)
	}
	return bind(resolver, "/etc/resolv.conf")
}

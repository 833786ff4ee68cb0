// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"fmt"
	"strings"

	"xpsgen/vmtest/guest/wire"
)

// busyboxPath is where busybox is in the guest.
const busyboxPath = "/usr/bin/busybox"

// busybox takes busybox and links its applets to it. Where another program of
// the image has an applet's name, that one is what the name means: there is no
// link, and an interactive busybox shell, which may know better, is told by an
// alias.
func (s *Spec) busybox(t tree) error {
	if err := t.file(File{Guest: busyboxPath, Host: s.Busybox, Mode: 0o755}); err != nil {
		return err
	}
	var aliases strings.Builder
	for _, a := range s.Applets {
		if a == "" || strings.Contains(a, "/") {
			return fmt.Errorf("image: %q is not the name of an applet", a)
		}
		switch p := t.program(a); p {
		case "":
			if err := t.put("/usr/bin/"+a, node{kind: linkNode, target: "busybox"}); err != nil {
				return err
			}
		case busyboxPath:
		default:
			fmt.Fprintf(&aliases, "alias %s=%s\n", a, p)
		}
	}
	return t.put(wire.ShellRC, node{kind: fileNode, mode: 0o644, data: []byte(aliases.String())})
}

// program returns the path of the program of that name, or "".
func (t tree) program(name string) string {
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/"} {
		if _, ok := t[dir+name]; ok {
			return dir + name
		}
	}
	return ""
}

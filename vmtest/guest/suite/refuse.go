// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// nest fills an IFLA_XPS nest.
type nest = func(*netlink.AttributeEncoder)

// badFD is a file descriptor that is not open.
const badFD = 1 << 20

// errnoOf returns the errno in err, nil for nil, or err itself if it has no errno.
func errnoOf(err error) error {
	if errno := unix.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}

// expectErrno fails the test unless the kernel refused with this errno and a message
// that contains each of words. Upper and lower case do not matter.
func expectErrno(t *check.T, what string, err error, want unix.Errno, words ...string) {
	if errnoOf(err) != want {
		t.Errorf("answer to %s\n  expected: %v\n  seen:     %v (%q)", what, want, errnoOf(err), rtnl.Extack(err))
		return
	}
	message := rtnl.Extack(err)
	for _, w := range append(words, "") {
		if message == "" || !strings.Contains(strings.ToLower(message), strings.ToLower(w)) {
			t.Errorf("extended ack for %s\n  expected: a message with %q\n  seen:     %q", what, w, message)
		}
	}
}

// expectRefused sends an IFLA_XPS nest to n. It fails the test unless the kernel
// refuses it with this errno and words and changes nothing.
func expectRefused(t *check.T, what string, n *nic, content nest, want unix.Errno, words ...string) {
	c, err := rtnl.Dial()
	t.Must(err, "dial")
	defer c.Close()
	before, err := c.Get(n.index)
	t.Must(err, "get link")
	_, err = c.SetXPS(n.index, content)
	expectErrno(t, what, err, want, words...)
	expectSame(t, c, what, before)
}

// expectSame fails the test if the link has changed.
func expectSame(t *check.T, c *rtnl.Conn, what string, before rtnl.Info) {
	after, err := c.Get(before.Index)
	t.Must(err, "get link")
	check.Equal(t, "nest of "+before.Name+" after "+what+" was refused", before.XPS.String(), after.XPS.String())
	check.Equal(t, "flags of "+before.Name+" after "+what+" was refused", before.Flags, after.Flags)
}

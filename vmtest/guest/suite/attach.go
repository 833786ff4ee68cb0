// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"

	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
)

// client returns a client of the library, which is closed at the end of the test. Warnings
// of the kernel go to warn, which may be nil.
func client(t *check.T, warn func(xps.Warning)) *xps.Client {
	c, err := xps.Dial(&xps.Config{Warn: warn})
	t.Must(err, "dial")
	t.Cleanup(func() { c.Close() })
	return c
}

// with calls f with a client and closes it.
func with(t *check.T, f func(*xps.Client)) {
	c, err := xps.Dial(nil)
	t.Must(err, "dial")
	defer c.Close()
	f(c)
}

// attach attaches prog to n, replacing any program. It ends the test if that fails.
func attach(t *check.T, n *nic, prog *ebpf.Program) {
	if l := loaderOf(t); l != nil {
		l.attach(t, n, prog)
		return
	}
	with(t, func(c *xps.Client) { t.Must(c.Attach(t.Context(), n.index, prog, nil), "attach") })
}

// detach detaches the program of n, if there is one.
func detach(t *check.T, n *nic) {
	if l := loaderOf(t); l != nil {
		l.detach(t, n)
		return
	}
	with(t, func(c *xps.Client) { t.Must(c.Detach(t.Context(), n.index, nil), "detach") })
}

// attached returns the id of the program that n has, or 0.
func attached(t *check.T, n *nic) (id ebpf.ProgramID) {
	with(t, func(c *xps.Client) {
		s, err := c.Query(t.Context(), n.index, nil)
		t.Must(err, "query")
		id = s.ProgramID
	})
	return id
}

// expectAttached fails the test unless n has this program, or none for 0.
func expectAttached(t *check.T, n *nic, what string, want ebpf.ProgramID) {
	check.Equal(t, "id of the program attached "+what, want, attached(t, n))
}

// setFD makes a nest that attaches a program by file descriptor, without conditions.
func setFD(fd int) func(*netlink.AttributeEncoder) {
	return func(ae *netlink.AttributeEncoder) { ae.Int32(uapi.IFLA_XPS_FD, int32(fd)) }
}

// setFlags is setFD with flags.
func setFlags(fd int, flags uint32) func(*netlink.AttributeEncoder) {
	return func(ae *netlink.AttributeEncoder) {
		ae.Int32(uapi.IFLA_XPS_FD, int32(fd))
		ae.Uint32(uapi.IFLA_XPS_FLAGS, flags)
	}
}

// setExpected is setFlags with the file descriptor of the program expected.
func setExpected(fd int, flags uint32, expected int) func(*netlink.AttributeEncoder) {
	return func(ae *netlink.AttributeEncoder) {
		setFlags(fd, flags)(ae)
		ae.Int32(uapi.IFLA_XPS_EXPECTED_FD, int32(expected))
	}
}

// setExpectedID is setFlags with the id of the program expected.
func setExpectedID(fd int, flags, expected uint32) func(*netlink.AttributeEncoder) {
	return func(ae *netlink.AttributeEncoder) {
		setFlags(fd, flags)(ae)
		ae.Uint32(uapi.IFLA_XPS_EXPECTED_ID, expected)
	}
}

// expectLibError fails the test unless err wraps the sentinel and has a message of the
// kernel.
func expectLibError(t *check.T, what string, err, sentinel error) {
	if !errors.Is(err, sentinel) {
		t.Errorf("error of the library for %s\n  expected: one that is %q\n  seen:     %v", what, sentinel, err)
		return
	}
	var e *xps.Error
	if !errors.As(err, &e) || e.Message == "" {
		t.Errorf("error of the library for %s\n  expected: with a message of the kernel\n  seen:     %v", what, err)
	}
}

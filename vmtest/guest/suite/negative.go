// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// list returns the tests of requests that the kernel must refuse, with the right errno
// and message and without any change.
func (e negativeTests) list() check.Group {
	return check.Group{Name: "negative", Tests: []check.Test{
		{Name: "a32-a-closed-fd-is-ebadf", Run: e.closedFD},
		{Name: "a33-an-fd-that-is-no-program-is-einval", Run: e.noProgram},
		{Name: "a34-a-program-of-another-type-is-einval", Run: e.otherType},
		{Name: "a35-a-nest-without-the-nested-flag-is-einval", Run: e.withoutNestedFlag},
		{Name: "a36-read-only-attributes-are-refused", Run: e.readOnly},
		{Name: "a37-unknown-flags-are-refused", Run: e.unknownFlags},
		{Name: "a38-link-add-does-not-take-a-program", Run: e.linkAdd},
		{Name: "a39-without-cap-net-admin-nothing-changes", Run: e.unprivileged},
		{Name: "a40-root-of-a-user-namespace-rules-its-own-network-only", Run: e.userNamespace},
		{Name: "d07-a-nest-without-a-program-is-refused", Run: e.withoutFD},
		{Name: "d08-contradicting-flags-are-refused", Run: e.contradictions},
		{Name: "d09-malformed-attributes-are-refused", Run: e.malformed},
		{Name: "d10-a-device-that-is-not-there-is-enodev", Run: e.noDevice},
		{Name: "d14-mutated-messages-do-what-the-model-says", Run: e.mutatedMessages, Timeout: fuzzTimeout},
		{Name: "d13-link-attributes-of-later-kernels-are-refused", Run: e.laterAttributes},
	}}
}

// onBoth runs a test on a device without a program and on one with a program.
func (e negativeTests) onBoth(t *check.T, f func(n *nic)) {
	t.Step("without a program", func() { f(e.dummy(t, "dummy0", 2)) })
	t.Step("with a program", func() {
		n := e.dummy(t, "dummy1", 2)
		attach(t, n, constant(t, 1))
		f(n)
	})
}

func (e negativeTests) closedFD(t *check.T) {
	e.onBoth(t, func(n *nic) {
		for _, fd := range []int{badFD, -2, -1 << 31} {
			expectRefused(t, "a closed fd", n, setFD(fd), unix.EBADF, "fd")
		}
	})
}

func (e negativeTests) noProgram(t *check.T) {
	null, err := os.Open(os.DevNull)
	t.Must(err, "open")
	defer null.Close()
	m := counting(t, 0).state
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "socket")
	defer unix.Close(sock)
	e.onBoth(t, func(n *nic) {
		expectRefused(t, "the fd of a file", n, setFD(int(null.Fd())), unix.EINVAL, "program")
		expectRefused(t, "the fd of a map", n, setFD(m.FD()), unix.EINVAL, "program")
		expectRefused(t, "the fd of a socket", n, setFD(sock), unix.EINVAL, "program")
		expectRefused(t, "an expected fd of a file", n,
			setExpected(-1, uapi.XPS_FLAGS_REPLACE, int(null.Fd())), unix.EINVAL, "program")
	})
}

func (e negativeTests) otherType(t *check.T) {
	lib := client(t, nil)
	var progs []*ebpf.Program
	for _, typ := range []ebpf.ProgramType{ebpf.XDP, ebpf.SchedCLS, ebpf.SchedACT, ebpf.CGroupSKB} {
		progs = append(progs, load(t, typ, returns(1)))
	}
	e.onBoth(t, func(n *nic) {
		for _, prog := range progs {
			what := "a program of type " + prog.Type().String()
			expectRefused(t, what, n, setFD(prog.FD()), unix.EINVAL, "socket filter")
			expectLibError(t, what, lib.Attach(t.Context(), n.index, prog, nil), xps.ErrBadProgram)
		}
	})
}

func (e negativeTests) withoutNestedFlag(t *check.T) {
	prog := constant(t, 1)
	e.onBoth(t, func(n *nic) {
		c := dial(t)
		before, err := c.Get(n.index)
		t.Must(err, "get link")
		inner := netlink.NewAttributeEncoder()
		setFD(prog.FD())(inner)
		content, err := inner.Encode()
		t.Must(err, "encode")
		_, err = c.Set(n.index, func(ae *netlink.AttributeEncoder) { ae.Bytes(uapi.IFLA_XPS, content) })
		expectErrno(t, "a nest without NLA_F_NESTED", err, unix.EINVAL, "NLA_F_NESTED")
		expectSame(t, c, "a nest without NLA_F_NESTED", before)
	})
}

func (e negativeTests) readOnly(t *check.T) {
	prog := constant(t, 1)
	id := idOf(t, prog)
	attached := func(ae *netlink.AttributeEncoder) { ae.Uint8(uapi.IFLA_XPS_ATTACHED, 1) }
	progID := func(ae *netlink.AttributeEncoder) { ae.Uint32(uapi.IFLA_XPS_PROG_ID, uint32(id)) }
	e.onBoth(t, func(n *nic) {
		for what, attr := range map[string]nest{"IFLA_XPS_ATTACHED": attached, "IFLA_XPS_PROG_ID": progID} {
			expectRefused(t, what, n, attr, unix.EINVAL, "read-only")
			expectRefused(t, what+" before an fd", n, join(attr, setFD(prog.FD())), unix.EINVAL, "read-only")
			expectRefused(t, what+" after an fd", n, join(setFD(prog.FD()), attr), unix.EINVAL, "read-only")
			expectRefused(t, what+" with a detach", n, join(setFD(-1), attr), unix.EINVAL, "read-only")
		}
	})
}

// join combines functions that fill a nest.
func join(parts ...nest) nest {
	return func(ae *netlink.AttributeEncoder) {
		for _, p := range parts {
			p(ae)
		}
	}
}

func (e negativeTests) unknownFlags(t *check.T) {
	prog := constant(t, 1)
	e.onBoth(t, func(n *nic) {
		for bit := range 32 {
			flag := uint32(1) << bit
			if flag&uapi.XPS_FLAGS_MASK != 0 {
				continue
			}
			expectRefused(t, "an unknown flag", n, setFlags(prog.FD(), flag), unix.EINVAL)
			expectRefused(t, "an unknown flag and a known one", n,
				setFlags(prog.FD(), flag|uapi.XPS_FLAGS_UPDATE_IF_NOEXIST), unix.EINVAL)
		}
		expectRefused(t, "an unknown flag with a detach", n, setFlags(-1, 1<<31), unix.EINVAL)
	})
}

func (e negativeTests) linkAdd(t *check.T) {
	prog := constant(t, 1)
	extra := func(ae *netlink.AttributeEncoder) { rtnl.XPSNest(ae, setFD(prog.FD())) }
	off := func(ae *netlink.AttributeEncoder) { rtnl.XPSNest(ae, setFD(-1)) }
	c := dial(t)
	for _, try := range []struct {
		what string
		link rtnl.Link
	}{
		{"a dummy with a program", rtnl.Link{Name: "new0", Kind: "dummy", TxQueues: 2, Extra: extra}},
		{"a dummy with xps off", rtnl.Link{Name: "new0", Kind: "dummy", TxQueues: 2, Extra: off}},
		{"a veth with a program", rtnl.Link{Name: "new0", Kind: "veth", Peer: &rtnl.Link{Name: "new1"}, Extra: extra}},
		{"a veth with a program at its peer", rtnl.Link{Name: "new0", Kind: "veth", Peer: &rtnl.Link{Name: "new1", Extra: extra}}},
	} {
		expectErrno(t, try.what, c.Add(try.link), unix.EOPNOTSUPP, "creat")
		infos, err := c.Dump()
		t.Must(err, "dump links")
		if len(infos) != 1 {
			t.Errorf("links after creating %s was refused\n  expected: lo only\n  seen:     %+v", try.what, infos)
		}
	}
	e.ipFails(t, ipInvalid, "ip link add new0 xps obj hello0.o sec hello type dummy", "xps", "creat")
	// The kernel refuses the attribute only at creation. It accepts it in RTM_NEWLINK for
	// a link that exists, which ip sends.
	n := e.dummy(t, "dummy0", 2)
	msg, err := rtnl.Message(n.index, extra)
	t.Must(err, "encode")
	_, err = c.Do(unix.RTM_NEWLINK, 0, msg)
	t.Must(err, "RTM_NEWLINK for a link that exists")
	expectAttached(t, n, "by RTM_NEWLINK", idOf(t, prog))
}

func (e negativeTests) unprivileged(t *check.T) {
	prog := constant(t, 1)
	e.onBoth(t, func(n *nic) {
		for what, content := range map[string]nest{"attach": setFD(prog.FD()), "detach": setFD(-1)} {
			t.Step(what, func() { unprivilegedChange(t, n, content) })
		}
	})
}

// unprivilegedChange tries to change n without CAP_NET_ADMIN.
func unprivilegedChange(t *check.T, n *nic, content nest) {
	withoutCaps(t, func() {
		c, err := rtnl.Dial()
		t.Must(err, "dial")
		defer c.Close()
		before, err := c.Get(n.index)
		t.Must(err, "get link without capabilities")
		_, err = c.SetXPS(n.index, content)
		// rtnetlink refuses the request before the hook, without a message.
		check.Equal(t, "answer to a request without CAP_NET_ADMIN", error(unix.EPERM), errnoOf(err))
		expectSame(t, c, "a request without CAP_NET_ADMIN", before)
	})
}

// withoutCaps runs f on this thread without effective capabilities.
func withoutCaps(t *check.T, f func()) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var full [2]unix.CapUserData
	t.Must(unix.Capget(&header, &full[0]), "get capabilities")
	none := full
	none[0].Effective, none[1].Effective = 0, 0
	t.Must(unix.Capset(&header, &none[0]), "drop capabilities")
	defer func() {
		if err := unix.Capset(&header, &full[0]); err != nil {
			panic("regain capabilities: " + err.Error())
		}
	}()
	f()
}

// userNamespace runs ip in a user namespace. With a new network namespace, ip may
// attach to its loopback device. In the network namespace of the test, which another
// user namespace owns, it may not.
func (e negativeTests) userNamespace(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	prog := constant(t, 1)
	path := filepath.Join(e.bpffs(t), "steer")
	t.Must(prog.Pin(path), "pin")
	id := idOf(t, prog)

	own := e.ipInUserNS(t, unix.CLONE_NEWNET, "link set dev lo xps pinned "+path+"\nlink show dev lo\n")
	check.Equal(t, "exit code of ip in its own network namespace", 0, own.code)
	check.Equal(t, "id of the program there", uint32(id), parseIPText(own.stdout).id)

	foreign := e.ipInUserNS(t, 0, "link set dev "+n.name+" xps pinned "+path+"\n")
	if foreign.code == 0 {
		t.Errorf("ip in the network namespace of others\n  expected: refused\n  seen:     %v", foreign)
	}
	check.Equal(t, "ip says that it is not permitted", true, containsFold(foreign.stderr, "not permitted"))
	expectAttached(t, n, "after the refusal", 0)
}

func (e negativeTests) withoutFD(t *check.T) {
	prog := constant(t, 1)
	e.onBoth(t, func(n *nic) {
		expectRefused(t, "an empty nest", n, func(*netlink.AttributeEncoder) {}, unix.EINVAL, "fd")
		expectRefused(t, "a nest with flags only", n, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(uapi.IFLA_XPS_FLAGS, 0)
		}, unix.EINVAL, "fd")
		expectRefused(t, "a nest with an expected program only", n, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(uapi.IFLA_XPS_FLAGS, uapi.XPS_FLAGS_REPLACE)
			ae.Int32(uapi.IFLA_XPS_EXPECTED_FD, int32(prog.FD()))
		}, unix.EINVAL, "fd")
	})
}

func (e negativeTests) contradictions(t *check.T) {
	prog := constant(t, 1)
	const both = uapi.XPS_FLAGS_UPDATE_IF_NOEXIST | uapi.XPS_FLAGS_REPLACE
	e.onBoth(t, func(n *nic) {
		expectRefused(t, "REPLACE without an expected program", n, setFlags(prog.FD(), uapi.XPS_FLAGS_REPLACE), unix.EINVAL, "expected")
		expectRefused(t, "REPLACE with NOEXIST", n, setExpected(prog.FD(), both, -1), unix.EINVAL, "replace")
		expectRefused(t, "REPLACE with NOEXIST, without an expected program", n, setFlags(prog.FD(), both), unix.EINVAL, "replace")
		expectRefused(t, "an expected program without REPLACE", n, setExpected(prog.FD(), 0, -1), unix.EINVAL, "replace")
		expectRefused(t, "detach by REPLACE without an expected program", n, setFlags(-1, uapi.XPS_FLAGS_REPLACE), unix.EINVAL, "expected")
		expectRefused(t, "REPLACE with NOEXIST and an id", n, setExpectedID(prog.FD(), both, 0), unix.EINVAL, "replace")
		expectRefused(t, "an expected id without REPLACE", n, setExpectedID(prog.FD(), 0, 0), unix.EINVAL, "replace")
		expectRefused(t, "an expected fd and an expected id", n, join(
			setExpected(prog.FD(), uapi.XPS_FLAGS_REPLACE, -1),
			func(ae *netlink.AttributeEncoder) { ae.Uint32(uapi.IFLA_XPS_EXPECTED_ID, 0) },
		), unix.EINVAL, "expected")
	})
}

func (e negativeTests) malformed(t *check.T) {
	prog := constant(t, 1)
	e.onBoth(t, func(n *nic) {
		expectRefused(t, "an fd of two bytes", n, func(ae *netlink.AttributeEncoder) {
			ae.Uint16(uapi.IFLA_XPS_FD, uint16(prog.FD()))
		}, unix.EINVAL)
		expectRefused(t, "an fd of eight bytes", n, func(ae *netlink.AttributeEncoder) {
			ae.Uint64(uapi.IFLA_XPS_FD, uint64(prog.FD()))
		}, unix.EINVAL)
		expectRefused(t, "an attribute of the future", n, join(setFD(prog.FD()), func(ae *netlink.AttributeEncoder) {
			ae.Uint32(uapi.IFLA_XPS_MAX+1, 0)
		}), unix.EINVAL)
	})
	e.otherAttributes(t)
}

// otherAttributes sends a program in a request that fails for another attribute, after the
// kernel has taken a reference to the program.
func (e negativeTests) otherAttributes(t *check.T) {
	n := e.dummy(t, "other0", 2)
	prog := constant(t, 1)
	id := idOf(t, prog)
	c := dial(t)
	raw, err := rtnl.DialRaw(t.Scaled(ioPatience))
	t.Must(err, "dial")
	defer raw.Close()
	far := e.newNetNS(t)
	for what, r := range map[string]struct {
		index int
		other func(ae *netlink.AttributeEncoder)
	}{
		"with a master that is not there": {n.index, func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_MASTER, 1<<20) }},
		"that moves lo":                   {loopback, func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_NET_NS_FD, uint32(far.file.Fd())) }},
	} {
		before, err := c.Get(r.index)
		t.Must(err, "get link")
		payload, err := rtnl.Message(r.index, func(ae *netlink.AttributeEncoder) {
			rtnl.XPSNest(ae, setFD(prog.FD()))
			r.other(ae)
		})
		t.Must(err, "encode")
		answers, err := raw.Exchange([]rtnl.Request{{Type: unix.RTM_SETLINK, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK, Payload: payload}})
		t.Must(err, "send")
		check.Equal(t, "answer to a request "+what, unix.EINVAL, answers[0])
		expectSame(t, c, "a request "+what, before)
	}
	t.Must(prog.Close(), "close program")
	expectGone(t, id, "all requests were refused")
}

func (e negativeTests) noDevice(t *check.T) {
	const nobody = 1 << 20
	lib := client(t, nil)
	_, err := dial(t).SetXPS(nobody, setFD(-1))
	check.Equal(t, "answer to a detach from a device that is not there", error(unix.ENODEV), errnoOf(err))
	_, err = lib.Query(t.Context(), nobody, nil)
	if got := errnoOf(err); got != error(unix.ENODEV) {
		t.Errorf("answer of the library to a query of a device that is not there\n  expected: %v\n  seen:     %v", unix.ENODEV, err)
	}
}

// laterAttributes sends the attributes between the last one of 6.12 and IFLA_XPS. The
// kernel must refuse them, so that no program believes that they took effect. On 6.12 the
// series refuses them. Later kernels know them and refuse them because none can be set.
func (e negativeTests) laterAttributes(t *check.T) {
	prog := constant(t, 1)
	n := e.dummy(t, "dummy0", 2)
	c := dial(t)
	before, err := c.Get(n.index)
	t.Must(err, "get link")
	for typ := uint16(uapi.IFLA_DPLL_PIN + 1); typ < uapi.IFLA_XPS; typ++ {
		what := fmt.Sprintf("link attribute %d", typ)
		_, err := c.Set(n.index, func(ae *netlink.AttributeEncoder) {
			rtnl.XPSNest(ae, setFD(prog.FD()))
			ae.Uint32(typ, 1)
		})
		expectErrno(t, what, err, unix.EINVAL)
		expectSame(t, c, what, before)
	}
}

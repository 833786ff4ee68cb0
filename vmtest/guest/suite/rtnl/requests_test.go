// SPDX-License-Identifier: GPL-2.0-only OR MIT

package rtnl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nltest"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

var update = flag.Bool("update", false, "write the golden file")

// fake returns a connection that hands requests to answer.
func fake(t *testing.T, answer func(netlink.Message) ([]netlink.Message, error)) *Conn {
	t.Helper()
	c := &Conn{nl: nltest.Dial(func(requests []netlink.Message) ([]netlink.Message, error) {
		if len(requests) == 0 {
			return nil, errors.New("nothing is asked")
		}
		return answer(requests[0])
	})}
	t.Cleanup(func() { c.Close() })
	return c
}

// ok is the acknowledgement of a request.
func ok(request netlink.Message) []netlink.Message {
	return []netlink.Message{{
		Header: netlink.Header{Type: netlink.Error, Sequence: request.Header.Sequence, PID: request.Header.PID},
		Data:   make([]byte, 4+unix.NLMSG_HDRLEN),
	}}
}

// TestRequests: each function sends the request in the golden file. The suite sends the
// same requests to a kernel.
func TestRequests(t *testing.T) {
	var got bytes.Buffer
	var name string
	c := fake(t, func(m netlink.Message) ([]netlink.Message, error) {
		fmt.Fprintf(&got, "%s: type %d flags %#x\n", name, m.Header.Type, uint16(m.Header.Flags))
		for b := range slices.Chunk(m.Data, 16) {
			fmt.Fprintf(&got, "\t% x\n", b)
		}
		return ok(m), nil
	})
	addr := netip.MustParseAddr("10.1.2.3")
	type options struct{ A, B uint32 }
	for _, one := range []struct {
		name string
		send func() error
	}{
		{"plain link", func() error { return c.Add(Link{Name: "d0", Kind: "dummy"}) }},
		{"all of a link", func() error {
			return c.Add(Link{
				Name: "m0", Kind: "macvlan", TxQueues: 4, RxQueues: 3, Lower: 7,
				Data:  func(ae *netlink.AttributeEncoder) { ae.Uint32(uapi.IFLA_MACVLAN_MODE, 4) },
				Extra: func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_GROUP, 9) },
			})
		}},
		{"pair", func() error {
			return c.Add(Link{Name: "v0", Kind: "veth", Peer: &Link{Name: "v1", Kind: "ignored", TxQueues: 2}})
		}},
		{"delete", func() error { return c.Delete(7) }},
		{"delete a group", func() error { return c.DeleteGroup(9) }},
		{"up", func() error { return c.SetUp(7, true) }},
		{"down", func() error { return c.SetUp(7, false) }},
		{"xps", func() error {
			_, err := c.SetXPS(7, func(ae *netlink.AttributeEncoder) { ae.Int32(uapi.IFLA_XPS_FD, -1) })
			return err
		}},
		{"nothing", func() error { _, err := c.Set(7, nil); return err }},
		{"move", func() error { return c.Move(7, 5) }},
		{"address", func() error { return c.AddAddress(7, netip.PrefixFrom(addr, 24)) }},
		{"neighbour", func() error { return c.AddNeighbour(7, addr, []byte{2, 0, 0, 0, 0, 1}) }},
		{"no neighbour", func() error { return c.DeleteNeighbour(7, addr) }},
		{"route", func() error { return c.AddRoute(netip.PrefixFrom(addr, 16), netip.MustParseAddr("10.9.0.1")) }},
		{"qdisc", func() error { return c.SetQdisc(Qdisc{Ifindex: 7, Kind: "mq", Handle: 0x12}) }},
		{"qdisc with options", func() error { return c.SetQdisc(Qdisc{Ifindex: 7, Kind: "tbf", Handle: 1, Options: options{1, 2}}) }},
		{"classifier", func() error { return c.AddClassifier(7, 0x12, 5) }},
	} {
		name = one.name
		if err := one.send(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const golden = "testdata/requests.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := c.SetQdisc(Qdisc{Kind: "x", Options: "no structure"}); err == nil || !strings.HasPrefix(err.Error(), "options of qdisc x: ") {
		t.Errorf("options of no fixed size: %v", err)
	}
}

// TestKernelErrors: errors wrap the errno of the kernel, and name the request.
func TestKernelErrors(t *testing.T) {
	c := fake(t, func(m netlink.Message) ([]netlink.Message, error) {
		return nltest.Error(int(unix.EBUSY), []netlink.Message{m})
	})
	addr := netip.MustParseAddr("10.1.2.3")
	for want, send := range map[string]func() error{
		"add dummy link d0: ":                       func() error { return c.Add(Link{Name: "d0", Kind: "dummy"}) },
		"delete link 7: ":                           func() error { return c.Delete(7) },
		"delete links of group 9: ":                 func() error { return c.DeleteGroup(9) },
		"set link 7 up=true: ":                      func() error { return c.SetUp(7, true) },
		"move link 7: ":                             func() error { return c.Move(7, 5) },
		"add address 10.1.2.3/24 to link 7: ":       func() error { return c.AddAddress(7, netip.PrefixFrom(addr, 24)) },
		"add neighbour 10.1.2.3 to link 7: ":        func() error { return c.AddNeighbour(7, addr, nil) },
		"delete neighbour 10.1.2.3 of link 7: ":     func() error { return c.DeleteNeighbour(7, addr) },
		"add route to 10.1.2.3/16 via 10.1.2.3: ":   func() error { return c.AddRoute(netip.PrefixFrom(addr, 16), addr) },
		"set qdisc mq of link 7: ":                  func() error { return c.SetQdisc(Qdisc{Ifindex: 7, Kind: "mq"}) },
		"add classifier to link 7: ":                func() error { return c.AddClassifier(7, 1, 5) },
		"dump classes of link 7: ":                  func() error { _, err := c.ClassPackets(7); return err },
		"dump links: ":                              func() error { _, err := c.Dump(); return err },
		"get link 7: ":                              func() error { _, err := c.Get(7); return err },
		"":                                          func() error { _, err := c.Set(7, nil); return err },
		"dump links: netlink receive: device or re": func() error { _, err := c.Index("d0"); return err },
	} {
		if err := send(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if text := Extack(errors.New("x")); text != "" {
		t.Errorf("extack %q of an error of no kernel", text)
	}
	if text := Extack(fmt.Errorf("x: %w", &netlink.OpError{Op: "receive", Err: unix.EBUSY, Message: "why"})); text != "why" {
		t.Errorf("extack %q", text)
	}
}

// links answers with links of these names, from index 1.
func links(t *testing.T, names ...string) func(netlink.Message) ([]netlink.Message, error) {
	return func(request netlink.Message) (all []netlink.Message, err error) {
		for i, name := range names {
			b, err := Message(i+1, func(ae *netlink.AttributeEncoder) { ae.String(unix.IFLA_IFNAME, name) })
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWLINK, Sequence: request.Header.Sequence, PID: request.Header.PID}, Data: b})
		}
		if request.Header.Flags&netlink.Dump == netlink.Dump {
			return nltest.Multipart(append(all, netlink.Message{Header: netlink.Header{Type: netlink.Done, Sequence: request.Header.Sequence, PID: request.Header.PID}}))
		}
		return all, nil
	}
}

func TestDumpAndGet(t *testing.T) {
	c := fake(t, links(t, "lo", "d0", "d1"))
	all, err := c.Dump()
	if err != nil || len(all) != 3 || all[0].Index != 1 || all[2].Name != "d1" || all[2].Type != unix.RTM_NEWLINK {
		t.Errorf("got %+v, %v", all, err)
	}
	if i, err := c.Index("d0"); err != nil || i != 2 {
		t.Errorf("d0 is %d, %v", i, err)
	}
	if i, err := c.Index("d2"); i != 0 || !errors.Is(err, unix.ENODEV) {
		t.Errorf("d2 is %d, %v", i, err)
	}
	if info, err := c.Get(7); err == nil || !strings.Contains(err.Error(), "get link 7: 3 answers") {
		t.Errorf("got %+v, %v", info, err)
	}
	c = fake(t, links(t, "lo"))
	if info, err := c.Get(1); err != nil || info.Name != "lo" {
		t.Errorf("got %+v, %v", info, err)
	}
	c = fake(t, func(m netlink.Message) ([]netlink.Message, error) { return nil, nil })
	if _, err := c.Do(unix.RTM_SETLINK, 0, nil); err == nil {
		t.Error("no ack is no error")
	}
}

// class encodes a class with its packets.
func class(t *testing.T, minor uint32, basic []byte) []byte {
	t.Helper()
	ae := netlink.NewAttributeEncoder()
	ae.String(uapi.TCA_KIND, "mq")
	ae.Nested(uapi.TCA_STATS2, func(ae *netlink.AttributeEncoder) error {
		ae.Bytes(3, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
		ae.Bytes(1, basic)
		return nil
	})
	attrs, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return append(trafficHeader(7, 1<<16|minor, 0, 0), attrs...)
}

func TestClasses(t *testing.T) {
	packets := func(n uint32) []byte {
		return binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint64(nil, 1500), n)
	}
	for name, tt := range map[string]struct {
		b       []byte
		queue   int
		packets uint32
		err     bool
	}{
		"first":      {class(t, 1, packets(5)), 0, 5, false},
		"last":       {class(t, 0xffff, append(packets(6), 0, 0, 0, 0)), 0xfffe, 6, false},
		"no packets": {class(t, 2, packets(5)[:11]), 1, 0, false},
		"no minor":   {class(t, 0, packets(5)), 0, 0, true},
		"short":      {make([]byte, 19), 0, 0, true},
		"header":     {trafficHeader(7, 3, 0, 0), 2, 0, false},
		"odd":        {append(trafficHeader(7, 3, 0, 0), 1), 0, 0, true},
	} {
		queue, n, err := parseClass(tt.b)
		if queue != tt.queue || n != tt.packets || (err != nil) != tt.err {
			t.Errorf("%s: queue %d, %d packets, %v", name, queue, n, err)
		}
	}
	c := fake(t, func(m netlink.Message) ([]netlink.Message, error) {
		var all []netlink.Message
		for minor, n := range map[uint32]uint32{1: 5, 4: 7} {
			all = append(all, netlink.Message{Header: m.Header, Data: class(t, minor, packets(n))})
		}
		return nltest.Multipart(append(all, netlink.Message{Header: netlink.Header{Type: netlink.Done, Sequence: m.Header.Sequence, PID: m.Header.PID}}))
	})
	if got, err := c.ClassPackets(7); err != nil || !slices.Equal(got, []uint32{5, 0, 0, 7}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestOnThisHost uses only lo, which exists in every namespace. It needs no rights and no
// particular kernel.
func TestOnThisHost(t *testing.T) {
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	index, err := c.Index("lo")
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Get(index)
	if err != nil || info.Name != "lo" || info.Index != index || info.Flags&unix.IFF_LOOPBACK == 0 {
		t.Errorf("got %+v, %v", info, err)
	}
	if _, err := c.Get(1 << 30); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no such link: %v", err)
	}
	m, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Drain(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Drain(); !errors.Is(err, unix.EBADF) {
		t.Errorf("closed: %v", err)
	}
}

func TestRawEncode(t *testing.T) {
	r := &Raw{seq: 6}
	got := r.Encode([]Request{{Type: 18, Flags: 5, Payload: []byte{1, 2, 3, 4, 5}}, {Type: 19, Flags: 0x105}})
	want := []byte{21, 0, 0, 0, 18, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 16, 0, 0, 0, 19, 0, 5, 1, 8, 0, 0, 0, 0, 0, 0, 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// answers returns a Raw that answers with these datagrams.
func answers(t *testing.T, seq uint32, datagrams ...[]byte) *Raw {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]) })
	for _, d := range datagrams {
		if _, err := unix.Write(fds[1], d); err != nil {
			t.Fatal(err)
		}
	}
	timeout := unix.NsecToTimeval(1e7)
	if err := unix.SetsockoptTimeval(fds[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	return &Raw{fd: fds[0], seq: seq, buf: make([]byte, 1024)}
}

// answer encodes an answer; errno < 0 makes it a link.
func answer(seq uint32, errno int32) []byte {
	typ := uint16(unix.NLMSG_ERROR)
	if errno < 0 {
		typ = unix.RTM_NEWLINK
	}
	b := binary.NativeEndian.AppendUint32(nil, 20)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	return binary.NativeEndian.AppendUint32(b, uint32(-errno))
}

func TestRawAnswers(t *testing.T) {
	long := answer(8, 0)
	binary.NativeEndian.PutUint32(long, 21)
	short := answer(8, 0)
	binary.NativeEndian.PutUint32(short, 15)
	for name, tt := range map[string]struct {
		datagrams [][]byte
		want      []unix.Errno
		err       string
	}{
		"one each":        {[][]byte{answer(7, 0), answer(8, int32(unix.EBUSY))}, []unix.Errno{0, unix.EBUSY}, ""},
		"in any order":    {[][]byte{answer(8, int32(unix.EBUSY)), answer(7, 0)}, []unix.Errno{0, unix.EBUSY}, ""},
		"in one datagram": {[][]byte{append(answer(7, int32(unix.EINVAL)), answer(8, 0)...)}, []unix.Errno{unix.EINVAL, 0}, ""},
		"with links":      {[][]byte{answer(7, -1), append(answer(7, -1), answer(7, 0)...), answer(8, 0)}, []unix.Errno{0, 0}, ""},
		"too few":         {[][]byte{answer(7, 0)}, nil, "answer 2 of 2: "},
		"too long":        {[][]byte{long}, nil, "20 bytes received, header says 21"},
		"too short":       {[][]byte{short}, nil, "header says 15"},
		"of an older one": {[][]byte{answer(6, 0)}, nil, "answer to request 6, expected 7 to 8"},
		"of a later one":  {[][]byte{answer(9, 0)}, nil, "answer to request 9, expected 7 to 8"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answers(t, 8, tt.datagrams...).Answers(2)
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, %v; want %v, %q", got, err, tt.want, tt.err)
			}
		})
	}
}

// TestRawExchange sends RTM_GETLINK, which changes nothing on the host.
func TestRawExchange(t *testing.T) {
	r, err := DialRaw(60e9)
	if errors.Is(err, unix.EPERM) {
		t.Skipf("not permitted (run as root): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	get := Request{Type: unix.RTM_GETLINK, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK}
	good, bad := get, get
	good.Payload, bad.Payload = header(1, 0, 0), header(1<<30, 0, 0)
	got, err := r.Exchange([]Request{good, bad, good})
	if err != nil || !slices.Equal(got, []unix.Errno{0, unix.ENODEV, 0}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package pong

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The peer is 10.1.0.2; 10.1.0.1 asks.
var peer = Host{Addr: netip.MustParseAddr("10.1.0.2"), MAC: MAC{2, 0, 0, 0, 0, 2}}

// The frames are literals, so that no code under test makes them.
var (
	arpAsk = []byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 10, 1, 0, 2,
	}
	arpAnswer = []byte{
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 1, 0, 2, 2, 0, 0, 0, 0, 1, 10, 1, 0, 1,
	}
	echoAsk = []byte{
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 1, 0x26, 0xda, 10, 1, 0, 1, 10, 1, 0, 2,
		8, 0, 0x21, 0x62, 0x12, 0x34, 0, 7, 'a', 'b', 'c',
	}
	echoAnswer = []byte{
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 31, 0, 0, 0, 0, 64, 1, 0x66, 0xda, 10, 1, 0, 2, 10, 1, 0, 1,
		0, 0, 0x29, 0x62, 0x12, 0x34, 0, 7, 'a', 'b', 'c',
	}
)

// edit returns a copy of a frame with other bytes at an offset. Checksums are not
// corrected.
func edit(frame []byte, at int, b ...byte) []byte {
	f := bytes.Clone(frame)
	copy(f[at:], b)
	return f
}

// sound returns a copy of an echo message with correct checksums.
func sound(frame []byte) []byte {
	f := bytes.Clone(frame)
	header := etherLen + int(f[14]&15)*4
	f[24], f[25], f[header+2], f[header+3] = 0, 0, 0, 0
	binary.BigEndian.PutUint16(f[24:], Checksum(f[14:header]))
	binary.BigEndian.PutUint16(f[header+2:], Checksum(f[header:]))
	return f
}

func TestReplies(t *testing.T) {
	if !bytes.Equal(echoAsk, sound(echoAsk)) || !bytes.Equal(echoAnswer, sound(echoAnswer)) {
		t.Fatalf("the checksums of the frames are wrong: % x, % x", sound(echoAsk), sound(echoAnswer))
	}
	for name, tt := range map[string]struct{ frame, want []byte }{
		"arp":                     {arpAsk, arpAnswer},
		"arp with padding":        {append(bytes.Clone(arpAsk), make([]byte, 18)...), arpAnswer},
		"arp cut":                 {arpAsk[:41], nil},
		"arp of other hardware":   {edit(arpAsk, 15, 2), nil},
		"arp of other protocol":   {edit(arpAsk, 16, 0x86, 0xdd), nil},
		"arp, hardware length":    {edit(arpAsk, 18, 7), nil},
		"arp, protocol length":    {edit(arpAsk, 19, 5), nil},
		"arp reply":               {edit(arpAsk, 21, 2), nil},
		"arp for another":         {edit(arpAsk, 41, 3), nil},
		"other protocol":          {edit(arpAsk, 12, 0x88, 0xcc), nil},
		"ethernet header":         {arpAsk[:14], nil},
		"ethernet header cut":     {arpAsk[:13], nil},
		"nothing":                 {nil, nil},
		"echo":                    {echoAsk, echoAnswer},
		"echo reply":              {sound(edit(echoAsk, 34, 0)), nil},
		"echo to another":         {sound(edit(echoAsk, 33, 3)), nil},
		"timestamp":               {sound(edit(echoAsk, 34, 13)), nil},
		"echo code":               {sound(edit(echoAsk, 35, 1)), nil},
		"echo, wrong checksum":    {edit(echoAsk, 37, 0), nil},
		"ip, wrong checksum":      {edit(echoAsk, 25, 0), nil},
		"udp":                     {sound(edit(echoAsk, 23, 17)), nil},
		"ip version 5":            {sound(edit(echoAsk, 14, 0x55)), nil},
		"ip header of 4 words":    {edit(echoAsk, 14, 0x44), nil},
		"ip, total too long":      {sound(edit(echoAsk, 17, 32)), nil},
		"ip, no room for icmp":    {sound(edit(echoAsk, 17, 27)), nil},
		"ip fragment":             {sound(edit(echoAsk, 20, 0x20)), nil},
		"ip fragment, the last":   {sound(edit(echoAsk, 20, 0, 1)), nil},
		"ip fragment, far":        {sound(edit(echoAsk, 20, 0x10)), nil},
		"ip header cut":           {echoAsk[:33], nil},
		"echo, nothing but a tag": {edit(echoAsk, 12, 0x81), nil},
	} {
		before := bytes.Clone(tt.frame)
		if diff := cmp.Diff(tt.want, peer.Reply(tt.frame)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if !bytes.Equal(before, tt.frame) {
			t.Errorf("%s: the frame is changed", name)
		}
	}
	// The bytes after the packet are padding.
	if diff := cmp.Diff(echoAnswer, peer.Reply(append(bytes.Clone(echoAsk), 1, 2, 3))); diff != "" {
		t.Errorf("padding (-want +got)\n%s", diff)
	}
	// An echo without payload, which is the shortest.
	short := sound(edit(echoAsk[:42], 17, 28))
	if r := peer.Reply(short); len(r) != 42 || r[17] != 28 {
		t.Errorf("without payload: % x", r)
	}
}

func TestEchoes(t *testing.T) {
	asks, answers := netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.1.0.2")
	for name, tt := range map[string]struct {
		frame []byte
		want  Echo
	}{
		"request": {echoAsk, Echo{asks, answers, true, 0x1234, 7, []byte("abc")}},
		"reply":   {echoAnswer, Echo{answers, asks, false, 0x1234, 7, []byte("abc")}},
	} {
		got, ok := ParseEcho(tt.frame)
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || !ok {
			t.Errorf("%s: %v (-want +got)\n%s", name, ok, diff)
		}
		if packet, ok := ParseEchoPacket(tt.frame[14:]); !ok || packet.Seq != 7 {
			t.Errorf("%s without Ethernet: %+v, %v", name, packet, ok)
		}
	}
	if e, ok := ParseEcho(echoAsk[:13]); ok || e.ID != 0 {
		t.Errorf("got %+v", e)
	}
	if got := EchoRequest(0x1234, 7, []byte("abc")); !bytes.Equal(got, echoAsk[34:]) {
		t.Errorf("got % x", got)
	}
	for want, b := range map[uint16][]byte{0xffff: nil, 0xfffe: {0, 1}, 0xfeff: {1}, 0x0000: {0xff, 0xff}, 0xfffd: {0xff, 0xff, 0, 1, 0, 1}} {
		if got := Checksum(b); got != want {
			t.Errorf("checksum of % x is %#04x, want %#04x", b, got, want)
		}
	}
}

// pipes returns a Tap with sockets as queues, and the other ends of the sockets.
func pipes(t *testing.T, n int) (*Tap, []*os.File) {
	t.Helper()
	tap := &Tap{Name: "t", host: peer}
	tap.ReplyOn(SameQueue)
	var ends []*os.File
	for range n {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		tap.queues = append(tap.queues, os.NewFile(uintptr(fds[0]), "queue"))
		ends = append(ends, os.NewFile(uintptr(fds[1]), "end"))
		t.Cleanup(func() { ends[len(ends)-1].Close() })
	}
	for i := range n {
		tap.readers.Go(func() { tap.answer(i) })
	}
	return tap, ends
}

// receive reads one frame.
func receive(t *testing.T, f *os.File) []byte {
	t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := f.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestTapAnswers(t *testing.T) {
	tap, ends := pipes(t, 3)
	other := edit(arpAsk, 41, 9)
	for _, frame := range [][]byte{other, arpAsk} {
		if _, err := ends[1].Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	if got := receive(t, ends[1]); !bytes.Equal(got, arpAnswer) {
		t.Errorf("got % x", got)
	}
	tap.ReplyOn(2)
	if _, err := ends[0].Write(echoAsk); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, ends[2]); !bytes.Equal(got, echoAnswer) {
		t.Errorf("got % x", got)
	}
	for !tap.Idle() {
		time.Sleep(time.Millisecond)
	}
	want := []Frame{{1, other}, {1, arpAsk}, {0, echoAsk}}
	if diff := cmp.Diff(want, tap.Drain()); diff != "" {
		t.Errorf("frames (-want +got)\n%s", diff)
	}
	if got := tap.Drain(); got != nil {
		t.Errorf("drained twice: %v", got)
	}
	if tap.Queue(1) != tap.queues[1] {
		t.Error("another queue")
	}
	// A queue that cannot be written to is an error of Close.
	tap.ReplyOn(0)
	ends[0].Close()
	if _, err := ends[1].Write(arpAsk); err != nil {
		t.Fatal(err)
	}
	for len(tap.Drain()) == 0 || !tap.Idle() {
		time.Sleep(time.Millisecond)
	}
	if err := tap.Close(); !errors.Is(err, unix.EPIPE) || !strings.Contains(err.Error(), "tap t queue 0: reply: ") {
		t.Errorf("got %v", err)
	}
}

// TestTapEnds: the end of a queue is not an error, a failed read is one.
func TestTapEnds(t *testing.T) {
	tap, ends := pipes(t, 1)
	ends[0].Close() // the queue ends
	tap.readers.Wait()
	if err := tap.Close(); err != nil {
		t.Error(err)
	}
	tap, _ = pipes(t, 2)
	if err := tap.Close(); err != nil {
		t.Error(err)
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tap = &Tap{Name: "t", queues: []*os.File{dir}}
	tap.answer(0)
	if err := tap.Close(); !errors.Is(err, unix.EISDIR) || !strings.HasPrefix(err.Error(), "tap t queue 0: ") {
		t.Errorf("got %v", err)
	}
}

// TestOpenTap opens a device of the kernel in a separate network namespace.
func TestOpenTap(t *testing.T) {
	if _, err := OpenTap("a-name-that-is-too-long", 1, peer); err == nil {
		t.Error("a long name is accepted")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with its namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
			t.Log("not permitted to make a network namespace")
			return
		}
		tap, err := OpenTap("t0", 3, peer)
		if errors.Is(err, os.ErrNotExist) {
			t.Log("this kernel has no tun driver")
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		dev, err := net.InterfaceByName("t0")
		if err != nil || len(dev.HardwareAddr) != 6 {
			t.Errorf("got %+v, %v", dev, err)
		}
		if len(tap.queues) != 3 || tap.Name != "t0" || !tap.Idle() {
			t.Errorf("got %+v", tap)
		}
		// A frame needs no header before it.
		if _, err := tap.Queue(2).Write(arpAnswer); err != nil && !errors.Is(err, unix.EIO) {
			t.Error(err)
		}
		if _, err := OpenTap("lo", 1, peer); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), `tap "lo": TUNSETIFF`) {
			t.Errorf("lo as a tap: %v", err)
		}
		if err := tap.Close(); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		all, err := net.Interfaces()
		if err != nil || slices.ContainsFunc(all, func(i net.Interface) bool { return i.Name == "t0" }) {
			t.Errorf("the device is still there: %v, %v", all, err)
		}
	}()
	<-done
}

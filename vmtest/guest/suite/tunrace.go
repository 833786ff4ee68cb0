// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// bareTap is a tap. The test reads its queues.
type bareTap struct {
	*nic
	queues []*os.File
}

// bareTap makes tap0 without a responder.
func (e lab) bareTap(t *check.T, queues int) bareTap {
	tap := bareTap{}
	for range queues {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		t.Must(err, "open /dev/net/tun")
		f := os.NewFile(uintptr(fd), "tun")
		t.Cleanup(func() { f.Close() })
		ifr, err := unix.NewIfreq("tap0")
		t.Must(err, "struct ifreq")
		ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_MULTI_QUEUE)
		t.Must(unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr), "TUNSETIFF")
		tap.queues = append(tap.queues, f)
	}
	tap.nic = &nic{name: "tap0", index: index(t, "tap0"), sysfs: e.sysfs(), queues: queues}
	tap.configure(t, dial(t))
	return tap
}

// read empties a queue and counts its frames. A detached queue has none.
func (tap bareTap) read(queue int, frame func([]byte)) (frames int) {
	buf := make([]byte, 2048)
	conn, err := tap.queues[queue].SyscallConn()
	if err != nil {
		return 0
	}
	conn.Control(func(fd uintptr) {
		for {
			n, err := unix.Read(int(fd), buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				return
			}
			frames++
			if frame != nil {
				frame(buf[:n])
			}
		}
	})
	return frames
}

// dropped returns the number of packets that the device dropped.
func (tap bareTap) dropped(t *check.T) int {
	text, err := os.ReadFile(filepath.Join(tap.sysfs, "class/net", tap.name, "statistics/tx_dropped"))
	t.Must(err, "read tx_dropped")
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	t.Must(err, "read tx_dropped")
	return n
}

// tunQueuesUnderTraffic detaches and attaches the last of four queues while packets are
// sent. A program puts them on the last queue. The driver and the core do not change
// their counts at the same time. The driver drops packets of a queue that it lacks. The
// core would use queue 0 for a queue beyond its count, so the driver must not select one.
func (e hookTests) tunQueuesUnderTraffic(t *check.T) {
	const (
		queues = 4
		// 11 % 4 is 3 and 11 % 3 is 2, the last queue in both cases.
		answer = 11
		// The driver drops packets of a queue that is being detached.
		lossPerTurn = 3
	)
	tap := e.bareTap(t, queues)
	attach(t, tap.nic, constant(t, answer))
	var received [queues]atomic.Int64
	b := newBackground(t)
	for range cpus {
		send := frameSender(t, tap.nic, false)
		b.repeat(func(i int) bool {
			if err := send([]byte("last queue")); err != nil && !errors.Is(err, unix.ENOBUFS) {
				t.Errorf("send: %v", err)
				return false
			}
			for q := range queues {
				received[q].Add(int64(tap.read(q, nil)))
			}
			return rest(i)
		})
	}
	turns := e.count(t, "times a queue was detached and attached", times{30, 200})
	for i := range turns {
		for _, there := range []bool{false, true} {
			attachQueue(t, tap.queues[queues-1], there)
			breathe()
		}
		t.Alive("%d of %d turns", i, turns)
	}
	b.end()
	var got [queues]int64
	for q := range queues {
		got[q] = received[q].Load()
	}
	dropped := tap.dropped(t)
	t.Notef("frames by queue: %v, dropped: %d", got, dropped)
	if got[2] == 0 || got[3] == 0 {
		t.Errorf("frames by queue\n  expected: some on each of 2 and 3\n  seen:     %v", got)
	}
	if got[0] != 0 || got[1] != 0 {
		t.Errorf("frames by queue\n  expected: none on 0 and 1, which the program never names\n  seen:     %v", got)
	}
	if dropped > lossPerTurn*turns {
		t.Errorf("packets dropped because their queue is gone\n  expected: at most %d, %d each time one went\n  seen:     %d", lossPerTurn*turns, lossPerTurn, dropped)
	}
}

// tunFeedsRFS sends a flow out by a tap, by the queue that a program selects. The
// answers come in from the CPU that serves the tap. RFS then receives packets of the
// flow from other devices on that CPU.
func (e hookTests) tunFeedsRFS(t *check.T) {
	needCPUs(t)
	t.Must(setFlowEntries("1024"), "turn RFS on")
	t.Cleanup(func() { setFlowEntries("0") })
	tap := e.bareTap(t, stationQueues)
	attach(t, tap.nic, constant(t, 1))
	pair := e.veth(t, 1, 1)
	for name, value := range map[string]string{"rps_cpus": "3", "rps_flow_cnt": "1024"} {
		path := filepath.Join(pair.near.sysfs, "class/net", pair.near.name, "queues/rx-0", name)
		t.Must(os.WriteFile(path, []byte(value), 0), "set "+name)
	}
	var elsewhere func([]byte) error
	pair.ns.do(t, func() { elsewhere = rawSender(t, pair.far) })
	onTap := rawSender(t, tap.nic)
	where := cpuOfArrival(t, pair.near)
	out := udpFrame(localAddr.Addr(), peerAddr, 4242, 9)
	in := udpFrame(peerAddr, localAddr.Addr(), 9, 4242)
	for _, cpu := range []int{0, 1, 0, 1} {
		onCPU(t, cpu, func() {
			// Twice: the first answer creates an entry for the flow. The second packet
			// stores its hash in it, and the second answer passes the hash to RFS.
			for range 2 {
				t.Must(onTap(out), "send on the tap")
				tap.read(1, nil)
				_, err := tap.queues[1].Write(in)
				t.Must(err, "write to the tap")
			}
		})
		got := -1
		t.Eventually(ioPatience, fmt.Sprintf("packet of the flow received on cpu %d, where the tap is served", cpu), func() bool {
			where.reset(t)
			t.Must(elsewhere(in), "send from elsewhere")
			got = where.wait(t)
			return got == cpu
		})
	}
}

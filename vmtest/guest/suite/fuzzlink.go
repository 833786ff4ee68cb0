// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"maps"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/fuzz"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// fuzzBatch is the number of messages between two checks of the links.
const fuzzBatch = 32

// mutatedMessages sends random messages about IFLA_XPS, valid and invalid ones. The
// kernel must answer each as the model predicts. After every batch the links must match
// the model.
func (e negativeTests) mutatedMessages(t *check.T) {
	seed := e.seed
	t.Notef("seed: %d (the same messages again: --seed %d)", seed, seed)
	world, progs := e.fuzzWorld(t)
	messages := e.count(t, "messages", times{4_000, 200_000})
	raw, err := rtnl.DialRaw(t.Scaled(ioPatience))
	t.Must(err, "dial")
	t.Cleanup(func() { raw.Close() })
	c := dial(t)
	gen, model := fuzz.New(seed, world), fuzz.NewModel(world)
	outcome := map[fuzz.Answer]int{}
	for sent := 0; sent < messages; sent += fuzzBatch {
		var (
			batch []rtnl.Request
			want  []fuzz.Answer
		)
		for range fuzzBatch {
			msg := gen.Next()
			batch = append(batch, rtnl.Request(msg))
			want = append(want, model.Take(msg))
		}
		got, err := raw.Exchange(batch)
		t.Must(err, "messages")
		for i := range got {
			outcome[got[i]]++
			if got[i] != want[i] {
				t.Errorf("answer to message %d of seed %d, type %d flags %#x payload %x\n  expected: %v\n  seen:     %v",
					sent+i, seed, batch[i].Type, batch[i].Flags, batch[i].Payload, want[i], got[i])
			}
		}
		for _, dev := range world.Devices {
			info, err := c.Get(int(dev))
			t.Must(err, "get link")
			check.Equal(t, "nest of "+info.Name+" after the batch", attachedNest(ebpf.ProgramID(model.Attached[dev])).String(), info.XPS.String())
		}
		if t.Failed() {
			break
		}
		t.Alive("%d of %d messages", sent, messages)
	}
	for _, answer := range slices.Sorted(maps.Keys(outcome)) {
		what := "success"
		if answer != 0 {
			what = unix.ErrnoName(answer)
		}
		t.Notef("answered with %s: %d", what, outcome[answer])
	}
	var ids []ebpf.ProgramID
	for _, prog := range progs {
		ids = append(ids, idOf(t, prog))
		t.Must(prog.Close(), "close")
	}
	for _, dev := range world.Devices {
		_, err := c.SetXPS(int(dev), setFD(-1))
		t.Must(err, "detach")
	}
	for _, id := range ids {
		expectGone(t, id, "all messages, and detaching")
	}
}

// fuzzWorld makes the devices and programs for the messages.
func (e negativeTests) fuzzWorld(t *check.T) (fuzz.World, []*ebpf.Program) {
	world := fuzz.World{
		Closed: []int32{badFD, badFD + 1, -2, -1 << 31},
		Absent: []int32{0, -1, -1 << 31, 1 << 20},
	}
	bond := e.bond(t)
	for _, n := range []*nic{e.dummy(t, "dummy0", 2), e.dummy(t, "dummy1", 4), bond} {
		world.Devices = append(world.Devices, int32(n.index))
	}
	world.Masters = []int32{int32(bond.index)}
	var progs []*ebpf.Program
	for ret := range int32(4) {
		prog := constant(t, ret)
		progs = append(progs, prog)
		world.Programs = append(world.Programs, fuzz.Program{FD: int32(prog.FD()), ID: uint32(idOf(t, prog))})
	}
	null, err := os.Open(os.DevNull)
	t.Must(err, "open")
	t.Cleanup(func() { null.Close() })
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	t.Must(err, "socket")
	t.Cleanup(func() { unix.Close(sock) })
	world.Foreign = []int32{int32(null.Fd()), int32(sock), int32(load(t, ebpf.XDP, returns(2)).FD()), int32(counting(t, 0).state.FD())}
	return world, progs
}

// fuzzTimeout is long enough for a debug kernel.
const fuzzTimeout = 8 * time.Minute

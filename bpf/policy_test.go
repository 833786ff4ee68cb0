// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bpf_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/bpf"
	"xpsgen/bpf/policy"
)

// undecided are packets that have no flow.
func undecided() map[string]frame {
	arp := frame{proto: 0x0806, rest: make([]byte, 28)}
	v5 := ipv4(udp, 1, 2, 1000, 53)
	v5.network = append([]byte{0x55}, v5.network[1:]...)
	ihl := ipv4(udp, 1, 2, 1000, 53)
	ihl.network = append([]byte{0x44}, ihl.network[1:]...)
	v6in4 := ipv6(udp, 1, 2, 1000, 53)
	v6in4.network = append([]byte{0x40}, v6in4.network[1:]...)
	cut4 := ipv4(udp, 1, 2, 0, 0)
	cut4.network, cut4.rest = cut4.network[:19], nil
	cut6 := ipv6(udp, 1, 2, 0, 0)
	cut6.network, cut6.rest = cut6.network[:39], nil
	cutExt := ipv6(udp, 1, 2, 0, 0).ext(0, 0)
	cutExt.rest = nil
	return map[string]frame{
		"not ip":                arp,
		"wrong version in ipv4": v5,
		"header length too low": ihl,
		"wrong version in ipv6": v6in4,
		// A test run rejects them without a tag.
		"cut in the ipv4 header": cut4.tagged(0x8100, 1),
		"cut in the ipv6 header": cut6.tagged(0x8100, 1),
		"cut in an extension":    cutExt,
		"cut in the udp ports":   ipv4(udp, 1, 2, 1000, 53).short(9),
		"cut in the tcp ports":   ipv6(tcp, 1, 2, 1000, 53).short(17),
		"four tags":              ipv4(udp, 1, 2, 1000, 53).tagged(0x8100, 1).tagged(0x8100, 2).tagged(0x8100, 3).tagged(0x88a8, 4),
		"only a tag":             {proto: 0x8100, network: []byte{0, 1}},
	}
}

func TestPort(t *testing.T) {
	const dst, src = 0, 1
	coll := mustLoad(t, "xps_port", nil)
	for key, queue := range map[bpf.XpsPortXpsPortKey]int32{
		{Protocol: tcp, Port: 443, Side: dst}: 1,
		{Protocol: tcp, Port: 443, Side: src}: 2,
		{Protocol: udp, Port: 443, Side: dst}: 3,
		{Protocol: tcp, Port: 22, Side: dst}:  -1,
		{Protocol: tcp, Port: 80, Side: src}:  4,
	} {
		if err := coll.Maps[bpf.XpsPortMapPortQueue].Put(key, queue); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		f    frame
		want int32
	}{
		"destination":                {ipv4(tcp, 1, 2, 1000, 443), 1},
		"source":                     {ipv4(tcp, 1, 2, 443, 1000), 2},
		"destination before source":  {ipv4(tcp, 1, 2, 443, 443), 1},
		"protocol":                   {ipv4(udp, 1, 2, 1000, 443), 3},
		"negative ends the search":   {ipv4(tcp, 1, 2, 80, 22), -1},
		"source if destination not":  {ipv4(tcp, 1, 2, 80, 23), 4},
		"v6":                         {ipv6(tcp, 1, 2, 1000, 443), 1},
		"tag":                        {ipv6(udp, 1, 2, 1000, 443).tagged(0x8100, 9), 3},
		"not in the map":             {ipv4(tcp, 1, 2, 1000, 444), -1},
		"side":                       {ipv4(udp, 1, 2, 443, 1000), -1},
		"fragment":                   {ipv4(tcp, 1, 2, 1000, 443).fragment(0x2000), -1},
		"no ports":                   {ipv4(icmp, 1, 2, 1000, 443), -1},
		"port 0 is not a port taken": {ipv4(icmp, 1, 2, 0, 0), -1},
	}
	for name, f := range undecided() {
		tests[name] = struct {
			f    frame
			want int32
		}{f, -1}
	}
	for name, tt := range tests {
		if got := run(t, coll, "xps_port", tt.f.bytes(), nil); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestMark(t *testing.T) {
	direct := func(c *policy.Mark) { c.Direct = true }
	tests := map[string]struct {
		set  func(*policy.Mark)
		mark uint32
		want int32
	}{
		"unmarked":                 {mark: 0, want: -1},
		"in the map":               {mark: 10, want: 5},
		"in the map, negative":     {mark: 11, want: -2},
		"not in the map":           {mark: 12, want: -1},
		"largest in the array":     {mark: 0xffff, want: 6},
		"smallest large one":       {mark: 0x10000, want: 7},
		"large":                    {mark: 0xffffffff, want: 8},
		"large, negative":          {mark: 0x10001, want: -2},
		"large, not in the map":    {mark: 0x10002, want: -1},
		"masked":                   {set: func(c *policy.Mark) { c.Mask = 0xff }, mark: 0xaa0a, want: 5},
		"shifted":                  {set: func(c *policy.Mark) { c.Mask, c.Shift = 0xff00, 8 }, mark: 0x0a33, want: 5},
		"direct":                   {set: direct, mark: 3, want: 2},
		"direct, unmarked":         {set: direct, mark: 0, want: -1},
		"direct, but in the map":   {set: direct, mark: 10, want: 5},
		"direct, but negative":     {set: direct, mark: 11, want: -2},
		"direct, large":            {set: direct, mark: 0x10002, want: 0x10001},
		"direct, no queue so high": {set: direct, mark: 0x80000001, want: -2147483648},
	}
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	for _, stats := range []bool{true, false} {
		for name, tt := range tests {
			cfg := &policy.Mark{
				Options: policy.Options{NoStats: !stats},
				Queues:  policy.Queues[uint32]{10: 5, 11: -7, 0xffff: 6, 0x10000: 7, 0x10001: -7, 0xffffffff: 8},
			}
			if tt.set != nil {
				tt.set(cfg)
			}
			p := mustPolicy(t, func() (*policy.Policy, error) { return policy.LoadMark(cfg) })
			if got := runProgram(t, p.Program, frame, &skBuff{Mark: tt.mark}); got != tt.want {
				t.Errorf("%s, counted %t: %d, want %d", name, stats, got, tt.want)
			}
			want := &policy.Counters{Queues: map[int]uint64{}, Reasons: map[policy.Reason]uint64{}}
			switch {
			case !stats:
			case tt.want < 0:
				want.Reasons[policy.ByNoEntry] = 1
			default:
				want.Reasons[policy.ByMap] = 1
				if tt.want < 256 {
					want.Queues[int(tt.want)] = 1
				}
			}
			got, err := p.Counters()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, counted %t (-want +got):\n%s", name, stats, diff)
			}
		}
	}
}

// TestMarkLarge: the program finds each large mark of a full map, also those that
// share a bucket.
func TestMarkLarge(t *testing.T) {
	draw := rand.New(rand.NewPCG(uint64(testSeed(t)), 1))
	random, crowded := make(policy.Queues[uint32]), make(policy.Queues[uint32])
	for len(random) < 4096 {
		random[1<<16+draw.Uint32N(1<<32-1<<16)] = draw.Int32N(64)
	}
	// Find 12 values of one bucket: 4 are in the bucket, 8 in the hash.
	var crowd []uint32
	for value := uint32(1 << 16); len(crowd) < 12; value++ {
		if value*0x9e3779b1>>19 == 5 {
			crowd = append(crowd, value)
			crowded[value] = int32(len(crowd))
		}
	}
	absent := crowd[11]
	delete(crowded, absent)
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	for name, queues := range map[string]policy.Queues[uint32]{"random": random, "one bucket": crowded} {
		p := mustPolicy(t, func() (*policy.Policy, error) { return policy.LoadMark(&policy.Mark{Queues: queues}) })
		for value, want := range queues {
			if got := runProgram(t, p.Program, frame, &skBuff{Mark: value}); got != want {
				t.Errorf("%s: mark %#x: %d, want %d", name, value, got, want)
			}
		}
		if _, there := queues[absent]; there {
			continue
		}
		if got := runProgram(t, p.Program, frame, &skBuff{Mark: absent}); got != -1 {
			t.Errorf("%s: mark %#x, which is not in the map: %d", name, absent, got)
		}
	}
	for value := uint32(1); len(random) < 4097; value++ {
		random[1<<31+value] = 0
	}
	if _, err := policy.LoadMark(&policy.Mark{Queues: random}); !errors.Is(err, policy.ErrOptions) {
		t.Errorf("4097 large marks: %v, want %v", err, policy.ErrOptions)
	}
}

// TestQueueTooHigh: a queue that does not fit an entry of an array is rejected.
func TestQueueTooHigh(t *testing.T) {
	queues := policy.Queues[uint32]{1: math.MaxInt32}
	_, cpu := policy.LoadCPU(queues, policy.Options{})
	_, mark := policy.LoadMark(&policy.Mark{Queues: queues})
	for name, err := range map[string]error{"cpu": cpu, "mark": mark} {
		if !errors.Is(err, policy.ErrOptions) {
			t.Errorf("%s: %v, want %v", name, err, policy.ErrOptions)
		}
	}
}

func TestCPU(t *testing.T) {
	coll := mustLoad(t, "xps_cpu", nil)
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()

	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	t.Run("pinned", func(t *testing.T) {
		// Never unlocked: the thread keeps its affinity and ends with this
		// goroutine.
		runtime.LockOSThread()
		for cpu := range 1024 {
			if !allowed.IsSet(cpu) {
				continue
			}
			var one unix.CPUSet
			one.Set(cpu)
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				t.Fatal(err)
			}
			if got := run(t, coll, "xps_cpu", frame, nil); got != -1 {
				t.Errorf("cpu %d, not in the map: %d, want -1", cpu, got)
			}
			queue := int32(cpu + 100)
			if err := coll.Maps[bpf.XpsCpuMapCpuQueue].Put(uint32(cpu), queue+1); err != nil {
				t.Fatal(err)
			}
			if got := run(t, coll, "xps_cpu", frame, nil); got != queue {
				t.Errorf("cpu %d: %d, want %d", cpu, got, queue)
			}
		}
	})
}

func TestUID(t *testing.T) {
	coll := mustLoad(t, "xps_uid", nil)
	frame := ipv4(udp, 1, 2, 1000, 53).bytes()
	if got := run(t, coll, "xps_uid", frame, nil); got != -1 {
		t.Errorf("with an empty map: %d, want -1", got)
	}
	// A test run has a socket without a file. Its user is root.
	for _, uid := range []uint32{0, 65534} {
		if err := coll.Maps[bpf.XpsUidMapUidQueue].Put(uid, int32(5)); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, coll, "xps_uid", frame, nil); got != 5 {
		t.Errorf("%d, want 5", got)
	}
}

// TestCPUTooHigh: a cpu that does not fit the map is rejected.
func TestCPUTooHigh(t *testing.T) {
	if _, err := policy.LoadCPU(policy.Queues[uint32]{4096: 1}, policy.Options{}); !errors.Is(err, policy.ErrOptions) {
		t.Errorf("%v, want %v", err, policy.ErrOptions)
	}
}

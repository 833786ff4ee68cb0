// SPDX-License-Identifier: GPL-2.0-only OR MIT

package policy

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

// mustLoad loads a policy. It skips the test where that is not permitted.
func mustLoad(tb testing.TB, load func() (*Policy, error)) *Policy {
	tb.Helper()
	p, err := load()
	if errors.Is(err, os.ErrPermission) && !slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "root") {
		tb.Skipf("loading BPF programs is not permitted (run as root): %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// constants returns the constants of the policy, by name, except the seed.
func constants(tb testing.TB, p *Policy) map[string]uint64 {
	tb.Helper()
	all := make(map[string]uint64)
	for name, v := range p.coll.Variables {
		if !v.ReadOnly() || name == "seed" {
			continue
		}
		var small uint32
		value := uint64(0)
		err := v.Get(&value)
		if v.Size() == 4 {
			err = v.Get(&small)
			value = uint64(small)
		}
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		all[name] = value
	}
	return all
}

func TestFlowHashConstants(t *testing.T) {
	base := map[string]uint64{
		"symmetric": 0, "use_ports": 1, "udp_ports": 1, "use_vlan": 0, "use_label": 0, "use_spi": 1,
		"indirect": 0, "inner": uint64(InnerIPIP | InnerGRE), "stats": 1,
	}
	plan := &QueuePlan{Queues: []int{2, 5}, Values: []int32{2, 5}, Min: 6, Max: 8}
	for name, tt := range map[string]struct {
		cfg    FlowHash
		change map[string]uint64
	}{
		"default":          {FlowHash{}, nil},
		"symmetric":        {FlowHash{Symmetric: true}, map[string]uint64{"symmetric": 1}},
		"addresses only":   {FlowHash{AddressesOnly: true}, map[string]uint64{"use_ports": 0}},
		"udp by addresses": {FlowHash{UDPByAddresses: true}, map[string]uint64{"udp_ports": 0}},
		"vlan":             {FlowHash{VLAN: true}, map[string]uint64{"use_vlan": 1}},
		"label":            {FlowHash{FlowLabel: true}, map[string]uint64{"use_label": 1}},
		"no spi":           {FlowHash{NoSPI: true}, map[string]uint64{"use_spi": 0}},
		"plan":             {FlowHash{Plan: plan}, map[string]uint64{"indirect": 1}},
		"no stats":         {FlowHash{Options: Options{NoStats: true}}, map[string]uint64{"stats": 0}},
		"no tunnel":        {FlowHash{Inner: InnerNone}, map[string]uint64{"inner": 0}},
		"tunnels":          {FlowHash{Inner: InnerVXLAN | InnerGENEVE}, map[string]uint64{"inner": uint64(InnerVXLAN | InnerGENEVE)}},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustLoad(t, func() (*Policy, error) { return LoadFlowHash(&tt.cfg) })
			want := make(map[string]uint64)
			for name, value := range base {
				want[name] = value
			}
			for name, value := range tt.change {
				want[name] = value
			}
			if diff := cmp.Diff(want, constants(t, p)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for i := range p.Indirection().MaxEntries() {
				var got, want int32
				if tt.cfg.Plan != nil {
					want = plan.Values[i%2]
				}
				if err := p.Indirection().Lookup(i, &got); err != nil || got != want {
					t.Fatalf("entry %d is %d, %v; want %d", i, got, err, want)
				}
			}
		})
	}
}

// TestNilOptions: nil means the defaults.
func TestNilOptions(t *testing.T) {
	for name, pair := range map[string][2]func() (*Policy, error){
		"flow-hash": {func() (*Policy, error) { return LoadFlowHash(nil) }, func() (*Policy, error) { return LoadFlowHash(&FlowHash{}) }},
		"mark":      {func() (*Policy, error) { return LoadMark(nil) }, func() (*Policy, error) { return LoadMark(&Mark{}) }},
	} {
		got, want := mustLoad(t, pair[0]), mustLoad(t, pair[1])
		if diff := cmp.Diff(constants(t, want), constants(t, got)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if c, err := CountersOf(nil); c != nil || !errors.Is(err, ErrNoCounters) {
		t.Errorf("counters of nil: %v, %v", c, err)
	}
	table := mustLoad(t, func() (*Policy, error) { return LoadFlowHash(nil) }).Indirection()
	for name, plan := range map[string]*QueuePlan{"nil": nil, "empty": {}} {
		if err := SetQueues(table, plan); !errors.Is(err, ErrOptions) {
			t.Errorf("plan %s: %v, want %v", name, err, ErrOptions)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for name, load := range map[string]func() (*Policy, error){
		"label and symmetric": func() (*Policy, error) { return LoadFlowHash(&FlowHash{Symmetric: true, FlowLabel: true}) },
		"unknown tunnel":      func() (*Policy, error) { return LoadFlowHash(&FlowHash{Inner: InnerGENEVE << 1}) },
		"known and unknown":   func() (*Policy, error) { return LoadFlowHash(&FlowHash{Inner: InnerGRE | InnerNone}) },
		"plan without values": func() (*Policy, error) { return LoadFlowHash(&FlowHash{Plan: &QueuePlan{}}) },
		"shift":               func() (*Policy, error) { return LoadMark(&Mark{Shift: 32}) },
		"mark, queue":         func() (*Policy, error) { return LoadMark(&Mark{Queues: Queues[uint32]{1: math.MaxInt32}}) },
		"cpu":                 func() (*Policy, error) { return LoadCPU(Queues[uint32]{4096: 1}, Options{}) },
		"cpu, queue":          func() (*Policy, error) { return LoadCPU(Queues[uint32]{1: math.MaxInt32}, Options{}) },
	} {
		p, err := load()
		if p != nil || !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v, %v; want %v", name, p, err, ErrOptions)
		}
		if name == "cpu" && !strings.HasSuffix(err.Error(), "cpu 4096, at most 4095") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// entries reads a map without the entries of value 0.
func entries[K, V comparable](tb testing.TB, m *ebpf.Map) map[K]V {
	tb.Helper()
	got := make(map[K]V)
	var key K
	var value, none V
	it := m.Iterate()
	for it.Next(&key, &value) {
		if value != none {
			got[key] = value
		}
	}
	if err := it.Err(); err != nil {
		tb.Fatal(err)
	}
	return got
}

func TestMaps(t *testing.T) {
	queues := Queues[uint32]{0: 3, 7: -5, 4095: 0, 65535: 9, 65536: 4, math.MaxUint32: -1}
	p := mustLoad(t, func() (*Policy, error) { return LoadMark(&Mark{Queues: queues, Mask: 0xff00, Shift: 31, Direct: true}) })
	if diff := cmp.Diff(map[uint32]int32{0: 4, 7: -1, 4095: 1, 65535: 10}, entries[uint32, int32](t, p.coll.Maps["mark_queue"])); diff != "" {
		t.Errorf("marks (-want +got)\n%s", diff)
	}
	large := map[uint32]bucket{
		3894: {Values: [4]uint32{65536}, Entries: [4]int32{5}},
		3129: {Values: [4]uint32{math.MaxUint32}, Entries: [4]int32{-1}},
	}
	if diff := cmp.Diff(large, entries[uint32, bucket](t, p.coll.Maps["mark_large"])); diff != "" {
		t.Errorf("large marks (-want +got)\n%s", diff)
	}
	if got := entries[uint32, int32](t, p.coll.Maps["mark_more"]); len(got) != 0 {
		t.Errorf("marks beside the buckets: %v", got)
	}
	if diff := cmp.Diff(map[string]uint64{"mask": 0xff00, "shift": 31, "direct": 1, "stats": 1}, constants(t, p)); diff != "" {
		t.Errorf("mark (-want +got)\n%s", diff)
	}
	if p.Indirection() != nil {
		t.Error("the policy mark has a table of flow-hash")
	}

	p = mustLoad(t, func() (*Policy, error) { return LoadMark(&Mark{Options: Options{NoStats: true}}) })
	if diff := cmp.Diff(map[string]uint64{"mask": math.MaxUint32, "shift": 0, "direct": 0, "stats": 0}, constants(t, p)); diff != "" {
		t.Errorf("mark without options (-want +got)\n%s", diff)
	}

	p = mustLoad(t, func() (*Policy, error) { return LoadCPU(Queues[uint32]{0: 1, 4095: -7}, Options{}) })
	if diff := cmp.Diff(map[uint32]int32{0: 2, 4095: -1}, entries[uint32, int32](t, p.coll.Maps["cpu_queue"])); diff != "" {
		t.Errorf("cpus (-want +got)\n%s", diff)
	}

	p = mustLoad(t, func() (*Policy, error) { return LoadUID(Queues[uint32]{1000: 1, 1001: -7}, Options{}) })
	if diff := cmp.Diff(map[uint32]int32{1000: 1, 1001: -7}, entries[uint32, int32](t, p.coll.Maps["uid_queue"])); diff != "" {
		t.Errorf("users (-want +got)\n%s", diff)
	}

	ports := Queues[Port]{{Protocol: 6, Port: 443, Side: Source}: 5, {Protocol: 17, Port: 53, Side: Destination}: -2}
	p = mustLoad(t, func() (*Policy, error) { return LoadPort(ports, Options{}) })
	if diff := cmp.Diff(map[Port]int32(ports), entries[Port, int32](t, p.coll.Maps["port_queue"])); diff != "" {
		t.Errorf("ports (-want +got)\n%s", diff)
	}

	// More users than the map has room for.
	many := make(Queues[uint32])
	for uid := range uint32(1 << 16) {
		many[uid] = 1
	}
	if p, err := LoadUID(many, Options{}); p != nil || err == nil || !strings.Contains(err.Error(), "uid_queue") {
		t.Errorf("too many users: %v, %v", p, err)
	}
}

func TestCounters(t *testing.T) {
	seed := uint32(1)
	p := mustLoad(t, func() (*Policy, error) {
		return LoadMark(&Mark{Queues: Queues[uint32]{0: 5}})
	})
	arp := append([]byte{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7, 8, 6}, make([]byte, 46)...)
	for range 3 {
		if _, err := p.Program.Run(&ebpf.RunOptions{Data: arp}); err != nil {
			t.Fatal(err)
		}
	}
	want := &Counters{Queues: map[int]uint64{5: 3}, Reasons: map[Reason]uint64{ByMap: 3}}
	got, err := p.Counters()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	got, err = CountersOf(p.Program)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("of the program: %v (-want +got)\n%s", err, diff)
	}

	h := mustLoad(t, func() (*Policy, error) { return LoadFlowHash(&FlowHash{Seed: &seed}) })
	if _, err := h.Program.Run(&ebpf.RunOptions{Data: arp}); err != nil {
		t.Fatal(err)
	}
	got, err = h.Counters()
	want = &Counters{Queues: map[int]uint64{}, Reasons: map[Reason]uint64{ByNotIP: 1}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("without a preference: %v (-want +got)\n%s", err, diff)
	}
}

// TestOtherMaps: maps of a program that is not a policy are rejected.
func TestOtherMaps(t *testing.T) {
	p := mustLoad(t, func() (*Policy, error) { return LoadCPU(nil, Options{}) })
	if _, err := read(nil); !errors.Is(err, ErrNoCounters) {
		t.Errorf("no map: %v", err)
	}
	for name, spec := range map[string]*ebpf.MapSpec{
		"another type": {Type: ebpf.Array, KeySize: 4, ValueSize: 8 * 300, MaxEntries: 1},
		"no reasons":   {Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8 * 256, MaxEntries: 1},
		"odd size":     {Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8*256 + 12, MaxEntries: 1},
	} {
		m, err := ebpf.NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := read(m); c != nil || !errors.Is(err, ErrNoCounters) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
		m.Close()
	}
	// A policy with fewer reasons than this package knows.
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8 * 257, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	values := make([][257]uint64, ebpf.MustPossibleCPU())
	values[0][0], values[0][255], values[0][256] = 1, 2, 3
	if err := m.Put(uint32(0), values); err != nil {
		t.Fatal(err)
	}
	want := &Counters{Queues: map[int]uint64{0: 1, 255: 2}, Reasons: map[Reason]uint64{ByPorts: 3}}
	if c, err := read(m); err != nil || !cmp.Equal(want, c) {
		t.Errorf("one reason: %+v, %v; want %+v", c, err, want)
	}

	plan := &QueuePlan{Queues: []int{0}, Values: []int32{0}}
	for name, m := range map[string]*ebpf.Map{"no table": nil, "another map": p.coll.Maps["cpu_queue"]} {
		if err := SetQueues(m, plan); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v, want %v", name, err, ErrOptions)
		}
	}
	for name, spec := range map[string]*ebpf.MapSpec{
		"type of the table": {Name: indirection, Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		"size of the table": {Name: indirection, Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		"name of the table": {Name: "other", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1},
	} {
		m, err := ebpf.NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := SetQueues(m, plan); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v, want %v", name, err, ErrOptions)
		}
		m.Close()
	}
}

// TestClose: Close closes the program.
func TestClose(t *testing.T) {
	p := mustLoad(t, func() (*Policy, error) { return LoadCPU(nil, Options{}) })
	p.Close()
	if p.Program.FD() >= 0 {
		t.Errorf("the program is still open: fd %d", p.Program.FD())
	}
}

func TestPlanExact(t *testing.T) {
	for name, tt := range map[string]struct {
		queues              []int
		inUse, max, atLeast int
		want                *QueuePlan
		err                 string
	}{
		"all but one":           {[]int{7, 1, 2, 3, 4, 5, 6}, 8, 8, 0, &QueuePlan{[]int{1, 2, 3, 4, 5, 6, 7}, []int32{1, 2, 3, 4, 13, 22, 23}, 5, 8}, ""},
		"exactly that":          {[]int{1, 2, 3, 4, 5, 6, 7}, 8, 8, 5, &QueuePlan{[]int{1, 2, 3, 4, 5, 6, 7}, []int32{1, 2, 3, 4, 13, 22, 23}, 5, 8}, ""},
		"less than possible":    {[]int{1, 2, 3, 4, 5, 6, 7}, 8, 8, 4, nil, "impossible queues: 4 queues are too few for [1 2 3 4 5 6 7] without using other queues; need at least 5"},
		"as many as there are":  {[]int{3}, 4, 4, 4, &QueuePlan{[]int{3}, []int32{3}, 4, 4}, ""},
		"growing":               {[]int{0}, 1, 3, 0, &QueuePlan{[]int{0}, []int32{0}, 1, 3}, ""},
		"none":                  {nil, 4, 4, 0, nil, "impossible queues: the list of queues is empty"},
		"none in use":           {[]int{0}, 0, 4, 0, nil, "impossible queues: the device has 0 queues in use"},
		"more in use than most": {[]int{0}, 5, 4, 0, nil, "impossible queues: 5 queues in use exceed the maximum of 4"},
		"not in use":            {[]int{0, 4}, 4, 8, 0, nil, "impossible queues: queue 4 is not in use; the device uses queues 0 to 3"},
		"negative at least":     {[]int{0}, 4, 4, -1, nil, "impossible queues: minimum of -1 queues in use: want 0 to 4"},
		"too many at least":     {[]int{0}, 4, 4, 5, nil, "impossible queues: minimum of 5 queues in use: want 0 to 4"},
	} {
		got, err := Plan(tt.queues, tt.inUse, tt.max, tt.atLeast)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || text != tt.err {
			t.Errorf("%s: error %q, want %q; plan (-want +got)\n%s", name, text, tt.err, diff)
		}
	}
}

func TestReasonNames(t *testing.T) {
	for r, want := range map[Reason]string{-1: "reason--1", ByPorts: "ports", ByMap: "map", ByTags: "tags", reasons: "reason-12"} {
		if got := r.String(); got != want {
			t.Errorf("%d: %q, want %q", int(r), got, want)
		}
	}
	if !ByMap.Preference() || ByNoEntry.Preference() || ByTags.Preference() {
		t.Error("preferences are wrong")
	}
}

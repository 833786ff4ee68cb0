// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

// skipUnlessPermitted skips the test if loading programs is not permitted.
func skipUnlessPermitted(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, os.ErrPermission) && !slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "root") {
		tb.Skipf("loading BPF programs is not permitted (run as root): %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// mustProgram loads a socket filter.
func mustProgram(tb testing.TB) *ebpf.Program {
	tb.Helper()
	p, err := policy.LoadCPU(policy.Queues[uint32]{}, policy.Options{})
	skipUnlessPermitted(tb, err)
	tb.Cleanup(p.Close)
	return p.Program
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		options attachOptions
		given   string
		want    string // in the error; empty: none
	}{
		"policy":                {attachOptions{policy: "flow-hash"}, "", ""},
		"object":                {attachOptions{object: "f.o"}, "", ""},
		"object and program":    {attachOptions{object: "f.o", program: "p"}, "", ""},
		"pinned":                {attachOptions{pinned: "/p"}, "", ""},
		"no source":             {attachOptions{}, "", "want exactly one of"},
		"two sources":           {attachOptions{policy: "cpu", object: "f.o", entries: "0=1"}, "", "want exactly one of"},
		"three sources":         {attachOptions{policy: "cpu", object: "f.o", pinned: "/p"}, "", "want exactly one of"},
		"queues of flow-hash":   {attachOptions{policy: "flow-hash", queues: "1"}, "queues", ""},
		"queues of cpu":         {attachOptions{policy: "cpu", entries: "0=1"}, "queues", "--queues"},
		"queues of an object":   {attachOptions{object: "f.o"}, "queues", "--queues"},
		"map of flow-hash":      {attachOptions{policy: "flow-hash"}, "map", "cpu, mark, port, uid"},
		"map of port":           {attachOptions{policy: "port", entries: "tcp/1=1"}, "map", ""},
		"direct of mark":        {attachOptions{policy: "mark", direct: true}, "direct", ""},
		"direct of uid":         {attachOptions{policy: "uid", entries: "0=1"}, "direct", "--direct"},
		"mask of uid":           {attachOptions{policy: "uid", entries: "0=1"}, "mask", "--mask"},
		"no-stats of uid":       {attachOptions{policy: "uid", entries: "0=1"}, "no-stats", ""},
		"no-stats of a pin":     {attachOptions{pinned: "/p"}, "no-stats", "--no-stats"},
		"min-queues":            {attachOptions{policy: "flow-hash", queues: "1", minQueues: 2}, "min-queues", ""},
		"min-queues alone":      {attachOptions{policy: "flow-hash", minQueues: 2}, "", "--min-queues needs --queues"},
		"program of a pin":      {attachOptions{pinned: "/p", program: "p"}, "", "--program needs --object"},
		"link":                  {attachOptions{object: "f.o", linkPath: "/l"}, "", ""},
		"link, expect none":     {attachOptions{object: "f.o", linkPath: "/l", expect: "none"}, "", ""},
		"link, expect another":  {attachOptions{object: "f.o", linkPath: "/l", expect: "12"}, "", "--expect"},
		"expect without a link": {attachOptions{object: "f.o", expect: "12"}, "", ""},
		"mark with nothing":     {attachOptions{policy: "mark"}, "", "--policy mark needs"},
		"mark with a map":       {attachOptions{policy: "mark", entries: "0=1"}, "", ""},
		"cpu without a map":     {attachOptions{policy: "cpu"}, "", "--policy cpu needs --map"},
		"port without a map":    {attachOptions{policy: "port"}, "", "--policy port needs --map"},
		"uid without a map":     {attachOptions{policy: "uid"}, "", "--policy uid needs --map"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.options.check(func(name string) bool { return name == tt.given })
			var wrong *usageError
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	for _, name := range []string{"min-queues", "symmetric", "flow-label", "vlan", "addresses-only", "udp-by-addresses", "inner", "seed"} {
		given := func(n string) bool { return n == name }
		if err := (&attachOptions{policy: "cpu", entries: "0=1"}).check(given); err == nil || !strings.Contains(err.Error(), "--"+name) {
			t.Errorf("--%s of cpu: %v", name, err)
		}
		if err := (&attachOptions{policy: "flow-hash"}).check(given); err != nil {
			t.Errorf("--%s of flow-hash: %v", name, err)
		}
	}
}

func TestConditions(t *testing.T) {
	for expect, want := range map[string]*xps.AttachOptions{
		"": nil, "none": {NoReplace: true}, "12": {ExpectedID: 12}, "4294967295": {ExpectedID: 1<<32 - 1},
	} {
		if got, _, err := conditions(expect); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", expect, got, err, want)
		}
	}
	for expect, text := range map[string]string{"0": "begin with 1", "4294967296": "want none", "nosuch": "want none", "-1": "want none"} {
		var wrong *usageError
		if got, _, err := conditions(expect); got != nil || !errors.As(err, &wrong) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %+v, %v; want %s", expect, got, err, text)
		}
	}
	if got, _, err := conditions("/nosuch/pin"); got != nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nosuch/pin") {
		t.Errorf("missing pin: %+v, %v", got, err)
	}
	if got, _, err := conditions("/etc/passwd"); got != nil || !errors.Is(err, xps.ErrNotBPFFS) {
		t.Errorf("no pin: %+v, %v", got, err)
	}
}

// TestConditionsOfPin: the caller can close the program of --expect PATH.
func TestConditionsOfPin(t *testing.T) {
	prog := mustProgram(t)
	var loaded, closed bool
	skipUnlessPermitted(t, func() error {
		// A detached mount: tests may run in a chroot whose root is not a
		// mount, so mounts cannot be made private.
		config, err := unix.Fsopen("bpf", unix.FSOPEN_CLOEXEC)
		if err != nil {
			return os.NewSyscallError("fsopen", err)
		}
		defer unix.Close(config)
		if err := unix.FsconfigCreate(config); err != nil {
			return os.NewSyscallError("fsconfig", err)
		}
		mount, err := unix.Fsmount(config, unix.FSMOUNT_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("fsmount", err)
		}
		defer unix.Close(mount)
		path := fmt.Sprintf("/proc/self/fd/%d/expected", mount)
		if err := prog.Pin(path); err != nil {
			return err
		}
		opt, closeExpected, err := conditions(path)
		if err != nil {
			return err
		}
		loaded = opt.Expected.FD() >= 0
		closeExpected()
		closed = opt.Expected.FD() < 0
		return nil
	}())
	if !loaded || !closed {
		t.Errorf("loaded: %t, closed: %t", loaded, closed)
	}
}

func TestEntries(t *testing.T) {
	got, err := entries("0=1,0x10=-1,7=2147483647", number)
	want := policy.Queues[uint32]{0: 1, 16: -1, 7: 1<<31 - 1}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := entries("", number); err != nil || got == nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
	ports, err := entries("tcp/443=1,udp/53/source=2,sctp/0/destination=3,dccp/65535=4,udplite/1=5", port)
	wantPorts := policy.Queues[policy.Port]{
		{Protocol: 6, Port: 443, Side: policy.Destination}: 1, {Protocol: 17, Port: 53, Side: policy.Source}: 2,
		{Protocol: 132, Port: 0, Side: policy.Destination}: 3, {Protocol: 33, Port: 65535}: 4, {Protocol: 136, Port: 1}: 5,
	}
	if diff := cmp.Diff(wantPorts, ports); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for list, text := range map[string]string{
		"0": "not KEY=QUEUE", "0=1,": "not KEY=QUEUE", "x=1": `key "x"`, "4294967296=1": "32-bit", "0=x": `queue "x"`,
		"0=2147483648": "queue", "0=1,0x0=2": "duplicate",
	} {
		var wrong *usageError
		if got, err := entries(list, number); got != nil || !errors.As(err, &wrong) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, %v; want %s", list, got, err, text)
		}
	}
	for _, key := range []string{"tcp", "tcp/65536", "icmp/1", "tcp/1/both", "tcp/1/source/x", "tcp/x", ""} {
		if p, err := port(key); err == nil || p != (policy.Port{}) {
			t.Errorf("%q: %+v, %v", key, p, err)
		}
	}
}

func TestLoadPolicy(t *testing.T) {
	s := xps.State{Name: "lo", Ifindex: 1, MaxQueues: 1}
	c := &call{command: attachCommand(), stdout: os.Stdout, stderr: os.Stderr}
	for name, tt := range map[string]struct {
		options attachOptions
		seeded  bool
		program string
		want    string // in the error; empty: none
	}{
		"flow-hash":      {attachOptions{policy: "flow-hash"}, false, "xps_flow_hash", ""},
		"all tunnels":    {attachOptions{policy: "flow-hash", inner: "ipip,gre,vxlan,geneve"}, false, "xps_flow_hash", ""},
		"no tunnel":      {attachOptions{policy: "flow-hash", inner: "none"}, false, "xps_flow_hash", ""},
		"unknown tunnel": {attachOptions{policy: "flow-hash", inner: "gre,l2tp"}, false, "", "--inner gre,l2tp"},
		"seed":           {attachOptions{policy: "flow-hash", seed: 1<<32 - 1}, true, "xps_flow_hash", ""},
		"long seed":      {attachOptions{policy: "flow-hash", seed: 1 << 32}, true, "", "--seed 4294967296"},
		"queues":         {attachOptions{policy: "flow-hash", queues: "0"}, false, "xps_flow_hash", ""},
		"wrong queues":   {attachOptions{policy: "flow-hash", queues: "x"}, false, "", `queues "x"`},
		"too many":       {attachOptions{policy: "flow-hash", queues: "0-1"}, false, "", "uses queues 0 to 0"},
		"at least":       {attachOptions{policy: "flow-hash", queues: "0", minQueues: 2}, false, "", "minimum of 2"},
		"contradiction":  {attachOptions{policy: "flow-hash", symmetric: true, label: true}, false, "", "impossible options"},
		"mark":           {attachOptions{policy: "mark", entries: "1=2", mask: "0xff00"}, false, "xps_mark", ""},
		"mark, mask 0":   {attachOptions{policy: "mark", entries: "1=2", mask: "0"}, false, "", "--mask 0"},
		"mark, bad mask": {attachOptions{policy: "mark", entries: "1=2", mask: "x"}, false, "", "--mask x"},
		"mark, bad map":  {attachOptions{policy: "mark", entries: "1"}, false, "", "--map"},
		"cpu":            {attachOptions{policy: "cpu", entries: "1=2"}, false, "xps_cpu", ""},
		"cpu, bad map":   {attachOptions{policy: "cpu", entries: "x=2"}, false, "", "--map"},
		"uid":            {attachOptions{policy: "uid", entries: "1=2"}, false, "xps_uid", ""},
		"uid, bad map":   {attachOptions{policy: "uid", entries: "1=x"}, false, "", "--map"},
		"port":           {attachOptions{policy: "port", entries: "tcp/1=2"}, false, "xps_port", ""},
		"port, bad map":  {attachOptions{policy: "port", entries: "1=2"}, false, "", "--map"},
		"none":           {attachOptions{policy: "nosuch"}, false, "", `unknown policy "nosuch"`},
	} {
		t.Run(name, func(t *testing.T) {
			prog, release, err := tt.options.load(c, s, tt.seeded)
			if tt.want != "" {
				if prog != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, %v; want %s", prog, err, tt.want)
				}
				return
			}
			skipUnlessPermitted(t, err)
			info, err := prog.Info()
			if err != nil || info.Name != tt.program {
				t.Errorf("got %v, %v; want %s", info, err, tt.program)
			}
			release()
			if prog.FD() >= 0 {
				t.Error("the program is not released")
			}
		})
	}
}

// TestPolicyOptions: each option changes the constants of the policy.
func TestPolicyOptions(t *testing.T) {
	s := xps.State{Name: "lo", MaxQueues: 1}
	c := &call{command: attachCommand(), stdout: os.Stdout, stderr: os.Stderr}
	// constants returns a hash of the constants of the loaded policy.
	constants := func(o attachOptions) uint64 {
		t.Helper()
		p, err := o.loadPolicy(c, s, true)
		skipUnlessPermitted(t, err)
		defer p.Close()
		info, err := p.Program.Info()
		if err != nil {
			t.Fatal(err)
		}
		ids, _ := info.MapIDs()
		for _, id := range ids {
			m, err := ebpf.NewMapFromID(id)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.Type() == ebpf.Array && m.MaxEntries() == 1 {
				b, err := m.LookupBytes(uint32(0))
				if err != nil {
					t.Fatal(err)
				}
				return uint64(len(b))<<56 | hash(b)
			}
		}
		return 0
	}
	seen := make(map[uint64]string)
	for name, o := range map[string]attachOptions{
		"none": {}, "symmetric": {symmetric: true}, "label": {label: true}, "vlan": {vlan: true}, "addresses": {addresses: true},
		"udp": {udpAddresses: true}, "stats": {noStats: true}, "seed": {seed: 7}, "gre": {inner: "gre"}, "ipip": {inner: "ipip"},
		"vxlan": {inner: "vxlan"}, "geneve": {inner: "geneve"}, "vxlan and gre": {inner: "vxlan,gre"}, "no tunnel": {inner: "none"},
	} {
		o.policy = "flow-hash"
		value := constants(o)
		if other, twice := seen[value]; twice {
			t.Errorf("%s and %s load the same constants", name, other)
		}
		seen[value] = name
	}
	seen = make(map[uint64]string)
	for name, o := range map[string]attachOptions{
		"none": {}, "direct": {direct: true}, "mask": {mask: "0xff"}, "mask and shift": {mask: "0xff00"}, "stats": {noStats: true},
	} {
		o.policy = "mark"
		value := constants(o)
		if other, twice := seen[value]; twice {
			t.Errorf("mark: %s and %s load the same constants", name, other)
		}
		seen[value] = name
	}
}

// hash is FNV-1a, of 56 bits.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h >> 8
}

func TestLoadObject(t *testing.T) {
	const dir = "../../"
	for name, tt := range map[string]struct {
		options attachOptions
		want    string
	}{
		"one program":   {attachOptions{object: dir + "hello1_bpfel.o"}, ""},
		"by its name":   {attachOptions{object: dir + "hello1_bpfel.o", program: "hello1"}, ""},
		"wrong name":    {attachOptions{object: dir + "hello1_bpfel.o", program: "nosuch"}, `no program "nosuch"`},
		"no object":     {attachOptions{object: dir + "doc.go"}, "object " + dir + "doc.go"},
		"not there":     {attachOptions{object: "/nosuch"}, "no such file"},
		"pin not there": {attachOptions{pinned: "/nosuch"}, "pinned program /nosuch: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(dir + "hello1_bpfel.o"); err != nil {
				t.Skip(err)
			}
			prog, release, err := tt.options.load(nil, xps.State{}, false)
			if tt.want != "" {
				if prog != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, %v; want %s", prog, err, tt.want)
				}
				return
			}
			skipUnlessPermitted(t, err)
			defer release()
			if info, err := prog.Info(); err != nil || info.Name != "hello1" {
				t.Errorf("got %v, %v", info, err)
			}
		})
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package boot

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/image"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/vm"
)

// artifacts are paths of files that nothing reads here.
func artifacts() *prepare.Artifacts {
	return &prepare.Artifacts{
		Kernel:  &build.KernelResult{Image: "/b/bzImage", Vmlinux: "/b/vmlinux"},
		IP:      &build.IPRoute2Result{IP: "/b/ip"},
		Bpftool: &build.BpftoolResult{Bpftool: "/b/bpftool"},
		Init:    "/b/init", XPS: "/b/xps",
		Objects: []prepare.Object{{Name: "hash", Path: "/b/hash.bpf.o"}, {Name: "pin", Path: "/b/pin.bpf.o"}},
	}
}

func TestSuiteSpec(t *testing.T) {
	a := artifacts()
	want := &image.Spec{
		Init:     "/b/init",
		Programs: []image.Program{{Host: "/b/ip", Guest: "/usr/bin/ip"}, {Host: "/b/bpftool", Guest: "/usr/bin/bpftool"}},
		Dirs:     []string{"/bpf"},
		Files:    []image.File{{Guest: "/bpf/hash.o", Host: "/b/hash.bpf.o"}, {Guest: "/bpf/pin.o", Host: "/b/pin.bpf.o"}},
	}
	if diff := gocmp.Diff(want, SuiteSpec(a)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	a.YNL = &build.YNLResult{Program: "/b/ynl"}
	a.Selftests = &build.SelftestsResult{Program: "/b/xps_bpf"}
	want.Programs = append(want.Programs,
		image.Program{Host: "/b/ynl", Guest: "/usr/bin/ynl-xps"},
		image.Program{Host: "/b/xps_bpf", Guest: "/selftests/net/xps_bpf"})
	if diff := gocmp.Diff(want, SuiteSpec(a)); diff != "" {
		t.Errorf("with programs of the series (-want +got)\n%s", diff)
	}
}

func TestHostSpec(t *testing.T) {
	got := HostSpec(artifacts())
	slices.SortFunc(got.Files, func(a, b image.File) int { return cmp.Compare(a.Guest, b.Guest) })
	want := &image.Spec{
		Init: "/b/init",
		Files: []image.File{
			{Guest: "/xpsgen/layer/bpf/hash.o", Host: "/b/hash.bpf.o"},
			{Guest: "/xpsgen/layer/bpf/pin.o", Host: "/b/pin.bpf.o"},
			{Guest: "/xpsgen/layer/xpsgen/bin/bpftool", Host: "/b/bpftool", Mode: 0o755},
			{Guest: "/xpsgen/layer/xpsgen/bin/ip", Host: "/b/ip", Mode: 0o755},
			{Guest: "/xpsgen/layer/xpsgen/bin/xps", Host: "/b/xps", Mode: 0o755},
		},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A guest of another architecture has a shell of its own, and Debian's kernel its modules.
func TestHostSpecOfOtherArch(t *testing.T) {
	a := artifacts()
	a.IP, a.Bpftool, a.Objects = nil, nil, nil
	a.BusyBox, a.Modules = "/b/busybox", []string{"/m/failover.ko", "/m/net_failover.ko"}
	got := HostSpec(a)
	slices.SortFunc(got.Files, func(a, b image.File) int { return cmp.Compare(a.Guest, b.Guest) })
	want := &image.Spec{
		Init: "/b/init",
		Files: []image.File{
			{Guest: "/xpsgen/layer/xpsgen/bin/busybox", Host: "/b/busybox", Mode: 0o755},
			{Guest: "/xpsgen/layer/xpsgen/bin/xps", Host: "/b/xps", Mode: 0o755},
			{Guest: "/xpsgen/modules/00-failover.ko", Host: "/m/failover.ko"},
			{Guest: "/xpsgen/modules/01-net_failover.ko", Host: "/m/net_failover.ko"},
		},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		machine Machine
		want    string
	}{
		"default":         {Machine{}, ""},
		"all given":       {Machine{Accel: "kvm", CPUs: 8, MemoryMiB: 128}, ""},
		"tcg":             {Machine{Accel: "tcg", CPUs: 1}, ""},
		"auto":            {Machine{Accel: "auto"}, ""},
		"accelerator":     {Machine{Accel: "hvf"}, `accelerator "hvf" is not kvm, tcg or auto`},
		"too many CPUs":   {Machine{CPUs: 9}, "9 CPUs: must be 1 to 8"},
		"negative CPUs":   {Machine{CPUs: -1}, "-1 CPUs: must be 1 to 8"},
		"too little":      {Machine{MemoryMiB: 127}, "127 MiB of memory: must be 128 or more"},
		"negative memory": {Machine{MemoryMiB: -1}, "-1 MiB of memory: must be 128 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := tt.machine.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	m := &Machine{
		Accel: "tcg", KVMDevice: "/dev/other", CPUs: 3, InstructionClock: true, Append: " quiet  debug ",
		Disks: []string{"d.img"}, UserNet: true, GDB: true,
	}
	want := &vm.Machine{
		Kernel: "/b/bzImage", Vmlinux: "/b/vmlinux", Initrds: []string{"/image"},
		Accel: vm.TCG, KVMDevice: "/dev/other", AccelCache: "/cache/accel", CPUs: 3, MemoryMiB: 512,
		Debugger: true, Slowdown: 1, InstructionClock: true, Cmdline: []string{"quiet", "debug"},
		Disks: []string{"d.img"}, UserNet: true,
	}
	source := &prepare.Source{Cache: "/cache"}
	compare := func(what string) {
		t.Helper()
		if diff := gocmp.Diff(want, m.Describe(source, artifacts(), "/image"), cmpopts.IgnoreUnexported(vm.Machine{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	compare("ordinary kernel")
	source.Fragments = []string{"debug"}
	want.MemoryMiB, want.Slowdown = 3072, 4
	compare("debug kernel")
	m.MemoryMiB, want.MemoryMiB = 700, 700
	compare("debug kernel with a given memory")
	if m.CPUs != 3 || m.MemoryMiB != 700 {
		t.Errorf("Describe changed the machine: %+v", m)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/policy"
	"xpsgen/bpf/xps"
)

func TestReport(t *testing.T) {
	prog := mustProgram(t)
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	var out bytes.Buffer
	c := &call{stdout: &out}
	o := &attachOptions{}
	if err := o.report(c, xps.State{Name: "d0", Ifindex: 4}, prog, "attached"); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("d0: attached program xps_cpu, id %d\n", id); out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
	for _, dry := range []bool{false, true} {
		out.Reset()
		o.json, o.dryRun = true, dry
		if err := o.report(c, xps.State{Name: "d0", Ifindex: 4}, prog, "attached"); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"attached":%v,"ifindex":4,"name":"d0","program":{"id":%d,"name":"xps_cpu","tag":%q}}`, !dry, id, info.Tag)
		if got := strings.Join(strings.Fields(out.String()), ""); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestPrint(t *testing.T) {
	event := func(old, new ebpf.ProgramID, removed bool) xps.Event {
		return xps.Event{Name: "d0", Ifindex: 4, Old: xps.State{ProgramID: old}, New: xps.State{ProgramID: new}, Removed: removed}
	}
	for want, e := range map[string]xps.Event{
		"d0: program 1 replaced by 2\n":  event(1, 2, false),
		"d0: program 2 attached\n":       event(0, 2, false),
		"d0: program 1 detached\n":       event(1, 0, false),
		"d0: removed with program 1\n":   event(1, 0, true),
		"d0: removed with program 0\n":   event(0, 0, true),
		"d0: program 12 replaced by 3\n": event(12, 3, false),
	} {
		var out bytes.Buffer
		if err := print(&call{stdout: &out}, &common{}, e); err != nil || out.String() != want {
			t.Errorf("got %q, %v; want %q", &out, err, want)
		}
	}
	var out bytes.Buffer
	want := `{"name":"d0","ifindex":4,"old_id":1,"new_id":2,"removed":true}` + "\n"
	if err := print(&call{stdout: &out}, &common{json: true}, event(1, 2, true)); err != nil || out.String() != want {
		t.Errorf("got %s, %v; want %s", &out, err, want)
	}
}

func TestPick(t *testing.T) {
	states := []xps.State{{Name: "d0", Ifindex: 1 << 20}, {Name: "d1", Ifindex: 1<<20 + 1}}
	if s, err := pick(states, "d1"); err != nil || s != states[1] {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := pick(states, "d2"); err == nil || s != (xps.State{}) || !strings.Contains(err.Error(), "d2") {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestSysfs(t *testing.T) {
	dir := t.TempDir()
	for _, queue := range []string{"tx-0", "tx-1", "tx-2", "rx-0"} {
		if err := os.MkdirAll(filepath.Join(dir, "class/net/d0/queues", queue), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &sysfs{dir}
	if n := s.queues("d0"); n != 3 {
		t.Errorf("d0 has %d queues", n)
	}
	if n := s.queues("d1"); n != 0 {
		t.Errorf("d1 has %d queues", n)
	}
	s, unmount, err := mountSysfs(false)
	if err != nil || s.dir != "/sys" {
		t.Errorf("sysfs of this namespace: %+v, %v", s, err)
	}
	unmount()
	if driver("nosuch") != "" {
		t.Error("a device that does not exist has a driver")
	}
}

// TestSysfsOfNetNS: the sysfs of a new network namespace shows no device but lo.
func TestSysfsOfNetNS(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with its namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
			t.Log("not permitted to make a network namespace")
			return
		}
		s, unmount, err := mountSysfs(true)
		if err != nil {
			t.Error(err)
			return
		}
		entries, err := os.ReadDir(filepath.Join(s.dir, "class/net"))
		var devices []string
		for _, e := range entries {
			if e.Type() == os.ModeSymlink { // bonding has a file there
				devices = append(devices, e.Name())
			}
		}
		if err != nil || !slices.Equal(devices, []string{"lo"}) || s.queues("lo") != 1 {
			t.Errorf("devices %q, %d queues of lo, %v", devices, s.queues("lo"), err)
		}
		unmount()
		if _, err := os.Stat(filepath.Join(s.dir, "class")); err == nil {
			t.Error("the mount is still open")
		}
	}()
	<-done
}

func TestDescribe(t *testing.T) {
	prog := mustProgram(t)
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	sys := &sysfs{t.TempDir()}
	if err := os.MkdirAll(filepath.Join(sys.dir, "class/net/nosuch/queues/tx-0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(sys.dir, "class/net/nosuch/queues/tx-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	arp := append([]byte{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7, 8, 6}, make([]byte, 46)...)
	if _, err := prog.Run(&ebpf.RunOptions{Data: arp}); err != nil {
		t.Fatal(err)
	}
	s := xps.State{Name: "nosuch", Ifindex: 9, MaxQueues: 8}
	got, err := describe(s, sys, true, false)
	if diff := cmp.Diff(device{Name: "nosuch", Ifindex: 9, MaxQueues: 8, Queues: ptr(2)}, got); err != nil || diff != "" {
		t.Errorf("nothing attached: %v (-want +got)\n%s", err, diff)
	}
	s.Attached, s.ProgramID, s.Via, s.LinkID = true, id, xps.ViaLink, 77
	got, err = describe(s, sys, true, false)
	if err != nil {
		t.Fatal(err)
	}
	if got.Program.RunCount != nil && !statsEnabled() {
		t.Errorf("run count %d without statistics", *got.Program.RunCount)
	}
	got.Program.RunCount = nil
	want := &program{
		ID: uint32(id), Name: ptr("xps_cpu"), Tag: ptr(info.Tag), Via: ptr("link"), LinkID: ptr(uint32(77)), UID: ptr(uint32(os.Getuid())),
		Stats: &counters{Values: map[int]uint64{}, Queues: map[int]uint64{}, Reasons: map[string]uint64{"no-entry": 1}},
	}
	if diff := cmp.Diff(want, got.Program); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// A program that is gone, by netlink.
	s.ProgramID, s.LinkID, s.Via = 1<<32-1, 0, xps.ViaUnknown
	got, err = describe(s, sys, false, false)
	if diff := cmp.Diff(&program{ID: 1<<32 - 1}, got.Program); err != nil || diff != "" {
		t.Errorf("gone: %v (-want +got)\n%s", err, diff)
	}
	if _, err := describe(s, sys, true, false); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "counters of program") {
		t.Errorf("counters of a program that is gone: %v", err)
	}
	// Counters by queue, for two queues in use.
	queues := policy.Queues[uint32]{}
	for cpu := range uint32(4096) {
		queues[cpu] = 5
	}
	p, err := policy.LoadCPU(queues, policy.Options{})
	skipUnlessPermitted(t, err)
	defer p.Close()
	if _, err := p.Program.Run(&ebpf.RunOptions{Data: arp}); err != nil {
		t.Fatal(err)
	}
	filled := &program{}
	if err := filled.fill(p.Program, true, ptr(2)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&counters{Values: map[int]uint64{5: 1}, Queues: map[int]uint64{1: 1}, Reasons: map[string]uint64{"map": 1}}, filled.Stats); diff != "" {
		t.Errorf("counters (-want +got)\n%s", diff)
	}
	filled = &program{}
	if err := filled.fill(p.Program, true, nil); err != nil || filled.Stats.Queues != nil {
		t.Errorf("unknown queues: %+v, %v", filled.Stats, err)
	}
	if err := filled.fill(p.Program, false, nil); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	devices := []device{
		{Name: "lo", MaxQueues: 1},
		{Name: "d0", Driver: ptr("dummy"), Queues: ptr(2), MaxQueues: 8, Program: &program{
			ID: 12, Name: ptr("p"), Tag: ptr("aa"), Via: ptr("link"), LinkID: ptr(uint32(7)), RunCount: ptr(uint64(3)), UID: ptr(uint32(1000)),
			HeldBy: []holder{{PID: 5, Command: "sleep"}},
			Stats:  &counters{Values: map[int]uint64{9: 1}, Queues: map[int]uint64{10: 3, 1: 2}, Reasons: map[string]uint64{"spi": 1, "map": 4}},
		}},
		{Name: "d1", MaxQueues: 4, Program: &program{ID: 13, Stats: &counters{Values: map[int]uint64{7: 1}}}},
	}
	const want = `DEVICE  DRIVER  QUEUES  PROGRAM  ID  TAG  VIA     RUNS  UID
lo      -       -/1     -        -   -    -       -     -
d0      dummy   2/8     p        12  aa   link 7  3     1000
d1      -       -/4     -        13  -    -       -     -
d0: held by sleep (pid 5)
d0: packets by queue: 1=2 10=3
d0: packets by reason: map=4 spi=1
d1: packets by value returned: 7=1
d1: packets by reason: none
`
	var out bytes.Buffer
	if err := table(&out, devices); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExit(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		code int
		want string // in stderr
	}{
		"done":          {nil, 0, ""},
		"help":          {errHelp, 0, ""},
		"usage":         {usagef("no %s", "way"), 2, "xps show: no way (xps help show)\n"},
		"options":       {fmt.Errorf("load: %w", policy.ErrOptions), 2, "(xps help show)\n"},
		"not supported": {fmt.Errorf("list: %w", xps.ErrNotSupported), 69, "does not have the XPS hook (Linux "},
		"linked":        {fmt.Errorf("detach: %w", xps.ErrLinked), 1, "xps detach DEVICE --link\n"},
		"other":         {errors.New("broken"), 1, "xps show: broken\n"},
	} {
		var out, errs bytes.Buffer
		c := &call{command: showCommand(), stdout: &out, stderr: &errs}
		code := c.exit(tt.err)
		if code != tt.code || !strings.Contains(errs.String(), tt.want) || (tt.want == "") != (errs.Len() == 0) || out.Len() != 0 {
			t.Errorf("%s: exit code %d, stderr %q; want %d, %q", name, code, &errs, tt.code, tt.want)
		}
	}
}

func TestRun(t *testing.T) {
	for name, tt := range map[string]struct {
		args        string
		code        int
		out, errout string
	}{
		"nothing":           {"", 2, "", "xps show [DEVICE...]"},
		"help":              {"help", 0, "xps watch [options]", ""},
		"-h":                {"-h", 0, "xps watch [options]", ""},
		"--help":            {"--help", 0, "xps watch [options]", ""},
		"help of a command": {"help detach", 0, "usage: xps detach DEVICE [options]", ""},
		"unknown":           {"nosuch", 2, "", `"nosuch"`},
		"help of unknown":   {"help nosuch", 2, "", `"nosuch"`},
		"negative count":    {"watch --count -1", 2, "", "--count -1"},
		"two devices":       {"detach a b", 2, "", "want one device, got 2"},
		"attach to two":     {"attach a b --policy flow-hash", 2, "", "want one device, got 2"},
		"link on condition": {"detach a --link --expect 1", 2, "", "--link and --expect"},
		"namespace by name": {"show --netns nosuch", 1, "", "network namespace nosuch: "},
		"namespace by pid":  {"show --netns 4194305", 1, "", "network namespace 4194305: open /proc/4194305/ns/net"},
		"namespace by path": {"detach a --netns /nosuch", 1, "", "open /nosuch"},
		"namespace, attach": {"attach a --policy flow-hash --netns /nosuch", 1, "", "open /nosuch"},
		"namespace, watch":  {"watch --netns /nosuch", 1, "", "open /nosuch"},
		"not a namespace":   {"show --netns /dev/null", 1, "", "enter network namespace /dev/null"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(strings.Fields(tt.args), &out, &errs)
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(errs.String(), tt.errout) ||
				(tt.out == "") != (out.Len() == 0) || (tt.errout == "") != (errs.Len() == 0) {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d, %q, %q", code, &out, &errs, tt.code, tt.out, tt.errout)
			}
		})
	}
}

func TestParse(t *testing.T) {
	c := &call{command: showCommand(), stdout: new(bytes.Buffer)}
	var o common
	fs := c.flags(&o)
	rest, err := c.parse(fs, strings.Fields("a --json b --netns x c"))
	if err != nil || !slices.Equal(rest, []string{"a", "b", "c"}) || !o.json || o.netns != "x" || !given(fs, "json") || given(fs, "help") {
		t.Errorf("got %q, %+v, %v", rest, o, err)
	}
	var wrong *usageError
	if _, err := c.parse(c.flags(&o), []string{"--netns", ""}); !errors.As(err, &wrong) {
		t.Errorf("empty --netns: %v", err)
	}
	if _, err := c.parse(c.flags(&o), []string{"--netns"}); !errors.As(err, &wrong) || !strings.HasSuffix(err.Error(), ": --netns") {
		t.Errorf("no value: %v", err)
	}
}

func TestExplainLoad(t *testing.T) {
	other := errors.New("other")
	if err := explainLoad(other); err != other {
		t.Errorf("got %v", err)
	}
	if os.Geteuid() == 0 {
		if err := explainLoad(os.ErrPermission); err != os.ErrPermission {
			t.Errorf("with all capabilities: %v", err)
		}
	}
}

func TestHolders(t *testing.T) {
	if got := holders(1<<32-1, 1<<32-1); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cilium/ebpf"

	"xpsgen/vmtest/guest/suite/check"
)

// bpftool runs bpftool with args in the network namespace of the thread, and decodes
// its JSON into v.
func (e bpftoolProgram) bpftool(t *check.T, v any, args ...string) {
	cmd := exec.CommandContext(t.Context(), e.bpftoolPath, append([]string{"--json"}, args...)...)
	cmd.WaitDelay = t.Scaled(time.Second)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("bpftool %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	t.Logf("$ bpftool --json %s\n%s", strings.Join(args, " "), &stdout)
	if err := json.Unmarshal(stdout.Bytes(), v); err != nil {
		t.Fatalf("bpftool %s: %v\n%s", strings.Join(args, " "), err, &stdout)
	}
}

// bpftoolNet has the fields of `bpftool --json net show` that the suite reads.
type bpftoolNet []struct {
	XPS []struct {
		Devname string `json:"devname"`
		Ifindex int    `json:"ifindex"`
		ID      uint32 `json:"id"`
	} `json:"xps"`
}

// shownByBpftool returns the id that `bpftool net show` prints for a device, or 0.
func (e bpftoolProgram) shownByBpftool(t *check.T, n *nic) (id uint32) {
	var out bpftoolNet
	e.bpftool(t, &out, "net", "show", "dev", n.name)
	for _, o := range out {
		for _, x := range o.XPS {
			check.Equal(t, "device in bpftool net", fmt.Sprintf("%s(%d)", n.name, n.index), fmt.Sprintf("%s(%d)", x.Devname, x.Ifindex))
			id = x.ID
		}
	}
	return id
}

// fdinfo returns a number from the fdinfo of a file descriptor.
func fdinfo(t *check.T, fd int, key string) (value uint32) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	t.Must(err, "read fdinfo")
	for line := range strings.Lines(string(text)) {
		if n, _ := fmt.Sscanf(line, key+":\t%d", &value); n == 1 {
			return value
		}
	}
	t.Fatalf("fdinfo\n  expected: %s\n  seen:     %s", key, text)
	return 0
}

// everybodyAgrees compares all interfaces that show the id of the attached program. The
// kernel increments the id for each program. A long run loads programs until an id exceeds
// 16 bits. On a debug kernel that would take an hour.
func (e queryTests) everybodyAgrees(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	check.Equal(t, "id in bpftool net without a program", 0, e.shownByBpftool(t, n))
	const wide = 65_536
	floor := ebpf.ProgramID(2) // 1 is also the value of IFLA_XPS_ATTACHED
	if e.long {
		floor = wide
	}
	prog, id := programAbove(t, floor)
	t.Notef("id: %d", id)
	attach(t, n, prog)
	check.Equal(t, "id in fdinfo", uint32(id), fdinfo(t, prog.FD(), "prog_id"))
	expectAttached(t, n, "as the library tells", id)
	check.Equal(t, "ids in ip", shownFor(id), e.show(t, n))
	check.Equal(t, "id in bpftool net", uint32(id), e.shownByBpftool(t, n))
	detach(t, n)
	check.Equal(t, "id in bpftool net after detaching", 0, e.shownByBpftool(t, n))
}

// programAbove loads programs until one has an id of at least floor.
func programAbove(t *check.T, floor ebpf.ProgramID) (*ebpf.Program, ebpf.ProgramID) {
	spec := &ebpf.ProgramSpec{Name: "suite", Type: ebpf.SocketFilter, Instructions: returns(1), License: "GPL"}
	// Kernel threads free programs later. Without a pause, programs would accumulate.
	const pauseEach, pause = 64, 5 * time.Millisecond
	for i := 0; ; i++ {
		if i%pauseEach == pauseEach-1 {
			time.Sleep(pause)
		}
		prog, err := ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogDisabled: true})
		t.Must(err, "load program")
		id := idOf(t, prog)
		if id >= floor {
			t.Cleanup(func() { prog.Close() })
			return prog, id
		}
		prog.Close()
		t.Alive("id %d of %d", id, floor)
		t.Must(t.Context().Err(), fmt.Sprintf("load programs until one has the id %d, %d so far", floor, id))
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import "testing"

func TestParseLetter(t *testing.T) {
	steps, err := parseLetter(letterText)
	if err != nil {
		t.Fatal(err)
	}
	want := []letterStep{
		{"", "", [cpus]int{0, 1}, ""},
		{"ip link set dev tap0 xps obj hello0.o sec hello", "", [cpus]int{0, 0}, "ping [000] xps (RET 0): Hello, World!\nping [001] xps (RET 0): Hello, World!\n"},
		{"ip link set dev tap0 xps obj hello1.o sec hello", "", [cpus]int{1, 1}, "ping [000] xps (RET 1): Hello, World!\nping [001] xps (RET 1): Hello, World!\n"},
		{"ip link set dev tap0 xps obj hello2.o sec hello", "", [cpus]int{0, 0}, "ping [000] xps (RET 2): Hello, World!\nping [001] xps (RET 2): Hello, World!\n"},
		{"ip link set dev tap0 xps obj hello_neg1.o sec hello", "", [cpus]int{0, 1}, "ping [000] xps (RET -1): Hello, World!\nping [001] xps (RET -1): Hello, World!\n"},
	}
	if len(steps) != len(want) {
		t.Fatalf("%d steps, want %d", len(steps), len(want))
	}
	for i, s := range steps {
		if s.tracePipe != "/sys/kernel/debug/tracing/trace_pipe" {
			t.Errorf("step %d reads %q", i+1, s.tracePipe)
		}
		s.tracePipe = ""
		if s != want[i] {
			t.Errorf("step %d: %+v, want %+v", i+1, s, want[i])
		}
	}
	for _, bad := range []string{"cpu0: qm0:", "[a@b ~]$ ls\n"} {
		if _, err := parseLetter(bad); err == nil {
			t.Errorf("parseLetter(%q) succeeded", bad)
		}
	}
}

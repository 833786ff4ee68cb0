// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"slices"
	"strings"
	"testing"
)

func TestParseTrace(t *testing.T) {
	text := strings.Join([]string{
		"            ping-4852    [000] ....1  2691.633260: bpf_trace_printk: xps (RET 0): Hello, World!",
		"            ping-4869    [001] ....  2695.753588: 0: xps (RET -1): Hello, World!",
		" kworker/u8:2-33      (     33) [001] b.s31    12.000001: bpf_trace_printk: a-b [000] c: d",
		"",
	}, "\n")
	got, err := parseTrace(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []traceLine{
		{"ping", 0, "xps (RET 0): Hello, World!"},
		{"ping", 1, "xps (RET -1): Hello, World!"},
		{"kworker/u8:2", 1, "a-b [000] c: d"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, err := parseTrace(""); err != nil || got != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	for _, bad := range []string{"CPU:1 [LOST 12 EVENTS]\n", "ping-1 [000]\n", "\n"} {
		if got, err := parseTrace(bad); err == nil {
			t.Errorf("%q: no error, but %v", bad, got)
		}
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add("            ping-4852    [000] ....1  2691.633260: bpf_trace_printk: xps (RET 0): Hello, World!\n")
	f.Fuzz(func(t *testing.T, s string) {
		lines, err := parseTrace(s)
		if err == nil && len(lines) > strings.Count(s, "\n")+1 {
			t.Errorf("%d lines from %q", len(lines), s)
		}
	})
}

func TestParseIPText(t *testing.T) {
	const link = "2: tap0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 %s qdisc mq state UNKNOWN mode DEFAULT group default qlen 1000\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n"
	with := func(word string) string { return strings.ReplaceAll(link, "%s", word) }
	for name, tc := range map[string]struct {
		text string
		want textXPS
	}{
		"nothing":        {"", textXPS{}},
		"no program":     {with(""), textXPS{}},
		"link show":      {with("xps") + "    prog/xps id 1234 name hello1 tag 9bf8e2a8bee581f5 jited\n", textXPS{true, 1234}},
		"no line":        {with("xps"), textXPS{true, 0}},
		"no flag":        {with("") + "    prog/xps id 7\n", textXPS{false, 7}},
		"monitor":        {with("xps/id:300"), textXPS{true, 300}},
		"with xdp":       {with("xdp") + "    prog/xdp id 9\n", textXPS{}},
		"cut":            {with("xps") + "    prog/xps id", textXPS{true, 0}},
		"not an integer": {with("xps") + "    prog/xps id x\n", textXPS{true, 0}},
	} {
		if got := parseIPText(tc.text); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestParseIPLinks(t *testing.T) {
	got, err := parseIPLinks(`[{"ifname":"lo"},{},{"ifname":"tap0","mtu":1500,"xps":{"prog":{"id":4294967295,"name":"hello1","tag":"9b","jited":1}}}]`)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Ifname != "lo" || got[0].id() != 0 || got[1].Ifname != "tap0" || got[1].id() != 4294967295 {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"", "{}", "[", `[{"ifname":"a","xps":{"prog":{"id":-1}}}]`} {
		if got, err := parseIPLinks(bad); err == nil {
			t.Errorf("%q: no error, but %+v", bad, got)
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	want := []Message{
		{Hello: &Hello{Release: "6.12.117", Machine: "x86_64", CPUs: 2, UptimeSeconds: 0.61}},
		{Window: &Window{Rows: 24, Cols: 80}},
		{Signal: 2},
		{Notice: "a line\nand another"},
		{Exit: &Exit{Code: 130, Error: "x", Sent: map[string]int64{PortResult: 12}}},
		{Bye: true},
	}
	var b bytes.Buffer
	for _, m := range want {
		if err := Send(&b, m); err != nil {
			t.Fatal(err)
		}
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != len(want) {
		t.Errorf("%d messages make %d lines", len(want), n)
	}
	r := NewReceiver(&b)
	var got []Message
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRaw: strings that are not UTF-8 arrive unchanged.
func TestRaw(t *testing.T) {
	want := Config{Args: []Raw{"", "a b", "j\xf6rg", "日本", "\n\x01\x7f\xff"}, Dir: "/\xfe",
		Host: &HostFiles{Shares: []Share{{Tag: "t", Dir: "/\xfd"}}, Binds: []Bind{{From: "/\xfc", To: "/x"}}}}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Config
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"dir":7}`), &got); err == nil {
		t.Error("a number was taken for a string")
	}
}

func TestBadMessages(t *testing.T) {
	for name, text := range map[string]string{
		"not json": "hello\n",
		"too long": strings.Repeat("x", maxMessage+1),
	} {
		if _, err := NewReceiver(strings.NewReader(text)).Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestPorts(t *testing.T) {
	for _, mode := range []Mode{ModeSuite, ModeRun, ModeShell, ModePoweroff, ModeFault} {
		ports := (&Config{Mode: mode}).Ports()
		if len(ports) == 0 || ports[0] != PortControl {
			t.Errorf("%s: ports are %v, want the control port first", mode, ports)
		}
	}
	if ports := (&Config{Mode: ModeRun, OneStream: true}).Ports(); slices.Contains(ports, PortStderr) {
		t.Errorf("one stream has the ports %v", ports)
	}
}

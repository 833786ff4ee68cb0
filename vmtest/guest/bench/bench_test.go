// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/bench/record"
)

func ids(t *testing.T, b *bench) []record.ID {
	jobs, err := b.jobs()
	if err != nil {
		t.Fatal(err)
	}
	var all []record.ID
	for _, j := range jobs {
		if slices.Contains(all, j.id) {
			t.Errorf("%v is measured twice", j.id)
		}
		all = append(all, j.id)
	}
	return all
}

func TestJobs(t *testing.T) {
	patched, base := ids(t, &bench{}), ids(t, &bench{unpatched: true})
	for _, id := range base {
		if !slices.Contains(patched, id) {
			t.Errorf("%v is measured on the base kernel only", id)
		}
		if strings.Contains(id.Contender, "xps-") {
			t.Errorf("%v cannot be measured on the base kernel", id)
		}
	}
	for _, id := range patched {
		// The cost of a contender is computed relative to this one.
		none := record.ID{Contender: "none", Path: id.Path}
		if strings.HasPrefix(id.Contender, "tap-") {
			none.Contender = "tap-none"
		}
		if id.Size == 0 && !slices.Contains(base, none) {
			t.Errorf("no reference for %v", id)
		}
		if strings.HasPrefix(id.Path, "pick") && id.Size == 0 {
			for _, above := range []string{"tcx", "clsact", "skbedit"} {
				if strings.HasPrefix(id.Contender, above) {
					t.Errorf("%v: the tc hooks do not run on this path", id)
				}
			}
		}
	}
}

func TestOnly(t *testing.T) {
	got := ids(t, &bench{only: "xps-const*/attach-by-*"})
	if len(got) != 2*len(sizes()) {
		t.Errorf("got %v", got)
	}
	if _, err := (&bench{only: "["}).jobs(); err == nil || !strings.Contains(err.Error(), `pattern "["`) {
		t.Errorf("got %v", err)
	}
}

func TestFinished(t *testing.T) {
	message := func(typ uint16, payload ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(payload)))
		b = binary.NativeEndian.AppendUint16(b, typ)
		b = append(b, make([]byte, unix.NLMSG_HDRLEN-len(b))...)
		b = append(b, payload...)
		return append(b, make([]byte, -len(b)&3)...)
	}
	errno := func(e unix.Errno) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(-int32(e))) }
	for name, tt := range map[string]struct {
		in   []byte
		done bool
		err  error
	}{
		"acknowledged":        {in: message(unix.NLMSG_ERROR, errno(0)...), done: true},
		"refused":             {in: message(unix.NLMSG_ERROR, errno(unix.EEXIST)...), err: unix.EEXIST},
		"links and more":      {in: slices.Concat(message(unix.RTM_NEWLINK, 1, 2, 3), message(unix.RTM_NEWLINK))},
		"end after odd links": {in: slices.Concat(message(unix.RTM_NEWLINK, 1, 2, 3), message(unix.NLMSG_DONE)), done: true},
		"nothing":             {},
	} {
		t.Run(name, func(t *testing.T) {
			done, err := finished(tt.in)
			if done != tt.done || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v", done, err)
			}
		})
	}
	if _, err := finished(message(unix.RTM_NEWLINK, 1, 2, 3, 4)[:unix.NLMSG_HDRLEN]); err == nil {
		t.Error("accepted a message that is longer than the received data")
	}
}

func TestParseLoop(t *testing.T) {
	var p loop
	if err := p.parse("21000 1000 200 3\n"); err != nil || p.perCall != 100 || p.chosen != 3 {
		t.Errorf("%v, got %+v", err, p)
	}
	for _, bad := range []string{"", "1 2 3", "0 0 0 0\n", "a b c d"} {
		if err := p.parse(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestParsePktgen(t *testing.T) {
	const before = "Params: count 2000\nCurrent:\n     pkts-sofar: 2000  errors: 0\n"
	p := pktgen{name: "bench0"}
	if err := p.parse(before + "Result: OK: 2153(c2100+d53) usec, 2000 (60byte,0frags)\n  928940pps"); err != nil || p.perCall != 1050 {
		t.Errorf("%v, %v a packet", err, p.perCall)
	}
	for _, bad := range []string{"", before, before + "Result: OK: 2153(c2100+d53) usec, 1999 (60byte,0frags)\n", before + "Result: Idle\n"} {
		if err := p.parse(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

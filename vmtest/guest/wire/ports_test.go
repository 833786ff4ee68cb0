// SPDX-License-Identifier: GPL-2.0-only OR MIT

package wire

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestPortsOfModes(t *testing.T) {
	for name, tt := range map[string]struct {
		config Config
		want   string
	}{
		"suite":         {Config{Mode: ModeSuite}, "control result"},
		"counts":        {Config{Mode: ModeSuite, Counts: true}, "control result counts"},
		"fault":         {Config{Mode: ModeFault}, "control result"},
		"mutate":        {Config{Mode: ModeMutate}, "control result"},
		"run":           {Config{Mode: ModeRun}, "control stdin stdout stderr"},
		"one stream":    {Config{Mode: ModeRun, OneStream: true}, "control stdin stdout"},
		"shell":         {Config{Mode: ModeShell}, "control tty"},
		"poweroff":      {Config{Mode: ModePoweroff}, "control"},
		"bare-poweroff": {Config{Mode: ModeBarePoweroff}, "control"},
	} {
		var want []string
		for port := range strings.FieldsSeq(tt.want) {
			want = append(want, "xpsgen."+port)
		}
		if got := tt.config.Ports(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestRawsAndStrings(t *testing.T) {
	list := []string{"a", "", "\xff"}
	raws := Raws(list)
	if !slices.Equal(raws, []Raw{"a", "", "\xff"}) || !slices.Equal(Strings(raws), list) {
		t.Errorf("%q becomes %q and %q", list, raws, Strings(raws))
	}
}

// TestMessageLength: a message longer than a megabyte is an error. The error for a message
// that is not JSON quotes at most 80 bytes of it.
func TestMessageLength(t *testing.T) {
	const around = len(`{"notice":""}` + "\n")
	for n, ok := range map[int]bool{5000: true, maxMessage - around: true, maxMessage - around + 2: false} {
		text := strings.Repeat("x", n)
		m, err := NewReceiver(strings.NewReader(`{"notice":"` + text + `"}` + "\n")).Next()
		if (err == nil) != ok || ok && m.Notice != text || !ok && !strings.Contains(err.Error(), "1048576 bytes") {
			t.Errorf("a notice of %d bytes: %v", n, err)
		}
	}
	for n, want := range map[int]string{80: strings.Repeat("x", 80) + `"`, 81: strings.Repeat("x", 80) + `..."`} {
		if _, err := NewReceiver(strings.NewReader(strings.Repeat("x", n))).Next(); err == nil || !strings.Contains(err.Error(), `"`+want) {
			t.Errorf("%d bytes that are no JSON: %v", n, err)
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error)  { return 0, b.err }
func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestBrokenPort(t *testing.T) {
	b := broken{errors.New("port is gone")}
	if err := Send(b, Message{}); !errors.Is(err, b.err) {
		t.Errorf("send: %v", err)
	}
	if _, err := NewReceiver(b).Next(); !errors.Is(err, b.err) || errors.Is(err, io.EOF) {
		t.Errorf("receive: %v", err)
	}
}

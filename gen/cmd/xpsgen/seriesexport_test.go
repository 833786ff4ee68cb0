// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"xpsgen/gen/series/mail"
)

// TestAskToSign: only a yes at a terminal signs, and it is asked for once.
func TestAskToSign(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "\n": false, "yes please\n": false} {
		ptmx, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := ptmx.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		err = seriesCommands{newEnvironment(tty, &out, &out)}.askToSign(t.Context(), mail.Address{Name: "Some Body", Email: "s.body@lists.test"}, []string{"linux/net-next"})
		if (err == nil) != want || err != nil && !errors.Is(err, errNotSigned) {
			t.Errorf("%q: %v", answer, err)
		}
		if n := strings.Count(out.String(), "[y/N]"); n != 1 || !strings.Contains(out.String(), "Some Body <s.body@lists.test>") {
			t.Errorf("%q: asked %d times: %s", answer, n, out.String())
		}
		tty.Close()
		ptmx.Close()
	}
}

// TestInterruptTheQuestion: the user can interrupt the question for a sign-off.
func TestInterruptTheQuestion(t *testing.T) {
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ptmx.Close()
	defer tty.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	left := make(chan error, 1)
	go func() {
		left <- seriesCommands{newEnvironment(tty, &out, &out)}.askToSign(ctx, mail.Address{Name: "Some Body", Email: "s.body@lists.test"}, nil)
	}()
	interrupt()
	select {
	case err := <-left:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("left with %v", err)
		}
	case <-time.After(15 * time.Minute):
		t.Fatal("still waiting for an answer")
	}
}

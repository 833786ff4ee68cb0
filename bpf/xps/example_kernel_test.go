// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"bytes"
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKernelExamples runs the examples of the documentation in a network
// namespace with an eth0, and compares what they print.
func TestKernelExamples(t *testing.T) {
	c := requireHook(t, nil)
	eth0 := mustAdd(t, "eth0")
	requireLinks(t, eth0)
	attached := func() bool {
		s, err := c.Query(t.Context(), eth0, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s.Attached
	}
	steps := []struct {
		name     string
		example  func()
		while    func() // runs during the example
		want     string
		attached bool
	}{
		{name: "attach", example: ExampleClient_Attach, want: "attached\n", attached: true},
		{name: "attach again", example: ExampleClient_Attach, want: "left as it was: ", attached: true},
		{name: "map", example: ExampleClient_Attach_map, want: "attached\n", attached: true},
		{name: "list", example: ExampleClient_List, want: "eth0: program ", attached: true},
		{name: "watch", example: ExampleWatch, want: "eth0: program 0, before ", while: func() {
			if err := c.Detach(t.Context(), eth0, nil); err != nil {
				t.Error(err)
			}
		}},
		{name: "link", example: ExampleAttachLink, want: "attached\n", while: func() {
			if !attached() {
				t.Error("not attached while the example runs")
			}
		}},
	}
	for _, step := range steps {
		got := printed(t, func() {
			done := make(chan struct{})
			if step.while != nil {
				go func() {
					defer close(done)
					time.Sleep(300 * time.Millisecond)
					step.while()
					time.Sleep(100 * time.Millisecond)
					// Interrupt it, as Ctrl-C does.
					if err := unix.Kill(os.Getpid(), unix.SIGINT); err != nil {
						t.Error(err)
					}
				}()
			} else {
				close(done)
			}
			step.example()
			<-done
		})
		if !strings.Contains(got, step.want) {
			t.Errorf("%s prints %q, want %q", step.name, got, step.want)
		}
		if step.name == "link" {
			mustDetachSoon(t, c, eth0)
		} else if got := attached(); got != step.attached {
			t.Errorf("%s: attached %t afterwards", step.name, got)
		}
	}
}

// printed returns the output of f to stdout and to the log.
func printed(tb testing.TB, f func()) string {
	tb.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	log.SetOutput(w)
	defer func() {
		os.Stdout = stdout
		log.SetOutput(os.Stderr)
	}()
	text := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, r)
		text <- b.String()
	}()
	f()
	w.Close()
	return <-text
}

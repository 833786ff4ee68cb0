// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"context"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"xpsgen/vmtest/guest/alternative"
	"xpsgen/vmtest/guest/suite/check"
)

// loader attaches programs by an alternative to the hook.
type loader struct {
	key string
	// links are the attached programs, until the end of a test.
	links map[*nic]io.Closer
}

// loaderKey is the key of the loader in the context of a test.
type loaderKey struct{}

// withLoader makes tests use an alternative to the hook.
func withLoader(ctx context.Context, key string) context.Context {
	if key == "" {
		return ctx
	}
	return context.WithValue(ctx, loaderKey{}, &loader{key: key, links: map[*nic]io.Closer{}})
}

// loaderOf returns the loader of a test, nil for the hook.
func loaderOf(t *check.T) *loader {
	l, _ := t.Context().Value(loaderKey{}).(*loader)
	return l
}

// load loads the instructions of a socket filter for as long as the test runs.
func (l *loader) load(t *check.T, insns asm.Instructions) *ebpf.Program {
	prog, err := alternative.Load(l.key, insns)
	t.Must(err, "load program")
	t.Cleanup(func() { prog.Close() })
	return prog
}

// attach attaches prog to n, and replaces the attached program.
func (l *loader) attach(t *check.T, n *nic, prog *ebpf.Program) {
	l.detach(t, n)
	closer, err := alternative.Attach(l.key, n.index, prog)
	t.Must(err, "attach")
	l.links[n] = closer
	t.Cleanup(func() {
		if l.links[n] == closer {
			closer.Close()
			delete(l.links, n)
		}
	})
}

// detach removes the program of n, if any.
func (l *loader) detach(t *check.T, n *nic) {
	if closer := l.links[n]; closer != nil {
		delete(l.links, n)
		t.Must(closer.Close(), "detach")
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"
	"testing"
)

// await calls release exactly once: after do, or instead of do.
func TestAwaitReleases(t *testing.T) {
	reason, broken := errors.New("given up"), errors.New("broken")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	for name, tt := range map[string]struct {
		ctx      context.Context
		fails    error
		want     error
		released string
	}{
		"cannot end":         {context.Background(), nil, nil, "do release"},
		"cannot end, fails":  {context.Background(), broken, broken, "do release"},
		"may end":            {t.Context(), nil, nil, "do release"},
		"may end, and fails": {t.Context(), broken, broken, "do release"},
		"has ended":          {ended, nil, reason, " release"},
	} {
		order := ""
		got, err := await(tt.ctx, work[int]{
			do:      func() (int, error) { order += "do"; return 7, tt.fails },
			discard: func(int) { t.Errorf("%s: discarded", name) },
			release: func() { order += " release" },
		})
		if !errors.Is(err, tt.want) || tt.want == nil && (err != nil || got != 7) || order != tt.released {
			t.Errorf("%s: %d, %v after %q, expected %v after %q", name, got, err, order, tt.want, tt.released)
		}
	}
}

// A result that nobody waits for is discarded, after the release.
func TestAwaitDiscards(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun, proceed, discarded := make(chan struct{}), make(chan struct{}), make(chan int)
	released := false
	go func() {
		<-begun
		cancel()
	}()
	if _, err := await(ctx, work[int]{
		do:      func() (int, error) { close(begun); <-proceed; return 7, nil },
		discard: func(v int) { discarded <- v },
		release: func() { released = true },
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(proceed)
	if v := <-discarded; v != 7 || !released {
		t.Errorf("discarded %d, released %v", v, released)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import "context"

// work is something that may block in the kernel.
type work[T any] struct {
	do func() (T, error)
	// discard, if not nil, gets the result if the caller has stopped waiting.
	discard func(T)
	// release is called after do, or instead of it. It frees the resources that do uses.
	release func()
}

// await runs w.do on a thread with the caller's network namespace and capabilities.
// It returns early when ctx is done. If ctx cannot end, it runs w.do on the caller's
// own thread.
func await[T any](ctx context.Context, w work[T]) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		w.release()
		return none, context.Cause(ctx)
	}
	if ctx.Done() == nil {
		defer w.release()
		return w.do()
	}
	caller, err := currentThreadNetNS()
	if err != nil {
		w.release()
		return none, err
	}
	done := make(chan result)
	go func() {
		var r result
		r.err = caller.do(func() (err error) {
			r.value, err = w.do()
			return err
		})
		caller.close()
		w.release()
		select {
		case done <- r:
		case <-ctx.Done():
			if r.err == nil && w.discard != nil {
				w.discard(r.value)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

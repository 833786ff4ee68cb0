// SPDX-License-Identifier: GPL-2.0-only OR MIT

package eintr

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConnectInterrupted: EISCONN means success only right after an interrupted call.
func TestConnectInterrupted(t *testing.T) {
	for name, tt := range map[string]struct {
		results []error
		want    error
	}{
		"connected at once":                {[]error{nil}, nil},
		"connected before":                 {[]error{unix.EISCONN}, unix.EISCONN},
		"interrupted, then connected":      {[]error{unix.EINTR, unix.EISCONN}, nil},
		"interrupted twice":                {[]error{unix.EINTR, unix.EINTR, unix.EISCONN}, nil},
		"interrupted, then done":           {[]error{unix.EINTR, nil}, nil},
		"interrupted, then refused":        {[]error{unix.EINTR, unix.ECONNREFUSED}, unix.ECONNREFUSED},
		"refused":                          {[]error{unix.ECONNREFUSED}, unix.ECONNREFUSED},
		"in progress, which is no success": {[]error{unix.EINTR, unix.EALREADY}, unix.EALREADY},
	} {
		left := tt.results
		err := connect(func() error {
			r := left[0]
			left = left[1:]
			return r
		})
		if !errors.Is(err, tt.want) || len(left) > 0 {
			t.Errorf("%s: got %v, want %v; %d calls not made", name, err, tt.want, len(left))
		}
	}
}

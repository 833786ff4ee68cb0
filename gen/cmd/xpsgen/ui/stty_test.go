// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ui

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func stty(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

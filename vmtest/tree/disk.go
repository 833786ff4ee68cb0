// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"errors"
	"strings"
	"syscall"

	"xpsgen/vmtest/proc"
)

// isDiskFull reports whether err, or the program it came from, says that there
// was no space left.
func isDiskFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var perr *proc.Error
	return errors.As(err, &perr) && (strings.Contains(perr.Stderr, "No space left on device") ||
		strings.Contains(perr.Stderr, "Disk quota exceeded"))
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"errors"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/tree"
)

// IsVerdict reports whether err is a fault of the tree under test rather than a breakdown
// of the workbench.
func IsVerdict(err error) bool {
	var (
		apply    *tree.ApplyError
		manifest *tree.ManifestError
		compile  *build.CompileError
		dropped  *config.DroppedSymbolError
	)
	return errors.As(err, &apply) || errors.As(err, &manifest) ||
		errors.As(err, &compile) || errors.As(err, &dropped)
}

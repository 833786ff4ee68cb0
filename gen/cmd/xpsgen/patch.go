// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
)

// patchOption adds patches to the kernel.
type patchOption struct{ patches []string }

func (o *patchOption) patchFlag() command.Flag {
	return command.Flag{Name: "patch", Arg: "FILE", To: command.Strings(&o.patches),
		Help: "patch to apply to the kernel, on top of the series"}
}

// extra returns the absolute paths of the patches, since they may be read in
// another directory.
func (o *patchOption) extra() ([]string, error) {
	var all []string
	for _, p := range o.patches {
		if info, err := os.Stat(p); err != nil {
			return nil, command.Usagef("--patch: %v", err)
		} else if !info.Mode().IsRegular() {
			return nil, command.Usagef("--patch %s: not a file", p)
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		all = append(all, abs)
	}
	return all, nil
}

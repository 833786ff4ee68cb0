// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command module copies this module to a directory, under another module path. It
// changes every import. make module runs it. To publish the module, use the path of the
// repository that publishes it.
//
//	go run ./bpf/internal/module PATH DIR
package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: module PATH DIR")
		return 2
	}
	if err := rename(".", args[1], args[0]); err != nil {
		fmt.Fprintf(stderr, "copy the module as %s: %v\n", args[0], err)
		return 1
	}
	return 0
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command generate writes the objects of the matrix to a directory. With -seeds it writes
// inputs for the fuzzers: each object with the bytes that select a program, see
// ../fuzz/fuzz.c.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/ipobjects"
)

func main() {
	seeds := flag.Bool("seeds", false, "write inputs for the fuzzers")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: generate [-seeds] DIR")
		os.Exit(2)
	}
	if err := run(context.Background(), flag.Arg(0), *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, seeds bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := ipobjects.Generate(ctx, dir); err != nil || !seeds {
		return err
	}
	// The first byte selects section prog or xps, .text, or program p or q. It
	// lacks the bit with which a call of bpf(2) fails.
	selections := []byte{0, 1, 2, 10, 11}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for i, f := range files {
		path := filepath.Join(dir, f.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data = append(data, selections[i%len(selections)], 0)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command generate compiles the BPF programs of the working directory and
// writes objects.sum. go generate runs it in package bpf.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"xpsgen/bpf/internal/objects"
)

func main() { os.Exit(run(os.Stderr)) }

func run(stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := generate(ctx, "."); err != nil {
		fmt.Fprintf(stderr, "generate BPF objects: %v\n", err)
		return 1
	}
	return 0
}

// generate compiles into a temporary directory. If every source compiles, it moves the
// new objects over the old ones.
func generate(ctx context.Context, dir string) error {
	cc, err := objects.FindCompiler(ctx, os.Getenv)
	if err != nil {
		return err
	}
	out, err := os.MkdirTemp(dir, ".objects-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out)

	if err := objects.Compile(ctx, dir, out, cc); err != nil {
		return err
	}
	if err := objects.Replace(dir, out); err != nil {
		return err
	}
	stamp, err := objects.NewStamp(dir, cc.Version)
	if err != nil {
		return err
	}
	tmp := filepath.Join(out, objects.StampFile)
	if err := os.WriteFile(tmp, stamp.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, objects.StampFile))
}

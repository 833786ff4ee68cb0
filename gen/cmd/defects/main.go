// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command defects puts defects into the project's Go code, one at a time, and
// runs the tests that should notice. It draws the defects from a seed: first a
// package, then a place in it. Packages without a place, such as generated code, are
// not drawn. Neither are packages that consist of test code: those that import testing,
// and vmtest/guest/suite, which `make mutants` measures.
//
// A defect goes through these tests until one fails:
//
//  1. the tests of its package,
//  2. the tests of the packages that import it, the nearest first,
//  3. with -guest, the tests that a guest runs on this code: make guest for bpf/,
//     make bench-check, make objects or make vmtest for vmtest/guest/.
//
// A defect that does not compile is replaced by another one. So are the defects in
// equivalent.toml, which change nothing that a caller can see.
//
// It exits with 1 if a defect survived.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	survived, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "defects:", err)
		os.Exit(2)
	case survived > 0:
		os.Exit(1)
	}
}

// run chooses defects and tests them. It returns how many survived.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (survived int, err error) {
	flags := flag.NewFlagSet("defects", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seed := flags.Uint64("seed", 1, "seed of the choice of defects")
	count := flags.Int("n", 12, "number of defects")
	only := flags.String("run", "", "package to take them from; default all")
	timeout := flags.Duration("timeout", 15*time.Minute, "time for the tests of one package; a defect that exceeds it counts as caught")
	own := flags.Bool("own", false, "run only the tests of the package itself, not those of its importers")
	guest := flags.Bool("guest", false, "also run the tests that a guest runs, for code of bpf/ and vmtest/guest/")
	listOnly := flags.Bool("list", false, "list the defects, run nothing")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	root, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return 0, err
	}
	dir := strings.TrimSpace(root)
	if !*listOnly {
		copied, lock, err := copyTree(ctx, dir)
		if err != nil {
			return 0, fmt.Errorf("copy the source: %w", err)
		}
		defer lock.Release()
		dir = copied
	}
	packages, err := load(ctx, dir, *only)
	if err != nil {
		return 0, err
	}
	list, err := readEquivalent(dir)
	if err != nil {
		return 0, err
	}
	t := &tester{dir: dir, packages: packages, timeout: *timeout, sound: map[string]bool{}, own: *own, guest: *guest}
	random := rand.New(rand.NewPCG(*seed, 0))
	caught := 0
	for drawn, n := 1, 0; n < *count; drawn++ {
		d, err := draw(random, packages)
		if err != nil {
			return 0, err
		}
		if slices.ContainsFunc(list, func(e equivalent) bool { return e.matches(d) }) {
			fmt.Fprintf(stdout, "%d: equivalent %s\n", drawn, d)
			continue
		}
		if *listOnly {
			n++
			fmt.Fprintf(stdout, "%d: %s\n", drawn, d)
			continue
		}
		by, err := t.test(ctx, d)
		switch {
		case errors.Is(err, errNotCompiled):
			continue // not a defect that anybody could commit
		case err != nil:
			return 0, err
		case by == "":
			survived++
			fmt.Fprintf(stdout, "%d: SURVIVED %s\n", drawn, d)
		default:
			caught++
			fmt.Fprintf(stdout, "%d: caught   %s (%s)\n", drawn, d, by)
		}
		n++
	}
	if !*listOnly {
		fmt.Fprintf(stdout, "seed %d: %d of %d caught\n", *seed, caught, *count)
	}
	return survived, nil
}

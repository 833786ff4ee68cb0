// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command defects puts defects into the project's Go code, one at a time, and
// runs the unit tests that should notice: those of the package, then those of
// the packages that import it. It draws the defects from a seed.
//
// It exits with 1 if a defect survived. The suite that runs in the guest is left
// out: it is made of tests, and `make mutants` measures it.
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

// run draws defects and tests them. It returns how many survived.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (survived int, err error) {
	flags := flag.NewFlagSet("defects", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seed := flags.Uint64("seed", 1, "draw the same defects again")
	count := flags.Int("n", 12, "number of defects")
	only := flags.String("run", "", "package to take them from; default all")
	timeout := flags.Duration("timeout", 15*time.Minute, "time for the tests of one package; a defect that exceeds it counts as caught")
	own := flags.Bool("own", false, "run only the tests of the package itself, not those of its importers")
	list := flags.Bool("list", false, "list the defects, run nothing")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	packages, err := load(ctx, *only)
	if err != nil {
		return 0, err
	}
	t := &tester{packages: packages, timeout: *timeout, sound: map[*source]bool{}, own: *own}
	random := rand.New(rand.NewPCG(*seed, 0))
	caught := 0
	for n := 0; n < *count; {
		d, err := draw(random, packages)
		if err != nil {
			return 0, err
		}
		if *list {
			n++
			fmt.Fprintln(stdout, d)
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
			fmt.Fprintf(stdout, "SURVIVED %s\n", d)
		default:
			caught++
			fmt.Fprintf(stdout, "caught   %s (%s)\n", d, by)
		}
		n++
	}
	if !*list {
		fmt.Fprintf(stdout, "seed %d: %d of %d caught\n", *seed, caught, *count)
	}
	return survived, nil
}

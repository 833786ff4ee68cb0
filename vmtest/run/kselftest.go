// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/vm"
)

// KselftestOptions describe a run of the kernel's own selftests, those of
// Source.Selftests.
type KselftestOptions struct {
	GuestOptions
	// KTAP receives the results. Stderr receives all other output of the runner.
	KTAP, Stderr io.Writer
}

// Kselftest builds and installs collections of the kernel's selftests, boots a kernel with
// their configurations, and has the kernel's own runner run tests.
//
// It returns the results that the runner reported, also with an error: a [*KernelError]
// if the kernel panicked or warned.
func Kselftest(ctx context.Context, opt KselftestOptions) ([]ktap.Test, error) {
	if err := opt.checkWritable(); err != nil {
		return nil, err
	}
	g, err := PrepareGuest(ctx, opt.GuestOptions)
	if err != nil {
		return nil, err
	}
	installed := g.artifacts.Kselftest
	args, err := runnerArgs(installed.Tests, opt.Source.Selftests)
	if err != nil {
		return nil, err
	}
	results := ktap.NewKselftest(ktap.NewWriter(opt.KTAP))
	ending, err := g.hostProgram(ctx, wire.Config{
		Args: wire.Raws(append([]string{installed.Runner}, args...)),
		// TCG is slow: tests that measure time then allow more.
		Env: append([]wire.Raw{"KSFT_MACHINE_SLOW=yes"}, opt.environ(installed.Dir)...),
		Dir: wire.Raw(installed.Dir),
	}, results, opt.Stderr)
	tests, incomplete := results.Close()
	switch {
	case err != nil:
		return tests, err
	case !ending.Ended:
		return tests, errors.New("the runner of selftests did not end")
	}
	return tests, incomplete
}

// hostProgram runs a program of the host, as c says, in the guest with the host's files.
func (g *Guest) hostProgram(ctx context.Context, c wire.Config, stdout, stderr io.Writer) (Ending, error) {
	files, shares, err := g.files()
	if err != nil {
		return Ending{}, err
	}
	c.Mode, c.Host = wire.ModeRun, files
	return g.run(ctx, func(m *vm.Machine) {
		m.Config, m.Shares = c, shares
		m.Stdout, m.Stderr = stdout, stderr
	})
}

// runnerArgs are the arguments that have the runner run the tests that the user wants.
func runnerArgs(have, want []string) (args []string, err error) {
	for _, w := range want {
		collection, test, one := strings.Cut(w, ":")
		if one {
			if !slices.Contains(have, w) {
				return nil, fmt.Errorf("%w: %s has no %s (it has %s)", prepare.ErrSelftest, collection, test, some(have, collection))
			}
			args = append(args, "-t", w)
			continue
		}
		if some(have, collection) == "" {
			return nil, fmt.Errorf("%w: %s has no tests", prepare.ErrSelftest, collection)
		}
		args = append(args, "-c", collection)
	}
	return args, nil
}

// some names the tests of a collection, or the first of many.
func some(have []string, collection string) string {
	const most = 12
	var names []string
	for _, h := range have {
		if name, ok := strings.CutPrefix(h, collection+":"); ok {
			names = append(names, name)
		}
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// CompareSelftests lists how the results of b differ from those of a, one per
// line. It compares the results of tests, and the lines with the results of
// their parts.
func CompareSelftests(a, b []ktap.Test) (differences []string) {
	index := func(tests []ktap.Test) map[string]*ktap.Test {
		m := map[string]*ktap.Test{}
		for i := range tests {
			m[tests[i].Name] = &tests[i]
		}
		return m
	}
	before, after := index(a), index(b)
	for _, t := range a {
		other := after[t.Name]
		if other == nil {
			differences = append(differences, fmt.Sprintf("%s: %s, then not reported", t.Name, t.Status))
			continue
		}
		if t.Status != other.Status || t.Reason != other.Reason {
			differences = append(differences, fmt.Sprintf("%s: %s, then %s", t.Name, outcome(&t), outcome(other)))
		}
		was, is := t.Verdicts(), other.Verdicts()
		for _, v := range without(was, is) {
			differences = append(differences, fmt.Sprintf("%s: no longer %q", t.Name, v))
		}
		for _, v := range without(is, was) {
			differences = append(differences, fmt.Sprintf("%s: now %q", t.Name, v))
		}
	}
	for _, t := range b {
		if before[t.Name] == nil {
			differences = append(differences, fmt.Sprintf("%s: not reported, then %s", t.Name, outcome(&t)))
		}
	}
	return differences
}

// outcome is the status of a test with its reason.
func outcome(t *ktap.Test) string {
	if t.Reason == "" {
		return t.Status.String()
	}
	return t.Status.String() + " (" + t.Reason + ")"
}

// without returns the elements of a minus those of b, counting duplicates. Both
// are sorted.
func without(a, b []string) (rest []string) {
	for _, v := range a {
		if i, found := slices.BinarySearch(b, v); found {
			b = slices.Delete(slices.Clone(b), i, i+1)
			continue
		}
		rest = append(rest, v)
	}
	return rest
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package litmus checks the memory ordering of the series with litmus tests. A litmus test
// is a few lines per CPU that model functions of the series, and an outcome. herd7
// tries all executions that the kernel's memory model allows; the model is that of the tree.
//
// Two checks keep a test honest. Each test has twins, which lack what orders the accesses:
// the outcome must be possible there. And each test names the code that it models: when
// that changes, the test fails until somebody has compared the two.
//
// The error of a run wraps [ErrHerd] if herd7 came to no verdict, and [ErrModel] if the tree
// has no memory model.
package litmus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/tree"
)

// Options describe a run. Source and Out are required.
type Options struct {
	Source prepare.Source
	// Names select tests whose name contains one of them; none means all.
	Names []string
	// Jobs is how many herd7 run at once; 0 means one per CPU.
	Jobs int
	// Out is the directory for the tests and the memory model. KTAP receives a result
	// per check; may be nil.
	Out  string
	KTAP io.Writer
}

// Check is one result: of a test, of a twin, or of the code that a test models.
type Check struct {
	// Name is TEST, TEST/TWIN or TEST/code.
	Name string
	// Why says why it fails, one line each; none means that it passes.
	Why []string
	// Executions is how many herd7 tried.
	Executions int
}

// Result is the result of a run.
type Result struct {
	Checks []*Check
	// Tests and Twins is how many were run.
	Tests, Twins int
}

// Failed returns how many checks failed.
func (r *Result) Failed() int {
	n := 0
	for _, c := range r.Checks {
		if len(c.Why) > 0 {
			n++
		}
	}
	return n
}

// Executions returns how many executions herd7 tried.
func (r *Result) Executions() int {
	n := 0
	for _, c := range r.Checks {
		n += c.Executions
	}
	return n
}

// ErrModel is wrapped by the error for a tree without a memory model.
var ErrModel = errors.New("no memory model in the tree")

const modelDir = "tools/memory-model"

// modelFiles are the memory model.
var modelFiles = []string{configFile, "linux-kernel.bell", "linux-kernel.cat", "linux-kernel.def", "lock.cat"}

// limit is how long one test may take. Each takes less than a second.
const limit = 2 * time.Minute

// Run checks the litmus tests on the base of o.
func Run(ctx context.Context, o Options) (*Result, error) {
	selected, err := Select(o.Names)
	if err != nil {
		return nil, err
	}
	recorded, err := readSums(sumsText)
	if err != nil {
		return nil, err
	}
	command, root, err := deps.Herd7().Get(ctx, o.Source.Cache, o.Source.Progress)
	if err != nil {
		return nil, err
	}
	src, err := o.Source.OpenKernel(ctx)
	if err != nil {
		return nil, err
	}
	read := treeFile(src)
	if err := writeModel(ctx, read, o.Out); err != nil {
		return nil, err
	}
	r := &Result{Tests: len(selected)}
	h := &herd{command: command, library: filepath.Join(root, libraryDir), dir: o.Out, limit: limit}
	var jobs []job
	for _, t := range selected {
		c := &Check{Name: t.Name + "/code"}
		if c.Why, err = t.compare(ctx, read, src.Base, recorded); err != nil {
			return nil, err
		}
		list := t.jobs()
		r.Twins += len(list) - 1
		for i := range list {
			r.Checks = append(r.Checks, list[i].check)
		}
		r.Checks = append(r.Checks, c)
		jobs = append(jobs, list...)
	}
	if err := o.runAll(ctx, h, jobs); err != nil {
		return nil, err
	}
	return r, o.report(r)
}

// job is one run of herd7.
type job struct {
	test  *Test
	twin  *Twin // nil for the test itself
	check *Check
}

// jobs are the test and its twins.
func (t *Test) jobs() []job {
	list := []job{{test: t, check: &Check{Name: t.Name}}}
	for i := range t.Twins {
		w := &t.Twins[i]
		list = append(list, job{test: t, twin: w, check: &Check{Name: t.Name + "/" + w.Name}})
	}
	return list
}

// run runs herd7 and judges the verdict.
func (j *job) run(ctx context.Context, h *herd) error {
	name, text, err := j.test.text(j.twin)
	if err != nil {
		return err
	}
	v, err := h.run(ctx, name, text)
	if err != nil {
		return err
	}
	j.check.Executions = v.Positive + v.Negative
	want := Never
	if j.twin != nil {
		want = j.twin.Want
	}
	j.check.Why = v.compare(want)
	if len(j.check.Why) > 0 && j.twin == nil {
		j.check.Why = append(j.check.Why, "it claims: "+j.test.Claim)
	}
	return nil
}

func (o *Options) runAll(ctx context.Context, h *herd, jobs []job) (err error) {
	step := "litmus " + o.Source.Name()
	defer o.Source.Progress.Step(step, fmt.Sprintf("%d tests and twins", len(jobs)))(&err)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(o.Jobs, runtime.NumCPU()))
	for i := range jobs {
		g.Go(func() error { return jobs[i].run(ctx, h) })
	}
	return g.Wait()
}

// report writes a result per check.
func (o *Options) report(r *Result) error {
	if o.KTAP == nil {
		return nil
	}
	w := ktap.NewWriter(o.KTAP)
	w.Plan(len(r.Checks))
	for _, c := range r.Checks {
		if len(c.Why) == 0 {
			w.Result(c.Name, ktap.Pass, "")
			continue
		}
		for _, line := range c.Why {
			w.Diag("%s", line)
		}
		w.Result(c.Name, ktap.Fail, c.Why[0])
	}
	return w.Err()
}

// reader reads files of a tree. Its error wraps [tree.ErrNoFile] for a file that the tree
// lacks.
type reader func(ctx context.Context, file string) (string, error)

// treeFile reads each file of src once: several tests model functions of one file.
func treeFile(src *tree.Source) reader {
	have := map[string]string{}
	return func(ctx context.Context, file string) (string, error) {
		if text, ok := have[file]; ok {
			return text, nil
		}
		data, err := src.Show(ctx, file)
		if err != nil {
			return "", err
		}
		have[file] = string(data)
		return have[file], nil
	}
}

// writeModel copies the memory model of the tree into dir.
func writeModel(ctx context.Context, read reader, dir string) error {
	for _, file := range modelFiles {
		text, err := read(ctx, path.Join(modelDir, file))
		if errors.Is(err, tree.ErrNoFile) {
			return fmt.Errorf("%w: %w", ErrModel, err)
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the memory model: %w", err)
		}
	}
	return nil
}

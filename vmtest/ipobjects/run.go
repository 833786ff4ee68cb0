// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"xpsgen/vmtest/boot"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/run"
)

// guestPackage is the program that runs in the guest.
const guestPackage = "./vmtest/guest/objects"

// Options describe a run. Source is required.
type Options struct {
	Source  prepare.Source
	Machine boot.Machine
	// Dir has the files of the objects that [Generate] returned as Made. If it is empty,
	// Run makes them.
	Dir  string
	Made []record.Object
	// Builds, Contexts and Objects limit the run; empty means all.
	Builds, Contexts, Objects []string
	// Timeout ends the guest; 0 means none.
	Timeout time.Duration
}

// Run builds ip, boots the patched kernel and has ip load the objects. It returns a
// result for each cell of the matrix.
func Run(ctx context.Context, opt Options) (*Table, error) {
	if opt.Dir == "" {
		dir, err := os.MkdirTemp("", "ipobjects")
		if err != nil {
			return nil, fmt.Errorf("object matrix: %w", err)
		}
		defer os.RemoveAll(dir)
		opt.Dir = dir
		if opt.Made, err = Generate(ctx, dir); err != nil {
			return nil, err
		}
	}
	t := &Table{objects: named(opt.Made, opt.Objects)}
	var err error
	if t.examples, err = examples(ctx, &opt.Source); err != nil {
		return nil, err
	}
	job := record.Job{Examples: t.examples, Contexts: or(opt.Contexts, record.Contexts()), Objects: t.objects, Dir: opt.Dir}
	if job.Builds, err = Builds(ctx, &opt.Source, or(opt.Builds, BuildNames())); err != nil {
		return nil, err
	}
	start := time.Now()
	if t.results, err = work(ctx, &opt, &job); err != nil {
		return nil, err
	}
	t.elapsed = time.Since(start)
	if want := calls(&job); len(t.results) != want {
		return nil, fmt.Errorf("object matrix: %d results, expected %d", len(t.results), want)
	}
	return t, nil
}

// calls returns how often the guest calls ip.
func calls(job *record.Job) int {
	n := len(job.Examples) * len(job.Builds)
	for _, o := range job.Objects {
		for _, c := range job.Contexts {
			for _, b := range job.Builds {
				if o.In(b.Name, c) {
					n++
				}
			}
		}
	}
	return n
}

// work boots the guest, has it do the job and returns the results.
func work(ctx context.Context, opt *Options, job *record.Job) ([]record.Result, error) {
	return guest[record.Result](ctx, opt, job)
}

// guest boots the guest, has it do the job and returns what it answers.
func guest[Result any](ctx context.Context, opt *Options, job *record.Job) (results []Result, err error) {
	program, err := build.Guest(ctx, build.GuestOptions{
		Root: opt.Source.Root, Cache: opt.Source.Cache, Package: guestPackage, Progress: opt.Source.Progress,
	})
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("object matrix: %w", err)
	}
	var writable []string
	for _, b := range job.Builds {
		if b.Counts != "" {
			writable = append(writable, b.Counts)
		}
	}
	var stdout, stderr bytes.Buffer
	end, err := run.Program(ctx, run.ProgramOptions{
		GuestOptions: run.GuestOptions{Source: opt.Source, Machine: opt.Machine, Writable: writable},
		Args:         []string{program},
		Timeout:      opt.Timeout,
		Stdin:        bytes.NewReader(in),
		Stdout:       &stdout,
		Stderr:       &stderr,
	})
	if err != nil {
		return nil, fmt.Errorf("object matrix: %w: %s", err, stderr.Bytes())
	}
	if end.Code != 0 {
		return nil, fmt.Errorf("object matrix: exit code %d in the guest: %s", end.Code, stderr.Bytes())
	}
	return read[Result](&stdout)
}

// read reads the results of the guest.
func read[Result any](in io.Reader) (results []Result, err error) {
	dec := json.NewDecoder(in)
	for {
		var r Result
		err := dec.Decode(&r)
		if errors.Is(err, io.EOF) {
			return results, nil
		}
		if err != nil {
			return nil, fmt.Errorf("object matrix: read results: %w", err)
		}
		results = append(results, r)
	}
}

// named returns the objects with these names, or all if there are no names.
func named(objects []record.Object, names []string) []record.Object {
	if len(names) == 0 {
		return objects
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o record.Object) bool { return !slices.Contains(names, o.Name) })
}

func or(some, all []string) []string {
	if len(some) > 0 {
		return some
	}
	return all
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command objects runs in the guest. It loads each object with each build of ip in each
// context, and reports the results: see package record.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"xpsgen/vmtest/guest/objects/record"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "objects:", err)
		os.Exit(1)
	}
}

// run does the job that in describes and writes the results to out.
func run(ctx context.Context, in io.Reader, out io.Writer) error {
	var job record.Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	dir, err := localCopy(&job)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bring, err := keepCountsHere(&job, dir)
	if err != nil {
		return err
	}
	if err := customPinning(); err != nil {
		return err
	}
	if err := quicken(ctx, &job, dir); err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	if job.Mutants != nil {
		results, err := tryMutants(ctx, &job, dir)
		if err != nil {
			return err
		}
		for _, r := range results {
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("write results: %w", err)
			}
		}
		return nil
	}
	for _, name := range append(job.Contexts, record.Manual) {
		load := runContext
		if name == record.Manual {
			load = runExamples
		}
		results, err := load(ctx, &job, name)
		if err != nil {
			return fmt.Errorf("context %s: %w", name, err)
		}
		for _, r := range results {
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("write results: %w", err)
			}
		}
	}
	return bring()
}

// customPinning gives ip without libbpf a directory of pins besides its own two.
func customPinning() error {
	const file = "/etc/iproute2/bpf_pinning"
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("configure ip: %w", err)
	}
	if err := os.WriteFile(file, []byte("5\tcustom\n"), 0o644); err != nil {
		return fmt.Errorf("configure ip: %w", err)
	}
	return nil
}

// localCopy copies ip and the objects into the memory of the guest. ip runs some thousand
// times, and a user without rights may not read the files at the host's path.
func localCopy(job *record.Job) (string, error) {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		return "", fmt.Errorf("copy the objects: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return dir, fmt.Errorf("copy the objects: %w", err)
	}
	for i := range job.Builds {
		b := &job.Builds[i]
		data, err := os.ReadFile(b.IP)
		if err != nil {
			return dir, fmt.Errorf("copy ip: %w", err)
		}
		b.IP = filepath.Join(dir, "ip-"+b.Name)
		if err := os.WriteFile(b.IP, data, 0o755); err != nil {
			return dir, fmt.Errorf("copy ip: %w", err)
		}
	}
	objects := filepath.Join(dir, "objects")
	if err := copyFiles(objects, job.Dir); err != nil {
		return dir, fmt.Errorf("copy the objects: %w", err)
	}
	job.Dir = objects
	return dir, nil
}

// copyFiles copies the files of a directory. os.CopyFS rejects names that are not UTF-8.
func copyFiles(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// runContext loads all objects in one context, in parallel.
func runContext(ctx context.Context, job *record.Job, name string) ([]record.Result, error) {
	calls := contextCalls(job, name)
	next := queue(calls)
	err := onPlaces(ctx, job, name, func(p *place, _ int) error {
		for c := range next {
			var err error
			if c.result, err = p.load(ctx, c.build, c.object, 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	results := make([]record.Result, len(calls))
	for i, c := range calls {
		results[i] = c.result
	}
	return results, nil
}

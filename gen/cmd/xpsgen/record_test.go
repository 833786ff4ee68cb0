// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
)

// recorded calls record with body on a workbench with one patch, and returns
// its error and the record.
func recorded(t *testing.T, ctx context.Context, rec recording, body func(*runs.Run) error) (*runs.Record, error) {
	t.Helper()
	env := newEnvironment(os.Stdin, io.Discard, &bytes.Buffer{})
	env.args = []string{"xpsgen", "vmtest"}
	failure := env.record(ctx, rec, body)
	all, err := (&runs.Store{Dir: runs.Dir(rec.root)}).List()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	return all[0], failure
}

func recordRoot(t *testing.T) recording {
	t.Helper()
	root := testenv.Root(t)
	path := filepath.Join(root, "kernel-patches", "queue", "6.12", "0001-hook.patch")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("hook\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rec, err := recordSource(runs.Builds, &prepare.Source{Root: root, Base: "6.12"})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestRecordRemedy: all kinds of runs have the directory of $XPSGEN_RUNS, but not all
// have a flag --out.
func TestRecordRemedy(t *testing.T) {
	rec := recordRoot(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	env := newEnvironment(os.Stdin, io.Discard, &bytes.Buffer{})
	env.runs = filepath.Join(file, "runs")
	err := env.record(t.Context(), rec, func(*runs.Run) error {
		t.Error("body called without a record")
		return nil
	})
	want := "record the run: mkdir " + file + ": not a directory (set XPSGEN_RUNS to another directory)"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestRecordStates checks the state and the reasons of a run by the error that
// ended it.
func TestRecordStates(t *testing.T) {
	interrupted, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt signal received"))
	for name, c := range map[string]struct {
		ctx    context.Context
		err    error
		state  runs.State
		reason string
	}{
		"passed":          {t.Context(), nil, runs.Passed, ""},
		"reported":        {t.Context(), &statusError{code: exitFailed}, runs.Failed, ""},
		"does not apply":  {t.Context(), fmt.Errorf("apply: %w", &tree.ManifestError{File: "series.toml", Msg: "no key"}), runs.Failed, "apply: series.toml: no key"},
		"no workbench":    {t.Context(), errors.New("no qemu"), runs.Broken, "no qemu"},
		"reported broken": {t.Context(), &statusError{code: exitBreakdown}, runs.Broken, ""},
		"signal":          {interrupted, context.Canceled, runs.Interrupted, "interrupted: interrupt signal received"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := recorded(t, c.ctx, recordRoot(t), func(*runs.Run) error { return c.err })
			if !errors.Is(err, c.err) || r.State != c.state || strings.Join(r.Reasons, "; ") != c.reason {
				t.Errorf("%v, %s, %q; want %v, %s, %q", err, r.State, r.Reasons, c.err, c.state, c.reason)
			}
			if r.Ended.IsZero() || r.Command[0] != "xpsgen" || r.Base != "6.12" {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// TestRecordChangedInputs: a patch that is edited during a run makes the run
// stale, even if it is put back later.
func TestRecordChangedInputs(t *testing.T) {
	rec := recordRoot(t)
	path := filepath.Join(rec.root, "kernel-patches", "queue", "6.12", "0001-hook.patch")
	r, err := recorded(t, t.Context(), rec, func(*runs.Run) error { return os.WriteFile(path, []byte("edited\n"), 0o644) })
	if err != nil {
		t.Fatal(err)
	}
	const want = "kernel-patches/queue/6.12/0001-hook.patch changed while it ran"
	if len(r.Changed) != 1 || r.Changed[0] != want {
		t.Errorf("changed %q, want %q", r.Changed, want)
	}
	if err := os.WriteFile(path, []byte("hook\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	stale, err := runs.NewLooker(rec.root).Stale(t.Context(), r)
	if err != nil || len(stale) != 1 {
		t.Errorf("stale %q, %v", stale, err)
	}
}

// TestRecordIsPartOfTheVerdict: a run whose record cannot be written did not
// pass and did not fail.
func TestRecordIsPartOfTheVerdict(t *testing.T) {
	for _, c := range []error{nil, &statusError{code: exitFailed}} {
		rec := recordRoot(t)
		env := newEnvironment(os.Stdin, io.Discard, &bytes.Buffer{})
		err := env.record(t.Context(), rec, func(r *runs.Run) error {
			if err := os.RemoveAll(r.Dir()); err != nil {
				t.Fatal(err)
			}
			// The record cannot replace a directory.
			if err := os.MkdirAll(filepath.Join(r.Dir(), runs.RecordFile, "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			return c
		})
		if code := exitCode(t.Context(), err); code != exitBreakdown {
			t.Errorf("%v: exit code %d: %v", c, code, err)
		}
	}
}

// TestRecordFileLink: a link to a file appears only when the run left it.
func TestRecordFileLink(t *testing.T) {
	for _, leaves := range []bool{true, false} {
		rec := recordRoot(t)
		rec.fileLink, rec.file = filepath.Join("bench", "6.12.json"), runs.BenchFile
		_, err := recorded(t, t.Context(), rec, func(r *runs.Run) error {
			if leaves {
				return os.WriteFile(filepath.Join(r.Dir(), runs.BenchFile), []byte("{}"), 0o644)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = os.Lstat(filepath.Join(rec.root, "out", rec.fileLink))
		if (err == nil) != leaves {
			t.Errorf("left %v: %v", leaves, err)
		}
	}
}

func TestParseLimits(t *testing.T) {
	for text, want := range map[string]string{"": "0s", "36h": "36h0m0s", "30d": "720h0m0s", "0d": "", "-1h": "", "d": "", "x": ""} {
		d, ok := parseAge(text)
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("parseAge(%q) = %s, %v, want %q", text, d, ok, want)
		}
	}
	for text, want := range map[string]int64{"": 0, "7": 7, "2K": 2048, "200M": 200 << 20, "1G": 1 << 30, "0": -1, "-1": -1, "M": -1, "1T": -1} {
		n, ok := parseSize(text)
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("parseSize(%q) = %d, %v, want %d", text, n, ok, want)
		}
	}
}

// With --runs a run is recorded there, and no link in out points to it.
func TestRecordElsewhere(t *testing.T) {
	rec := recordRoot(t)
	rec.link = "6.12"
	t.Chdir(t.TempDir())
	env := newEnvironment(os.Stdin, io.Discard, &bytes.Buffer{})
	env.runs = "kept"
	dir := ""
	if err := env.record(t.Context(), rec, func(r *runs.Run) error { dir = r.Dir(); return nil }); err != nil {
		t.Fatal(err)
	}
	all, err := (&runs.Store{Dir: "kept"}).List()
	if err != nil || len(all) != 1 || all[0].Dir != dir || !filepath.IsAbs(dir) {
		t.Errorf("%d runs, %v, directory %q", len(all), err, dir)
	}
	if _, err := os.Lstat(filepath.Join(rec.root, "out")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("out exists: %v", err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/testenv"
)

// bench is a workbench whose targets of make run the script.
func bench(t *testing.T, script string) RunOptions {
	t.Helper()
	root := testenv.Root(t)
	if err := os.WriteFile(filepath.Join(root, "Makefile"), []byte("lint:\n\t@"+script+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("lint")
	if err != nil {
		t.Fatal(err)
	}
	c.Arch = arch.Amd64
	return RunOptions{Cell: c, Root: root, Cache: t.TempDir(), Program: "/bin/false", Out: filepath.Join(t.TempDir(), "out")}
}

// unpacked runs a cell and reads its archive.
func unpacked(t *testing.T, ctx context.Context, opt RunOptions) (*Result, string) {
	t.Helper()
	ran, err := Run(ctx, opt)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r, err := Unpack(ran.Archive, dir)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(opt.Out)
	if err != nil || len(left) != 1 {
		t.Errorf("%s has %v, %v; want the archive alone", opt.Out, left, err)
	}
	return r, dir
}

// However the command ends, there is an archive with the exit code, the output and a
// record.
func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		code   int
		state  runs.State
		reason string
	}{
		"passed": {"echo out; echo err >&2", 0, runs.Passed, ""},
		"failed": {"echo out; echo err >&2; exit 3", 1, runs.Failed, "err"},
		"killed": {"echo out; echo err >&2; kill -9 $$PPID", 137, runs.Interrupted, "killed: killed"},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir := unpacked(t, t.Context(), bench(t, c.script))
			if r.ExitCode != c.code || strings.Join(r.Reasons, "\n") != c.reason || len(r.Records) != 1 || r.Records[0].State != c.state {
				t.Errorf("%+v, records %+v", r, r.Records)
			}
			for file, want := range map[string]string{StdoutFile: "out\n", StderrFile: "err\n"} {
				if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.HasPrefix(string(got), want) {
					t.Errorf("%s is %q, %v", file, got, err)
				}
			}
		})
	}
}

func TestRunInterrupted(t *testing.T) {
	opt := bench(t, "touch ready; exec sleep 100")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(opt.Root, "ready")); err == nil {
				cancel(errors.New("terminated signal received"))
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	r, _ := unpacked(t, ctx, opt)
	if r.ExitCode != 143 || r.Records[0].State != runs.Interrupted || !strings.Contains(strings.Join(r.Reasons, "\n"), "terminated signal received") {
		t.Errorf("%+v", r)
	}
}

// A command that exits with 0 and leaves no record has proved nothing.
func TestRunWithoutRecord(t *testing.T) {
	opt := bench(t, "true")
	opt.Cell = &Cell{Kind: "builds", Base: "6.12", Arch: arch.Amd64, Attempt: 1}
	opt.Program = "/bin/true"
	r, _ := unpacked(t, t.Context(), opt)
	if r.ExitCode != 1 || !strings.Contains(strings.Join(r.Reasons, "\n"), "left no record") {
		t.Errorf("%+v", r)
	}
	opt.Program = filepath.Join(opt.Root, "nowhere")
	opt.Cell.Attempt, opt.Out = 2, t.TempDir()
	r, _ = unpacked(t, t.Context(), opt)
	if r.ExitCode != exitBroken || filepath.Base(r.Archive) != "builds@6.12.attempt-2.tar.gz" {
		t.Errorf("%+v", r)
	}
}

func TestRunRefused(t *testing.T) {
	opt := bench(t, "true")
	opt.Cell.Arch = "vax"
	if _, err := Run(t.Context(), opt); err == nil || !errors.Is(err, ErrID) || !strings.Contains(err.Error(), "has no arch") {
		t.Error(err)
	}
	opt.Cell = &Cell{Kind: "mutants", Base: "6.12", Arch: arch.Amd64, Shard: "1-of-2"}
	if _, err := Run(t.Context(), opt); !errors.Is(err, ErrID) {
		t.Error(err)
	}
}

// The environment of the machine does not choose what a cell runs.
func TestRunEnvironment(t *testing.T) {
	t.Setenv("XPSGEN_BASE", "5.4")
	t.Setenv("MAKEFLAGS", "-n")
	t.Setenv("JOB_COMPLETION_INDEX", "7")
	r, dir := unpacked(t, t.Context(), bench(t, `echo "$$XPSGEN_BASE-$$JOB_COMPLETION_INDEX-$$(basename $$XPSGEN_RUNS)"`))
	if got, err := os.ReadFile(filepath.Join(dir, StdoutFile)); err != nil || string(got) != "--runs\n" || r.ExitCode != 0 {
		t.Errorf("%q, %v, %+v", got, err, r)
	}
}

// A hostile archive writes nothing outside of its directory.
func TestUnpackInvalid(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"outside":   {{Name: "../x", Typeflag: tar.TypeReg}},
		"absolute":  {{Name: "/tmp/x", Typeflag: tar.TypeReg}},
		"link":      {{Name: "runs", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}},
		"twice":     {{Name: "x", Typeflag: tar.TypeReg}, {Name: "x", Typeflag: tar.TypeReg}},
		"in a file": {{Name: "x", Typeflag: tar.TypeReg}, {Name: "x/y", Typeflag: tar.TypeReg}},
		"huge":      {{Name: "x", Typeflag: tar.TypeReg, Size: maxArchive + 1}},
		"cut":       {{Name: "x", Typeflag: tar.TypeReg, Size: 10}},
		"no result": {{Name: "x", Typeflag: tar.TypeReg}},
		"empty":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir, path := filepath.Join(parent, "to"), filepath.Join(parent, "a.tar.gz")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			zip := gzip.NewWriter(f)
			w := tar.NewWriter(zip)
			for _, h := range headers {
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
			}
			_ = w.Flush() // the file of a huge header is not there
			if err := errors.Join(zip.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := Unpack(path, dir); !errors.Is(err, ErrArchive) {
				t.Error(err)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) != 2 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

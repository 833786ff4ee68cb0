// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"xpsgen":  func() { os.Exit(xpsgen(os.Args, os.Stdin, os.Stdout, os.Stderr)) },
		"makerun": makeRun,
	})
}

// TestScript runs testdata/script/*.txtar, each in an empty directory with an
// empty cache, $ROOT as the workbench and $CACHE as the user's own cache.
func TestScript(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	var goEnv map[string]string
	if out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE").Output(); err != nil {
		t.Fatalf("go env: %v", err)
	} else if err := json.Unmarshal(out, &goEnv); err != nil {
		t.Fatal(err)
	}
	guestScripts(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "wrong": wrong},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "vm", "series", "full":
				return testenv.Offers(cond), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			// A new home, with the user's caches of go.
			home := filepath.Join(e.WorkDir, ".home")
			if err := os.MkdirAll(home, 0o755); err != nil {
				return err
			}
			e.Setenv("HOME", home)
			e.Setenv("GOCACHE", goEnv["GOCACHE"])
			e.Setenv("GOMODCACHE", goEnv["GOMODCACHE"])
			e.Setenv("CACHE", cache)
			e.Setenv("XPSGEN_CACHE", filepath.Join(e.WorkDir, "cache"))
			// Scripts may put another one before it in PATH.
			if qemu, err := exec.LookPath(vm.DefaultQEMU); err == nil {
				e.Setenv("QEMU", qemu)
			}
			return nil
		},
	})
}

// guestScripts checks that make faults finds the scripts that boot the patched kernel by
// their names.
func guestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts: %d, %v", len(scripts), err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		guest := regexp.MustCompile(`(?m)^\[!?vm\]`).Match(text)
		if named := strings.HasPrefix(filepath.Base(script), "vm_"); guest && !named {
			t.Errorf("%s: boots the patched kernel: rename it to vm_..., so that make faults runs it", script)
		}
	}
}

// exits is the script command "exits CODE PROGRAM [ARGUMENT]...". It runs the
// program, and keeps its output for stdout and stderr. It fails unless the
// program exits with CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT]...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("exits: %v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", args[1], got, want)
	}
}

// wrong is the script command "wrong PATTERN [ARGUMENT]...". It runs xpsgen. It
// fails unless xpsgen exits with 2, prints nothing on stdout, and prints one
// line that matches PATTERN on stderr.
func wrong(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: wrong PATTERN [ARGUMENT]...")
	}
	exits(ts, false, append([]string{"2", "xpsgen"}, args[1:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout is %q, want nothing", out)
	}
	said := ts.ReadFile("stderr")
	if strings.Count(said, "\n") != 1 {
		ts.Fatalf("stderr has %d lines, want one", strings.Count(said, "\n"))
	}
	if ok, err := regexp.MatchString(args[0], said); err != nil || !ok {
		ts.Fatalf("stderr is %q, want %q, %v", said, args[0], err)
	}
}

// makeRun is the program "makerun KIND BASE STATE [SELECTION]". It records a
// run that began $AGE ago, with the current inputs of the workbench in the
// current directory. The run gets copies of the result files there. With $KILL
// it is killed before the run ends.
func makeRun() {
	err := func() error {
		ctx := context.Background()
		kind, subject := runs.Kind(os.Args[1]), runs.Subject{Base: os.Args[2]}
		age, err := time.ParseDuration(os.Getenv("AGE"))
		if err != nil {
			return err
		}
		r := runs.Record{
			Kind: kind, Subject: subject, Selection: strings.Join(os.Args[4:], " "), Started: time.Now().Add(-age).UTC(),
			Command: []string{"xpsgen", "vmtest"}, Seed: 42, Counts: runs.Counts{Pass: 1, Planned: 1},
		}
		if r.Inputs, err = runs.Present(ctx, ".", kind, subject, "6.1"); err != nil {
			return err
		}
		run, err := (&runs.Store{Dir: runs.Dir(".")}).Begin(ctx, r)
		if err != nil {
			return err
		}
		for _, name := range []string{runs.KTAPFile, verdict.JSONFile, verdict.ConsoleFile} {
			data, err := os.ReadFile(name)
			if err == nil {
				err = os.WriteFile(filepath.Join(run.Dir(), name), data, 0o644)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if os.Getenv("KILL") != "" {
			return unix.Kill(os.Getpid(), unix.SIGKILL)
		}
		return errors.Join(run.Point(filepath.Join("out", subject.Name()), ""), run.End(runs.State(os.Args[3])))
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/cmd/xpsgen/ui"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/workbench"
)

// environment is shared by all commands.
type environment struct {
	*console
	*place
	*recorder
	version bool
}

// console has the streams, signals, and the flags about output.
type console struct {
	stdin          *os.File
	stdout, stderr io.Writer
	ui             *ui.UI
	signals        *signals
	verbose        int
	quiet          bool
	color          string
}

// place has the flags that choose the workbench, the cache and the directory of records.
type place struct{ root, cache, runs string }

// recorder keeps records of runs.
type recorder struct {
	*console
	*place
	// args is the command line.
	args []string
}

// The commands of an area share methods.
type (
	suiteCommands  struct{ *environment }
	runsCommands   struct{ *environment }
	seriesCommands struct{ *environment }
	uapiCommands   struct{ *environment }
)

func newEnvironment(stdin *os.File, stdout, stderr io.Writer) *environment {
	c := &console{stdin: stdin, stdout: stdout, stderr: stderr, ui: ui.New(stderr, ui.Options{}), color: "auto"}
	p := &place{}
	return &environment{console: c, place: p, recorder: &recorder{console: c, place: p}}
}

func (env *environment) close() { env.ui.Close() }

// ready applies the flags of every command.
func (env *environment) ready() error {
	if env.version {
		if _, err := fmt.Fprintln(env.stdout, "xpsgen", version()); err != nil {
			return fmt.Errorf("print the version: %w", err)
		}
		return command.ErrDone
	}
	when, err := ui.ParseColor(env.color)
	if err != nil {
		return command.Usagef("%v", err)
	}
	env.ui = ui.New(env.stderr, ui.Options{
		Color:   when,
		Quiet:   env.quiet,
		NoColor: os.Getenv("NO_COLOR") != "",
		Dumb:    os.Getenv("TERM") == "dumb",
	})
	return nil
}

// cacheDirectory is --cache, or xpsgen in the user's cache directory.
func (env *place) cacheDirectory() (string, error) {
	if env.cache != "" {
		return filepath.Abs(env.cache)
	}
	return cache.Dir()
}

// checkedCache is cacheDirectory for a command that writes there: it and the
// directory of temporary files are checked before anything is fetched or built.
func (env *place) checkedCache() (string, error) {
	dir, err := env.cacheDirectory()
	if err == nil {
		err = cache.Check(dir)
	}
	if err == nil {
		err = cache.CheckTemp()
	}
	return dir, err
}

// locate finds the workbench and the cache. The cache remembers the last workbench,
// since `go test -exec` runs xpsgen in directories of other modules.
func (env *place) locate() (root, cache string, err error) {
	cache, err = env.checkedCache()
	if err != nil {
		return "", "", err
	}
	root, err = workbench.Find(env.root, cache)
	if err != nil {
		return "", "", err
	}
	return root, cache, nil
}

// locateOwn is locate for commands that change files of the workbench. The current
// directory must be in it, or the user must name it.
func (env *place) locateOwn() (root, cache string, err error) {
	if root, err = workbench.Nearest(env.root); err != nil {
		return "", "", err
	}
	cache, err = env.checkedCache()
	return root, cache, err
}

// store is where runs of the workbench at root are recorded.
func (env *place) store(root string) *runs.Store {
	dir := runs.Dir(root)
	if env.runs != "" {
		dir = env.runs
	}
	// Parts of a run work in other directories.
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &runs.Store{Dir: dir}
}

// report prints an error and returns the exit code.
func (env *environment) report(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var (
		usage  *command.UsageError
		status *statusError
	)
	env.ui.Close()
	switch {
	case err == nil || errors.As(err, &status):
	case errors.As(err, &usage):
		env.ui.Error(fmt.Sprintf("%v; see %s --help", err, usage.Command))
	case code == exitInterrupted || code == exitTerminated:
		var kernel *run.KernelError
		if errors.As(err, &kernel) {
			env.ui.Error(err.Error())
		}
		why := context.Cause(ctx)
		if why == nil {
			why = err // the guest was ended, not the command
		}
		env.ui.Error(why.Error() + "; finished builds are kept, run the same command again")
	default:
		env.ui.Error(err.Error())
	}
	return code
}

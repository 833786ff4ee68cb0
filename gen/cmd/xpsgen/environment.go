// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/cmd/xpsgen/ui"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/workbench"
)

// environment is what the commands share: streams, and the global flags once
// they are parsed.
type environment struct {
	stdin          *os.File
	stdout, stderr io.Writer
	ui             *ui.UI
	verbose        int
}

func newEnvironment(stdin *os.File, stdout, stderr io.Writer) *environment {
	return &environment{stdin: stdin, stdout: stdout, stderr: stderr, ui: ui.New(stderr, ui.Options{})}
}

func (env *environment) close() { env.ui.Close() }

func (env *environment) globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{
			Name: "verbose", Aliases: []string{"v"}, Count: &env.verbose,
			Usage: "say more: what apt prints, which names uapi leaves out and why",
		},
		&cli.BoolFlag{
			Name: "quiet", Aliases: []string{"q"},
			Usage: "results and errors only, no progress",
		},
		&cli.StringFlag{
			Name: "color", Value: "auto",
			Usage: "colour on stderr: `WHEN` is auto, always or never (NO_COLOR is honoured by auto)",
		},
		&cli.StringFlag{
			Name: "root", EnvVars: []string{"XPSGEN_ROOT"},
			Usage: "`DIR` of the workbench; found upwards from the current one, else the one last used",
		},
		&cli.StringFlag{
			Name: "cache", EnvVars: []string{"XPSGEN_CACHE"},
			Usage: "`DIR` for sources and builds; default xpsgen in the user's cache directory",
		},
	}
}

// before turns the global flags into state. It runs even when a subcommand's
// flags are wrong, so it has no effect outside env.
func (env *environment) before(c *cli.Context) error {
	when, err := ui.ParseColor(c.String("color"))
	if err != nil {
		return &usageError{text: err.Error(), command: "xpsgen"}
	}
	env.ui = ui.New(env.stderr, ui.Options{
		Color:   when,
		Quiet:   c.Bool("quiet"),
		NoColor: os.Getenv("NO_COLOR") != "",
		Dumb:    os.Getenv("TERM") == "dumb",
	})
	return nil
}

// cacheDir is --cache, $XPSGEN_CACHE, or xpsgen under the user's own. It is
// checked, and so is the directory of temporary files, before anything is
// fetched or built.
func (env *environment) cacheDir(c *cli.Context) (string, error) {
	dir, err := cacheDir(c)
	if err == nil {
		err = cache.Check(dir)
	}
	if err == nil {
		err = cache.CheckTemp()
	}
	return dir, err
}

func cacheDir(c *cli.Context) (string, error) {
	if dir := c.String("cache"); dir != "" {
		return filepath.Abs(dir)
	}
	return cache.Dir()
}

// paths finds the workbench and the cache. `go test -exec` runs us in other
// people's packages, so the last workbench used is remembered in the cache.
func (env *environment) paths(c *cli.Context) (root, cache string, err error) {
	cache, err = env.cacheDir(c)
	if err != nil {
		return "", "", err
	}
	root, err = workbench.Find(c.String("root"), cache)
	if err != nil {
		return "", "", err
	}
	return root, cache, nil
}

// report prints an error the way its kind deserves and returns the exit code.
func (env *environment) report(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var (
		usage  *usageError
		status *statusError
	)
	env.ui.Close()
	switch {
	case err == nil || errors.As(err, &status):
	case errors.As(err, &usage):
		env.ui.Error(fmt.Sprintf("%v; see %s --help", err, usage.command))
	case code == exitSignal:
		env.ui.Error("interrupted; nothing half-made is kept, run the same command to go on")
	default:
		env.ui.Error(err.Error())
	}
	return code
}

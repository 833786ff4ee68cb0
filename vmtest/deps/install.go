// SPDX-License-Identifier: GPL-2.0-only OR MIT

package deps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// MissingError lists dependencies that are missing and could not be installed. It names
// the remedy.
type MissingError struct {
	// Missing are the missing dependencies.
	Missing []Status
	// Command installs them on a Debian system; empty on others.
	Command string
	// Err is why the installation failed; may be nil.
	Err error
}

func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("missing:")
	for _, s := range e.Missing {
		fmt.Fprintf(&b, "\n  %s (%s): %s", s.Name, s.Why, s.Detail)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\nnot installed: %v", e.Err)
	}
	if e.Command != "" {
		fmt.Fprintf(&b, "\nrun as root: %s", e.Command)
	} else {
		fmt.Fprintf(&b, "\nno apt on this system: install them with its package manager (Debian packages: %s)",
			strings.Join(packages(e.Missing), " "))
	}
	return b.String()
}

func (e *MissingError) Unwrap() error { return e.Err }

// InstallOptions say how to install.
type InstallOptions struct {
	// Interactive says that sudo may ask for a password on the terminal.
	Interactive bool
	// Log receives the output of apt. May be nil.
	Log io.Writer
	// Progress receives events. May be nil.
	Progress progress.Func
	// Cache is the directory that tools are unpacked into.
	Cache string

	// euid and lists describe this machine; tests replace them.
	euid  func() int
	lists string
}

// Install unpacks missing tools into the cache. It installs other missing dependencies as
// Debian packages: directly as root, otherwise through sudo. It returns a [*MissingError]
// if that fails or does not help. It does nothing if nothing is missing.
func Install(ctx context.Context, missing []Status, opt InstallOptions) (err error) {
	if missing, err = opt.unpack(ctx, missing); err != nil || len(missing) == 0 {
		return err
	}
	if opt.euid == nil {
		opt.euid = os.Geteuid
	}
	if opt.lists == "" {
		opt.lists = "/var/lib/apt/lists"
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return &MissingError{Missing: missing}
	}
	names := packages(missing)
	merr := &MissingError{Missing: missing,
		Command: "apt-get update && apt-get install --no-install-recommends " + strings.Join(names, " ")}
	prefix, err := becomeRoot(ctx, &opt)
	if err != nil {
		merr.Err = err
		return merr
	}
	defer opt.Progress.Step("install packages", strings.Join(names, " "))(&err)
	if err := opt.install(ctx, prefix, names); err != nil {
		merr.Err = err
		return merr
	}
	left := make([]Dep, 0, len(missing))
	for _, s := range missing {
		left = append(left, s.Dep)
	}
	if merr.Missing, err = Missing(ctx, left, opt.Cache); err != nil {
		return err
	}
	if len(merr.Missing) > 0 {
		merr.Err = errors.New("the packages are installed, but the dependencies are still missing")
		return merr
	}
	return nil
}

// unpack unpacks the tools among missing and returns the other dependencies.
func (opt *InstallOptions) unpack(ctx context.Context, missing []Status) (rest []Status, err error) {
	for _, s := range missing {
		if s.tool == nil {
			rest = append(rest, s)
			continue
		}
		if _, _, err := s.tool.Get(ctx, opt.Cache, opt.Progress); err != nil {
			return nil, err
		}
		if found, detail := s.look(ctx, opt.Cache); !found {
			return nil, fmt.Errorf("unpack %s: it is unpacked, but does not work: %s", s.Name, detail)
		}
	}
	return rest, nil
}

// packages returns the names of the packages to install, without duplicates.
func packages(missing []Status) []string {
	var names []string
	for _, s := range missing {
		if !slices.Contains(names, s.Package) {
			names = append(names, s.Package)
		}
	}
	return names
}

// becomeRoot returns the words to put before a command to run it as root.
func becomeRoot(ctx context.Context, opt *InstallOptions) ([]string, error) {
	if opt.euid() == 0 {
		return nil, nil
	}
	if _, err := exec.LookPath("sudo"); err != nil {
		return nil, errors.New("needs root, and sudo is missing")
	}
	if (&proc.Cmd{Args: []string{"sudo", "-n", "true"}}).Run(ctx) == nil {
		return []string{"sudo", "-n"}, nil
	}
	if !opt.Interactive {
		return nil, errors.New("needs root, but sudo needs a password and there is no terminal")
	}
	return []string{"sudo"}, nil
}

// install runs apt-get install. It runs apt-get update only if the lists are empty or the
// installation failed, because an update takes time and network access.
func (opt *InstallOptions) install(ctx context.Context, prefix, names []string) error {
	updated := false
	if !haveLists(opt.lists) {
		updated = true
		if err := opt.apt(ctx, prefix, "update"); err != nil {
			return err
		}
	}
	args := append([]string{"install", "-y", "--no-install-recommends"}, names...)
	err := opt.apt(ctx, prefix, args...)
	if err == nil || updated || ctx.Err() != nil {
		return err
	}
	opt.Progress.Emit(progress.Event{Step: "install packages", State: progress.Notice,
		Text: "apt-get install failed; retrying after apt-get update"})
	if uerr := opt.apt(ctx, prefix, "update"); uerr != nil {
		return errors.Join(err, uerr)
	}
	return opt.apt(ctx, prefix, args...)
}

func (opt *InstallOptions) apt(ctx context.Context, prefix []string, args ...string) error {
	line := append(slices.Clone(prefix), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C",
		"apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
	c := &proc.Cmd{
		Args:       append(line, args...),
		Stdout:     opt.Log,
		Stderr:     opt.Log,
		Foreground: len(prefix) > 0 && opt.Interactive,
		// Let dpkg finish: killing it leaves a package half installed.
		Grace: 2 * time.Minute,
	}
	if c.Foreground {
		c.Stdin = os.Stdin
	}
	return c.Run(ctx)
}

// haveLists reports whether apt has any package list.
func haveLists(dir string) bool {
	found, err := filepath.Glob(filepath.Join(dir, "*_Packages*"))
	return err == nil && len(found) > 0
}

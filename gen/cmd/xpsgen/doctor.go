// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/vm"
)

// finding is one line of doctor's output.
type finding struct {
	// Area is the purpose or the subject: "vmtest", "vm".
	Area string `json:"area"`
	Name string `json:"name"`
	// OK is false for a requested thing that does not work. A slow or optional one is
	// OK.
	OK bool `json:"ok"`
	// State is "ok", "MISSING", or "absent" for a missing thing that was not requested.
	State  string `json:"state"`
	Detail string `json:"detail"`
	// Remedy is the command or action that helps. It may be empty.
	Remedy string `json:"remedy,omitempty"`
}

// coldCacheMiB is the space that a first run of one base needs: sources, objects and
// kernel, and a second kernel.
const coldCacheMiB = 8 << 10

func doctorCommand(env *environment, root func() *command.Command) *command.Command {
	var asJSON bool
	return &command.Command{
		Name:  "doctor",
		Short: "list installed and missing dependencies, and how to install them",
		Long:  "Exits with 1 if a dependency of the named commands is missing. The default command is vmtest. Changes nothing.",
		Args: []command.Arg{{Name: "COMMAND", Optional: true, Repeat: true,
			Help: "command of xpsgen, or group of dependencies: " + strings.Join(groupNames(), ", ") + ", all; default vmtest",
			Values: func() []string {
				return append(slices.Sorted(maps.Keys(needs(root()))), append(groupNames(), "all")...)
			}}},
		Flags: []command.Flag{{Name: "json", To: command.Bool(&asJSON), Help: "print JSON"}},
		Examples: []command.Example{
			{Line: "doctor"},
			{Line: "doctor series check", Note: "the dependencies of one command"},
			{Line: "doctor --json | jq '.[] | select(.ok | not)'", Note: "what is missing"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a dependency or disk space is missing, or the directory of the cache or of temporary files cannot be used"}},
		Valid: func(args []string) error {
			_, err := wanted(root(), args)
			return err
		},
		Run: func(ctx context.Context, args []string) error {
			cacheDir, err := env.cacheDirectory()
			if err != nil {
				return err
			}
			groups, err := wanted(root(), args)
			if err != nil {
				return err
			}
			found, err := examine(ctx, cacheDir, groups)
			if err != nil {
				return err
			}
			found = append(found, env.settings(cacheDir)...)
			setStates(found)
			if err := env.printFindings(found, asJSON); err != nil {
				return fmt.Errorf("print the findings: %w", err)
			}
			for _, f := range found {
				if !f.OK {
					return &statusError{code: exitFailed}
				}
			}
			return nil
		},
	}
}

// needs returns the groups of dependencies of each command, by name: "series check".
func needs(root *command.Command) map[string][]deps.Group {
	all := map[string][]deps.Group{}
	root.Walk(func(c *command.Command) {
		var groups []deps.Group
		for _, n := range c.Needs {
			groups = append(groups, deps.Group(n))
		}
		if len(groups) > 0 {
			all[strings.TrimPrefix(c.Path(), root.Name+" ")] = groups
		}
	})
	return all
}

// wanted returns the groups that args request.
func wanted(root *command.Command, args []string) ([]deps.Group, error) {
	if len(args) == 0 {
		return []deps.Group{deps.Test}, nil
	}
	if groups, ok := needs(root)[strings.Join(args, " ")]; ok {
		return groups, nil
	}
	var groups []deps.Group
	for _, a := range args {
		switch {
		case a == "all":
			return deps.Groups(), nil
		case slices.Contains(groupNames(), a):
			groups = append(groups, deps.Group(a))
		case needs(root)[a] != nil:
			groups = append(groups, needs(root)[a]...)
		default:
			return nil, command.Usagef("unknown command or group %q; want %s, all, or a command such as %q",
				strings.Join(args, " "), strings.Join(groupNames(), ", "), "series check")
		}
	}
	return groups, nil
}

// examine checks tools, KVM and disk. It also reports tools of other groups, but they
// are never MISSING.
func examine(ctx context.Context, cache string, groups []deps.Group) ([]finding, error) {
	status, err := deps.Check(ctx, deps.All(), cache)
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, s := range status {
		f := finding{Area: string(s.Group), Name: s.Name, OK: s.Found, State: "ok", Detail: s.Detail}
		if !s.Found {
			f.State, f.OK = "MISSING", false
			if !slices.Contains(groups, s.Group) {
				f.State, f.OK = "absent", true
			}
			f.Detail = fmt.Sprintf("%s (needed for %s)", s.Detail, s.Why)
			f.Remedy = s.Remedy()
		}
		found = append(found, f)
	}
	return append(found, examineKVM(cache), examinePlace(cache), examineTemp(), examineDisk(cache)), nil
}

// examinePlace checks the path of the cache.
func examinePlace(dir string) finding {
	f := finding{Area: "disk", Name: "cache", OK: true, Detail: "can be built in"}
	if err := cache.Check(dir); err != nil {
		f.OK, f.Detail, f.Remedy = false, err.Error(), "set XPSGEN_CACHE to another directory"
	}
	return f
}

// examineTemp checks the directory of temporary files.
func examineTemp() finding {
	f := finding{Area: "disk", Name: os.TempDir(), OK: true, Detail: "temporary files"}
	if err := cache.CheckTemp(); err != nil {
		f.OK, f.Detail, f.Remedy = false, err.Error(), "set TMPDIR to a directory that exists"
	}
	return f
}

// examineKVM reports the state of KVM. It is never MISSING, since TCG always works.
func examineKVM(cache string) finding {
	f := finding{Area: "vm", Name: "kvm", OK: true}
	device := cmp.Or(os.Getenv("XPSGEN_KVM_DEVICE"), vm.DefaultKVMDevice)
	switch err := vm.KVMStatus(filepath.Join(cache, "accel"), device); {
	case err == nil:
		f.Detail = "usable"
	case errors.Is(err, vm.ErrKVMUntested):
		f.Detail = device + " opens; the first boot finds out whether guests run"
	default:
		f.Detail = err.Error() + "; TCG is used"
		f.Remedy = "none needed; for speed, a host with (nested) virtualisation and access to /dev/kvm"
	}
	return f
}

func examineDisk(cache string) finding {
	f := finding{Area: "disk", Name: cache, OK: true}
	dir := cache
	for !exists(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		f.OK = false
		f.Detail = fmt.Sprintf("read the free space of %s: %v", dir, err)
		return f
	}
	free := fs.Bavail * uint64(fs.Bsize) >> 20
	f.Detail = fmt.Sprintf("%d MiB free", free)
	if free < coldCacheMiB && dir != cache {
		f.OK = false
		f.Detail += fmt.Sprintf(", %d needed by a first run", coldCacheMiB)
		f.Remedy = "free some, or set XPSGEN_CACHE to a directory on a larger disk"
	}
	return f
}

// setStates sets the states of the findings that have none.
func setStates(found []finding) {
	for i := range found {
		f := &found[i]
		switch {
		case f.State != "":
		case f.OK:
			f.State = "ok"
		default:
			f.State = "MISSING"
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// settings reports the cache directory and its origin, and the other XPSGEN_
// variables.
func (env *place) settings(cache string) []finding {
	origin := "default"
	switch {
	case env.cache != "" && os.Getenv("XPSGEN_CACHE") == env.cache:
		origin = "$XPSGEN_CACHE"
	case env.cache != "":
		origin = "--cache"
	case os.Getenv("XDG_CACHE_HOME") != "":
		origin = "$XDG_CACHE_HOME"
	}
	found := []finding{{Area: "setting", Name: "cache", OK: true, Detail: fmt.Sprintf("%s (%s)", cache, origin)}}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "XPSGEN_") && name != "XPSGEN_CACHE" {
			found = append(found, finding{Area: "setting", Name: name, OK: true, Detail: value})
		}
	}
	return found
}

func (env *console) printFindings(found []finding, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(found)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.State, f.Area, f.Name, f.Detail)
		if f.Remedy != "" {
			fmt.Fprintf(w, "\t\t\t-> %s\n", f.Remedy)
		}
	}
	return w.Flush()
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/vm"
)

// finding is one line of the doctor's.
type finding struct {
	// Area is what it is about: "tool", "kvm", "cache".
	Area string `json:"area"`
	Name string `json:"name"`
	// OK is false for what keeps the workbench from working. Slow or
	// optional things are OK with a remark.
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	// Remedy is what to type or do; empty if nothing.
	Remedy string `json:"remedy,omitempty"`
}

// coldCacheMiB is what a first run of one base leaves in the cache: sources,
// objects and kernel, with room for a second kernel.
const coldCacheMiB = 8 << 10

func doctorCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "say what this machine has and lacks, with remedies",
		Description: "Exit 1 if something is missing that make vmtest needs. Changes nothing.\n\n" +
			"Examples:\n" +
			"  xpsgen doctor\n" +
			"  xpsgen doctor --json | jq '.[] | select(.ok | not)'",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as JSON"}},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			cache, err := cacheDir(c)
			if err != nil {
				return err
			}
			found, err := examine(c.Context, cache)
			if err != nil {
				return err
			}
			found = append(found, settings(c, cache)...)
			if err := env.printFindings(found, c.Bool("json")); err != nil {
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

func examine(ctx context.Context, cache string) ([]finding, error) {
	status, err := deps.Check(ctx, deps.All())
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, s := range status {
		f := finding{Area: "tool", Name: s.Name, OK: s.Found, Detail: s.Detail}
		if !s.Found {
			f.OK = s.Group != deps.Test
			f.Detail = fmt.Sprintf("%s (needed for %s)", s.Detail, s.Why)
			f.Remedy = "make deps, or apt-get install " + s.Package
		}
		found = append(found, f)
	}
	return append(found, examineKVM(cache), examinePlace(cache), examineTemp(), examineDisk(cache)), nil
}

// examinePlace looks at the path of the cache.
func examinePlace(dir string) finding {
	f := finding{Area: "disk", Name: "cache", OK: true, Detail: "can be built in"}
	if err := cache.Check(dir); err != nil {
		f.OK, f.Detail, f.Remedy = false, err.Error(), "set XPSGEN_CACHE to another directory"
	}
	return f
}

// examineTemp looks at the directory of temporary files.
func examineTemp() finding {
	f := finding{Area: "disk", Name: os.TempDir(), OK: true, Detail: "temporary files"}
	if err := cache.CheckTemp(); err != nil {
		f.OK, f.Detail, f.Remedy = false, err.Error(), "set TMPDIR to a directory that exists"
	}
	return f
}

// examineKVM never makes the machine unfit: TCG always works, slower.
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
		f.Detail = fmt.Sprintf("look at %s: %v", dir, err)
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

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// settings shows each value that can come from more than one place.
func settings(c *cli.Context, cache string) []finding {
	origin := "default"
	switch {
	case c.IsSet("cache") && os.Getenv("XPSGEN_CACHE") == c.String("cache"):
		origin = "$XPSGEN_CACHE"
	case c.IsSet("cache"):
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

func (env *environment) printFindings(found []finding, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(found)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	for _, f := range found {
		mark := "ok"
		if !f.OK {
			mark = "MISSING"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", mark, f.Area, f.Name, f.Detail)
		if f.Remedy != "" {
			fmt.Fprintf(w, "\t\t\t-> %s\n", f.Remedy)
		}
	}
	return w.Flush()
}

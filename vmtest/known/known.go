// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package known separates the reports of kernel checkers (lockdep, KCSAN) about a base
// from reports about the series on top of it. Its files list the reports of runs on the
// bases without the series, one file for each base and configuration.
package known

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/vm"
)

//go:embed reports
var files embed.FS

// Dir is the directory of the files in the workbench at root.
func Dir(root string) string { return filepath.Join(root, "vmtest", "known", "reports") }

// Reports are the reports of the checkers about one base in one configuration.
type Reports struct {
	// Kernel is the version of the base. The reports do not apply to another
	// version.
	Kernel string `json:"kernel"`
	// Runs is the number of runs without the series that the reports come from. Some
	// checkers do not report the same in each run.
	Runs int `json:"runs"`
	// Reports are in the order of their titles.
	Reports []Report `json:"reports"`
}

// Report is one report.
type Report struct {
	// Pattern is the kind of the report, as in [vm.Splat].
	Pattern string `json:"pattern"`
	// Functions identify it: the two of a data race, otherwise the top of the stack.
	Functions []string `json:"functions"`
}

// name is the file of a base and a configuration, whose fragments are sorted.
func name(base string, fragments []string) string {
	return strings.Join(append([]string{base}, slices.Sorted(slices.Values(fragments))...), "-") + ".json"
}

// Load returns the reports of a base in the configuration of fragments. It returns none
// if no run is stored, or if the runs had another version of the base.
func Load(base, kernel string, fragments []string) (*Reports, error) {
	return load(files, base, kernel, fragments)
}

func load(files fs.FS, base, kernel string, fragments []string) (*Reports, error) {
	data, err := fs.ReadFile(files, "reports/"+name(base, fragments))
	if errors.Is(err, fs.ErrNotExist) {
		return &Reports{Kernel: kernel}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the known reports: %w", err)
	}
	r, err := parse(data)
	if err != nil || r.Kernel != kernel {
		return &Reports{Kernel: kernel}, err
	}
	return r, nil
}

func parse(data []byte) (*Reports, error) {
	var r Reports
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read the known reports: %w", err)
	}
	return &r, nil
}

// Add stores the splats of a run without the series in dir. They are added to the
// splats of earlier runs on the same version of the base. It returns all splats, and how
// many are new. A splat without a stack is not stored, since it identifies nothing.
func Add(dir, base, kernel string, fragments []string, splats []vm.Splat) (r *Reports, added int, err error) {
	path := filepath.Join(dir, name(base, fragments))
	r = &Reports{Kernel: kernel}
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		old, err := parse(data)
		if err != nil {
			return nil, 0, err
		}
		if old.Kernel == kernel {
			r = old
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, 0, fmt.Errorf("read the known reports: %w", err)
	}
	r.Runs++
	for i := range splats {
		if seen := identify(&splats[i]); len(seen.Functions) > 0 && !r.Has(&splats[i]) {
			r.Reports = append(r.Reports, seen)
			added++
		}
	}
	slices.SortFunc(r.Reports, func(a, b Report) int { return strings.Compare(a.text(), b.text()) })
	data, err = json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, 0, fmt.Errorf("store the known reports: %w", err)
	}
	if err := cache.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return nil, 0, fmt.Errorf("store the known reports: %w", err)
	}
	return r, added, nil
}

func (r Report) text() string { return r.Pattern + strings.Join(r.Functions, " ") }

// Has reports whether a run without the series had the same report.
func (r *Reports) Has(s *vm.Splat) bool {
	seen := identify(s)
	return len(seen.Functions) > 0 && slices.ContainsFunc(r.Reports, func(known Report) bool {
		return known.Pattern == seen.Pattern && slices.Equal(known.Functions, seen.Functions)
	})
}

// race matches the title of a report of KCSAN. It names one function if the other access
// is unknown, or in the same function.
var race = lazyregexp.New(`BUG: KCSAN: (?:data-race|assert: race) in ([\w.]+)(?: / ([\w.]+))?`)

// identify returns the part of a report that is the same in each run. The two
// functions of a race have no order.
func identify(s *vm.Splat) Report {
	r := Report{Pattern: s.Pattern, Functions: s.Frames}
	for _, l := range s.Lines {
		m := race.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		r.Functions = nil
		for _, f := range m[1:] {
			if f, _, _ = strings.Cut(f, "."); f != "" {
				r.Functions = append(r.Functions, f)
			}
		}
		slices.Sort(r.Functions)
		break
	}
	return r
}

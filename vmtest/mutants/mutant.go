// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package mutants puts known defects back into the series, one at a time, and checks that
// the suite notices each of them. The defects are the patches in the folders kernel and
// iproute2 of this package.
package mutants

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/tree/manifest"
)

// Mutant is one patch that puts a defect back. The suite must notice it.
type Mutant struct {
	// Name is the file name without number and ".patch".
	Name string
	// Title is the subject of the patch.
	Title string
	// Folder is the subfolder of vmtest/mutants that has the patch. Part is the part
	// of the guest whose tree it applies to.
	Folder string
	Part   manifest.Guest
	// Path is the patch file. A file of the same name in a subfolder named after the
	// base replaces it on that base.
	Path string
	// MustFail are the tests that must fail, in the form of --run. [MustFailBuild] is
	// the build without CONFIG_XPS.
	MustFail []string
	// MustComplain are the tests during which a checker of the kernel must report a
	// function of the series, in the form of --run.
	MustComplain []string
	// Config is the fragment whose checkers notice the mutant. Empty means any.
	Config string
}

// ErrUnknown is wrapped by the error for an unknown mutant.
var ErrUnknown = errors.New("no mutant")

// MustFailBuild in [Mutant.MustFail] names the build check instead of a test.
const MustFailBuild = "build/without-xps"

// Prefixes of lines in the patch message. After the first two, a line has the name of a
// test. After the third, it has the name of the Kconfig fragment.
const (
	mustFailHeader     = "Must-fail:"
	mustComplainHeader = "Must-complain:"
	configHeader       = "Config:"
)

// mutantDirs maps the folders of vmtest/mutants to parts of the guest.
var mutantDirs = []struct {
	dir  string
	part manifest.Guest
}{
	{"kernel", manifest.GuestKernel},
	{"iproute2", manifest.GuestIP},
}

// Load reads dir and returns the named mutants for a kernel base of the change in root.
// It returns all if names is empty. A patch directly in a folder of dir is for every
// base. A patch in a subfolder named after a base is for that base, and replaces a
// general one of the same name. Load skips the folder of a part of the guest that no
// project builds.
//
// A patch without a Must-fail or Must-complain line is an error: it proves nothing if it
// survives.
func Load(root, dir, base string, names []string) ([]Mutant, error) {
	c, err := manifest.LoadChange(root)
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, d := range mutantDirs {
		p := c.Guest(d.part)
		if p == nil {
			continue
		}
		bases := []string{base}
		if d.part != manifest.GuestKernel {
			bases = nil
			for _, b := range p.BasesFor(base) {
				bases = append(bases, b.Name)
			}
		}
		files := map[string]string{}
		for _, sub := range append([]string{"."}, bases...) {
			paths, err := filepath.Glob(filepath.Join(dir, d.dir, sub, "*.patch"))
			if err != nil {
				return nil, fmt.Errorf("read mutants: %w", err)
			}
			for _, path := range paths {
				// Report a general mutant under the first base, the one
				// used most.
				if old := files[filepath.Base(path)]; old == "" || filepath.Dir(old) == filepath.Join(dir, d.dir) {
					files[filepath.Base(path)] = path
				}
			}
		}
		for _, file := range slices.Sorted(maps.Keys(files)) {
			m, err := readMutant(files[file], d.dir, d.part)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	if len(names) == 0 {
		if len(all) == 0 {
			return nil, fmt.Errorf("read mutants: %s: no patches for %s", dir, base)
		}
		return all, nil
	}
	var picked []Mutant
	for _, name := range names {
		i := slices.IndexFunc(all, func(m Mutant) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w %q for %s (xpsgen mutants --list names them)", ErrUnknown, name, base)
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

// For returns the mutants that a kernel with these fragments notices, and how many it
// leaves out because they need another.
func For(all []Mutant, fragments []string) (some []Mutant, others int) {
	for _, m := range all {
		if m.Config == "" || slices.Contains(fragments, m.Config) {
			some = append(some, m)
		}
	}
	return some, len(all) - len(some)
}

// Sample returns n random elements of all, in their order; the seed determines which.
// Each folder is represented if n allows. Sample returns all if n is 0 or not smaller
// than their number.
func Sample(all []Mutant, n int, seed int64) []Mutant {
	if n == 0 || n >= len(all) {
		return all
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	var picked []int
	taken := map[string]bool{}
	for _, i := range rng.Perm(len(all)) {
		// Take the first of each folder, then the others in random order.
		if p := all[i].Folder; !taken[p] {
			taken[p] = true
			picked = append([]int{i}, picked...)
			continue
		}
		picked = append(picked, i)
	}
	picked = picked[:n]
	slices.Sort(picked)
	some := make([]Mutant, 0, n)
	for _, i := range picked {
		some = append(some, all[i])
	}
	return some
}

func readMutant(path, folder string, part manifest.Guest) (Mutant, error) {
	m := Mutant{
		Name:   strings.TrimSuffix(filepath.Base(path), ".patch"),
		Folder: folder,
		Part:   part,
		Path:   path,
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return m, fmt.Errorf("read mutant: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "---" || strings.HasPrefix(line, "diff --git ") {
			break
		}
		if subject, ok := strings.CutPrefix(line, "Subject: "); ok {
			_, after, tagged := strings.Cut(subject, "] ")
			if tagged && strings.HasPrefix(subject, "[") {
				subject = after
			}
			m.Title = subject
		}
		if what, ok := strings.CutPrefix(line, mustFailHeader); ok {
			m.MustFail = append(m.MustFail, strings.TrimSpace(what))
		}
		if what, ok := strings.CutPrefix(line, mustComplainHeader); ok {
			m.MustComplain = append(m.MustComplain, strings.TrimSpace(what))
		}
		if what, ok := strings.CutPrefix(line, configHeader); ok {
			m.Config = strings.TrimSpace(what)
		}
	}
	if err := lines.Err(); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case len(m.MustFail)+len(m.MustComplain) == 0:
		return m, fmt.Errorf("%s: no %q line with the tests that fail, and no %q line", path, mustFailHeader, mustComplainHeader)
	case len(m.MustComplain) > 0 && m.Config == "":
		return m, fmt.Errorf("%s: no %q line, which must name the fragment with the checker", path, configHeader)
	}
	return m, nil
}

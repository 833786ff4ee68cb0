// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/lazyregexp"
)

var (
	// makeError matches an error of make in a Makefile.
	makeError = lazyregexp.New(`(?m)^(?:make(?:\[\d+\])?: )?([^\s:]+):\d+: \*\*\* (.*?)\.?(?:  Stop\.)?$`)
	// kconfigError matches an error of kconfig.
	kconfigError = lazyregexp.New(`(?m)^([^\s:]*Kconfig[^\s:]*):\d+: ?((?:syntax error|unknown |invalid |can't |unexpected |unterminated |endless |error: ).*)$`)
	// linkError matches an error of the linker.
	linkError = lazyregexp.New(`(?m)^.*?ld(?:\.\w+)?: ?((?:\S+: )?(?:undefined reference to|syntax error in|cannot |multiple definition of).*)$|^.*: (undefined reference to .*|multiple definition of .*)$`)
)

// readMake adds the errors and warnings of make, kconfig and the linker.
func (d *diagnostics) readMake(log string) {
	for _, pattern := range []*lazyregexp.Regexp{makeError, kconfigError} {
		for _, m := range pattern.FindAllStringSubmatch(log, -1) {
			if line := m[0]; !d.seen[line] {
				d.seen[line] = true
				d.failed(d.name(m[1]) + ": " + m[2])
			}
		}
	}
	for _, m := range linkError.FindAllStringSubmatch(log, -1) {
		if !d.seen[m[0]] {
			d.seen[m[0]] = true
			d.failed(strings.ReplaceAll(m[1]+m[2], d.src+"/", ""))
		}
	}
}

// readFailed does the same for a make that failed. It adds the first line that says
// why if nothing else was found.
func (d *diagnostics) readFailed(log string) {
	d.readMake(log)
	if d.errors.total() > 0 {
		return
	}
	why := build.Why([]byte(log))
	if why == "" {
		lines := strings.Split(strings.TrimSpace(log), "\n")
		why = lines[len(lines)-1]
	}
	d.failed(strings.ReplaceAll(why, d.src+"/", ""))
}

// whyFailed returns the first line in a log that says why a build failed.
func whyFailed(log string) string {
	data, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return build.Why(data)
}

// readFiles returns the elements of files that the compiler read, by the dependency
// files below dir. The names in files are relative to the tree src. make ran in its
// subdirectory work.
func readFiles(dir, src, work string, files []string) (read []string, err error) {
	left := map[string]bool{}
	for _, f := range files {
		left[f] = true
	}
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !hasSuffix(".cmd", ".d", ".dep")(name) || len(left) == 0 {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for f := range readOf(string(data), src, work) {
			if left[f] {
				delete(left, f)
				read = append(read, f)
			}
		}
		return nil
	})
	slices.Sort(read)
	return read, err
}

// readOf yields the files of the tree src that a dependency file names, relative to src.
func readOf(text, src, work string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.FieldsSeq(text) {
			word = strings.TrimSuffix(word, ":")
			if word == "" || strings.ContainsAny(word, "\\$()=") {
				continue
			}
			if !filepath.IsAbs(word) {
				word = filepath.Join(src, work, word)
			}
			if rel, err := filepath.Rel(src, word); err == nil && !strings.HasPrefix(rel, "..") && !yield(rel) {
				return
			}
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// trustedDirs are where every dynamic loader looks by itself. Debian's adds
// the two of its multiarch triplet, which ld.so.conf names as well.
var trustedDirs = [...]string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// maxConfDepth bounds how deep ld.so.conf may include.
const maxConfDepth = 8

// confDirs returns the directories that the loader configuration at conf
// lists, in order, below root. A missing file lists none.
func confDirs(root, conf string) ([]string, error) {
	return readConf(root, conf, 0)
}

func readConf(root, conf string, depth int) ([]string, error) {
	if depth > maxConfDepth {
		return nil, errors.New(conf + ": includes nest too deep")
	}
	text, err := os.ReadFile(filepath.Join(root, conf))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "hwcap":
		case fields[0] == "include":
			for _, pattern := range fields[1:] {
				more, err := include(root, conf, pattern, depth)
				if err != nil {
					return nil, err
				}
				dirs = append(dirs, more...)
			}
		default:
			// "dir=libc5" is an old form. Colons also separate
			// directories.
			for _, d := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(": \t\n,", r) }) {
				d, _, _ = strings.Cut(d, "=")
				if filepath.IsAbs(d) {
					dirs = append(dirs, filepath.Clean(d))
				}
			}
		}
	}
	return dirs, nil
}

func include(root, conf, pattern string, depth int) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(conf), pattern)
	}
	// Glob fails only for a malformed pattern. The loader ignores those.
	names, _ := filepath.Glob(filepath.Join(root, pattern))
	var dirs []string
	for _, name := range names {
		more, err := readConf(root, strings.TrimPrefix(name, root), depth+1)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, more...)
	}
	return dirs, nil
}

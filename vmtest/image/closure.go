// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// MissingLibraryError: a shared library is in none of the searched directories.
type MissingLibraryError struct {
	// Program is the file that needs it.
	Program string
	// Library is the name of the library.
	Library string
	// Searched lists the searched directories, in order.
	Searched []string
}

func (e *MissingLibraryError) Error() string {
	return fmt.Sprintf("%s needs %s, which is in none of %s",
		e.Program, e.Library, strings.Join(e.Searched, " "))
}

// closure collects the files that programs need to run.
type closure struct {
	// root is put before every path, for tests; "" otherwise.
	root string
	// extra are searched first, as LD_LIBRARY_PATH is.
	extra []string
	conf  []string
	// files maps paths in the guest to paths on the host.
	files map[string]string
	// seen holds the paths of the objects that were already followed.
	seen map[string]bool
	// beyond holds, by soname, libraries in directories that the loader knows
	// only from ldconfig's cache.
	beyond map[string]string
	// interp is the name of the loader, which is also its soname.
	interp string
	// libc is the directory of the C library, which its loader always searches.
	libc string
}

// Closure returns the files that the given programs need to run: the programs,
// the interpreters of scripts, ELF interpreters, and shared libraries with all
// of their dependencies. The list is sorted. The paths are the same on the host
// and in the guest. Libraries that are only loaded by dlopen, such as name
// service modules, are not found.
//
// Returns an error wrapping [*MissingLibraryError] if a library is missing.
func Closure(programs ...string) ([]string, error) {
	c, err := newClosure("", nil)
	if err != nil {
		return nil, err
	}
	for _, p := range programs {
		if err := c.add(p); err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(c.files))
	for name := range c.files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

func newClosure(root string, extra []string) (*closure, error) {
	conf, err := confDirs(root, "/etc/ld.so.conf")
	if err != nil {
		return nil, fmt.Errorf("loader configuration: %w", err)
	}
	return &closure{
		root: root, extra: extra, conf: conf,
		files: make(map[string]string), seen: make(map[string]bool), beyond: make(map[string]string),
	}, nil
}

// add takes the program at name, a host path, and all it needs.
func (c *closure) add(name string) error {
	return c.program(name, 0)
}

func (c *closure) program(name string, depth int) error {
	if c.seen[name] {
		return nil
	}
	o, err := readObject(c.root + name)
	if errors.Is(err, errNotELF) {
		return c.script(name, depth)
	}
	if err != nil {
		return fmt.Errorf("libraries: %w", err)
	}
	c.seen[name] = true
	c.files[name] = c.root + name
	if o.interp != "" {
		if _, err := os.Stat(c.root + o.interp); err != nil {
			return fmt.Errorf("libraries: %s: interpreter: %w", name, err)
		}
		c.files[o.interp] = c.root + o.interp
		c.seen[o.interp] = true
		c.interp = path.Base(o.interp)
	}
	return c.follow(name, o, nil)
}

// script adds a file that is not an ELF file, and the interpreter of its #! line, if any.
func (c *closure) script(name string, depth int) error {
	words, err := scriptInterpreter(c.root + name)
	if err != nil {
		return fmt.Errorf("libraries: %w", err)
	}
	c.seen[name] = true
	c.files[name] = c.root + name
	if len(words) == 0 {
		return nil
	}
	if depth > 4 {
		return fmt.Errorf("libraries: %s: scripts that interpret scripts nest too deep", name)
	}
	if err := c.program(words[0], depth+1); err != nil {
		return err
	}
	if path.Base(words[0]) != "env" || len(words) < 2 {
		return nil
	}
	// The kernel passes one argument: the name that env looks up in PATH.
	for _, dir := range []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"} {
		p := path.Join(dir, words[1])
		if _, err := os.Stat(c.root + p); err == nil {
			return c.program(p, depth+1)
		}
	}
	return fmt.Errorf("libraries: %s: interpreter %q: %w", name, words[1], fs.ErrNotExist)
}

// follow adds the libraries that o, known as name, needs. inherited is the
// DT_RPATH of the objects that led here.
func (c *closure) follow(name string, o *object, inherited []string) error {
	own := expandOrigin(o.runpath, path.Dir(resolved(c.root, name)))
	passOn := inherited
	if o.inherit {
		passOn = append(append([]string(nil), own...), inherited...)
	}
	for _, lib := range o.needed {
		if lib == c.interp {
			continue
		}
		p, lo, err := c.find(name, lib, o, own, inherited)
		if err != nil {
			return err
		}
		if c.seen[p] {
			continue
		}
		c.seen[p] = true
		c.files[p] = c.root + p
		if strings.HasPrefix(lib, "libc.so.") {
			c.libc = path.Dir(p)
		}
		if err := c.follow(p, lo, passOn); err != nil {
			return err
		}
	}
	return nil
}

// find searches as ld.so(8) does. It also skips files of another class or machine.
func (c *closure) find(name, lib string, o *object, own, inherited []string) (string, *object, error) {
	if strings.Contains(lib, "/") {
		lo, err := readObject(c.root + lib)
		if err != nil {
			return "", nil, fmt.Errorf("libraries: %s: %w", name, err)
		}
		return lib, lo, nil
	}
	var first []string
	if o.inherit {
		first = append(append(append(first, own...), inherited...), c.extra...)
	} else {
		first = append(append(append(first, inherited...), c.extra...), own...)
	}
	searched := first
	for _, dir := range first {
		if p, lo := c.candidate(dir, lib, o); lo != nil {
			return p, lo, nil
		}
	}
	for _, dir := range c.conf {
		searched = append(searched, dir)
		if p, lo := c.candidate(dir, lib, o); lo != nil {
			c.beyond[lib] = p
			return p, lo, nil
		}
	}
	for _, dir := range trustedDirs {
		searched = append(searched, dir)
		if p, lo := c.candidate(dir, lib, o); lo != nil {
			return p, lo, nil
		}
	}
	return "", nil, fmt.Errorf("libraries: %w", &MissingLibraryError{Program: name, Library: lib, Searched: searched})
}

func (c *closure) candidate(dir, lib string, o *object) (string, *object) {
	p := path.Join(dir, lib)
	lo, err := readObject(c.root + p)
	if err != nil || lo.class != o.class || lo.machine != o.machine {
		return "", nil
	}
	return p, lo
}

// expandOrigin expands $ORIGIN and the like in a run path, as ld.so does.
func expandOrigin(paths []string, origin string) []string {
	var out []string
	for _, p := range paths {
		for _, o := range []string{"$ORIGIN", "${ORIGIN}"} {
			p = strings.ReplaceAll(p, o, origin)
		}
		for _, l := range []string{"$LIB", "${LIB}"} {
			p = strings.ReplaceAll(p, l, "lib64")
		}
		if path.IsAbs(p) {
			out = append(out, path.Clean(p))
		}
	}
	return out
}

// resolved returns name without symbolic links, as ld.so uses it for $ORIGIN.
// It returns name itself if that fails.
func resolved(root, name string) string {
	real, err := filepath.EvalSymlinks(root + name)
	if err != nil {
		return name
	}
	realRoot, err := filepath.EvalSymlinks(root + "/")
	if err != nil || realRoot == "/" {
		return real
	}
	if p, ok := strings.CutPrefix(real, realRoot); ok {
		return p
	}
	return name
}

// links returns the symbolic links that lead the guest's loader, which has no
// ldconfig cache, to libraries outside the directories it knows.
func (c *closure) links() map[string]string {
	out := make(map[string]string)
	for lib, p := range c.beyond {
		if c.libc == "" || sameGuestDir(path.Dir(p), c.libc) {
			continue
		}
		link := path.Join(c.libc, lib)
		if _, taken := c.files[link]; !taken {
			out[link] = p
		}
	}
	return out
}

func sameGuestDir(a, b string) bool { return guestPath(a) == guestPath(b) }

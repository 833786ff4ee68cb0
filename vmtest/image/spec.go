// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package image makes the guest's root file system, a cpio archive for the kernel's
// initramfs. It has a static /init, programs with their libraries, and files of the
// caller.
//
// The parts that are the same for many runs are in a base image, built once and cached by
// the hash of its contents ([Cached]). The parts that differ from run to run are in a small
// second archive after it ([ConfigArchive]); the kernel unpacks both.
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

// Spec lists the content of an image. Guest paths are absolute; /bin, /sbin,
// /lib and /lib64 are links into /usr there, as on a merged host.
type Spec struct {
	// Init is the host path of the static program that becomes /init.
	Init string
	// Programs are taken along with their interpreters and libraries.
	Programs []Program
	// Files are copied unchanged.
	Files []File
	// Dirs are directories to create.
	Dirs []string
	// LibraryPath is searched for libraries first, as LD_LIBRARY_PATH is.
	LibraryPath []string
}

// Program is a host program to have in the guest.
type Program struct {
	// Host is its path on the host.
	Host string
	// Guest is its path in the guest; empty means the same.
	Guest string
}

// File is a file, directory or link to have in the guest.
type File struct {
	// Guest is its path in the guest.
	Guest string
	// Host is the file or directory to take; a directory is taken with all
	// that is in it. Links below it stay links.
	Host string
	// Data is the contents if Host is empty.
	Data []byte
	// Target makes it a symbolic link, if set.
	Target string
	// Mode is the permission bits. 0 means the bits of Host, or 0644 if Host is empty.
	Mode uint32
}

// kind is the type of a node of the image.
type kind byte

const (
	dirNode kind = iota
	fileNode
	linkNode
	charNode
)

// node is one entry of the image, resolved.
type node struct {
	kind         kind
	mode         uint32
	weak         bool   // another node of this name replaces it
	host         string // of a fileNode, if data is nil
	data         []byte
	target       string
	major, minor uint32
}

// skeleton is the part that every image has.
var skeleton = map[string]node{
	"/bin":          {kind: linkNode, target: "usr/bin"},
	"/sbin":         {kind: linkNode, target: "usr/sbin"},
	"/lib":          {kind: linkNode, target: "usr/lib"},
	"/lib64":        {kind: linkNode, target: "usr/lib64"},
	"/usr/bin":      {mode: 0o755},
	"/usr/sbin":     {mode: 0o755},
	"/usr/lib":      {mode: 0o755},
	"/usr/lib64":    {mode: 0o755},
	"/dev":          {mode: 0o755},
	"/dev/console":  {kind: charNode, mode: 0o600, major: 5, minor: 1},
	"/dev/null":     {kind: charNode, mode: 0o666, major: 1, minor: 3},
	"/proc":         {mode: 0o555},
	"/sys":          {mode: 0o555},
	"/run":          {mode: 0o755},
	"/var/run":      {kind: linkNode, target: "/run"},
	"/tmp":          {mode: 0o1777},
	"/root":         {mode: 0o700},
	"/var/tmp":      {mode: 0o1777},
	"/xpsgen":       {mode: 0o755},
	"/etc/passwd":   {kind: fileNode, weak: true, mode: 0o644, data: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")},
	"/etc/group":    {kind: fileNode, weak: true, mode: 0o644, data: []byte("root:x:0:\nnogroup:x:65534:\n")},
	"/etc/hosts":    {kind: fileNode, weak: true, mode: 0o644, data: []byte("127.0.0.1 localhost\n::1 localhost\n")},
	"/etc/mtab":     {kind: linkNode, target: "/proc/self/mounts"},
	"/etc/hostname": {kind: fileNode, weak: true, mode: 0o644, data: []byte("xps\n")},
}

// merged are the top-level directories that are links into /usr.
var merged = [...]string{"/bin", "/sbin", "/lib", "/lib64"}

// guestPath puts an absolute path where the image has it.
func guestPath(p string) string {
	p = path.Clean("/" + p)
	for _, m := range merged {
		if strings.HasPrefix(p, m+"/") {
			return "/usr" + p
		}
	}
	return p
}

// tree is an image being put together.
type tree map[string]node

// put adds n. It returns an error if another file already has the name. The
// same file twice is not a conflict.
func (t tree) put(name string, n node) error {
	name = guestPath(name)
	if name == "/" {
		return errors.New("image: the root directory cannot be replaced")
	}
	if old, ok := t[name]; ok && !old.weak && !same(old, n) {
		if old.kind == dirNode && n.kind == dirNode {
			t[name] = n
			return nil
		}
		return fmt.Errorf("image: %s: two different files have this name in the image (%s and %s)", name, old.origin(), n.origin())
	}
	t[name] = n
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		switch up, ok := t[dir]; {
		case !ok:
			t[dir] = node{mode: 0o755}
		case up.kind != dirNode:
			return fmt.Errorf("image: %s: %s is not a directory", name, dir)
		}
	}
	return nil
}

func same(a, b node) bool {
	return a.kind == b.kind && a.target == b.target && string(a.data) == string(b.data) &&
		a.major == b.major && a.minor == b.minor && (a.host == b.host || sameFile(a.host, b.host))
}

func sameFile(a, b string) bool {
	fa, err := os.Stat(a)
	if err != nil {
		return false
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}

func (n node) origin() string {
	switch {
	case n.host != "":
		return n.host
	case n.kind == linkNode:
		return "a link to " + n.target
	case n.kind == dirNode:
		return "a directory"
	}
	return "a generated file"
}

// resolve turns a Spec into nodes.
func (s *Spec) resolve() (tree, error) {
	t := make(tree, len(skeleton))
	for name, n := range skeleton {
		if err := t.put(name, n); err != nil {
			return nil, err
		}
	}
	if s.Init != "" {
		if err := t.file(File{Guest: "/init", Host: s.Init, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	for _, d := range s.Dirs {
		if old, ok := t[guestPath(d)]; ok && (old.kind == dirNode || old.kind == linkNode) {
			continue
		}
		if err := t.put(d, node{mode: 0o755}); err != nil {
			return nil, err
		}
	}
	if err := s.programs(t); err != nil {
		return nil, err
	}
	for _, f := range s.Files {
		if err := t.add(f); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (s *Spec) programs(t tree) error {
	c, err := newClosure("", s.LibraryPath)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	for _, p := range s.Programs {
		host, err := filepath.Abs(p.Host)
		if err != nil {
			return fmt.Errorf("image: %w", err)
		}
		if err := c.add(host); err != nil {
			return fmt.Errorf("image: %w", err)
		}
		if p.Guest != "" && p.Guest != host {
			delete(c.files, host)
		}
		guest := p.Guest
		if guest == "" {
			guest = host
		}
		if err := t.file(File{Guest: guest, Host: host}); err != nil {
			return err
		}
	}
	for guest, host := range c.files {
		if err := t.file(File{Guest: guest, Host: host}); err != nil {
			return err
		}
	}
	for link, target := range c.links() {
		if err := t.put(link, node{kind: linkNode, target: guestPath(target)}); err != nil {
			return err
		}
	}
	return nil
}

// add takes a File of any kind.
func (t tree) add(f File) error {
	switch {
	case f.Target != "":
		return t.put(f.Guest, node{kind: linkNode, target: f.Target})
	case f.Host == "":
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		return t.put(f.Guest, node{kind: fileNode, mode: mode, data: f.Data})
	}
	info, err := os.Stat(f.Host)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if !info.IsDir() {
		return t.file(f)
	}
	return t.walk(f)
}

// walk takes a directory with all that is in it.
func (t tree) walk(f File) error {
	return filepath.WalkDir(f.Host, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("image: %w", err)
		}
		rel, err := filepath.Rel(f.Host, p)
		if err != nil {
			return fmt.Errorf("image: %w", err)
		}
		guest := path.Join(f.Guest, filepath.ToSlash(rel))
		switch {
		case d.IsDir() && guestPath(guest) == "/":
			return nil
		case d.IsDir():
			info, err := d.Info()
			if err != nil {
				return fmt.Errorf("image: %w", err)
			}
			if old, ok := t[guestPath(guest)]; ok && (old.kind == dirNode || old.kind == linkNode) {
				return nil
			}
			return t.put(guest, node{mode: uint32(info.Mode().Perm())})
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return fmt.Errorf("image: %w", err)
			}
			return t.put(guest, node{kind: linkNode, target: target})
		case d.Type().IsRegular():
			return t.file(File{Guest: guest, Host: p})
		}
		// Sockets, pipes and devices have no meaning in another machine.
		return nil
	})
}

// file takes one regular file of the host, following links.
func (t tree) file(f File) error {
	info, err := os.Stat(f.Host)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("image: %s: not a regular file", f.Host)
	}
	mode := f.Mode
	if mode == 0 {
		mode = uint32(info.Mode().Perm())
	}
	return t.put(f.Guest, node{kind: fileNode, mode: mode, host: f.Host})
}

// names returns the paths in order: a directory comes before its content.
func (t tree) names() []string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// command is what kbuild recorded in a .cmd file about a target.
type command struct {
	// saved is the command line, as the shell reads it.
	saved string
	// text is the file: the command, and the files that the target depends on.
	text []byte
}

// commands are the commands that built an object directory.
type commands struct {
	src string
	// commands maps a target, relative to the object directory, to its command.
	commands map[string]*command
	// config has the symbols of the configuration that are "y".
	config map[string]bool
}

// readCommands reads the .cmd files of an object directory and its configuration. src is
// the source directory.
func readCommands(dir, src string) (*commands, error) {
	c := &commands{src: src, commands: map[string]*command{}, config: map[string]bool{}}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base, ok := strings.CutSuffix(d.Name(), ".cmd")
		if !ok || !strings.HasPrefix(base, ".") {
			return nil
		}
		rel, err := filepath.Rel(dir, filepath.Join(filepath.Dir(name), base[1:]))
		if err != nil {
			return err
		}
		c.commands[rel], err = readCommand(dir, rel)
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, ".config"))
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), "=y"); ok {
			c.config[name] = true
		}
	}
	return c, err
}

func readCommand(dir, target string) (*command, error) {
	data, err := os.ReadFile(filepath.Join(dir, filepath.Dir(target), "."+filepath.Base(target)+".cmd"))
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	_, saved, _ := strings.Cut(string(line), " := ")
	return &command{saved: strings.NewReplacer("$(pound)", "#", "$$", "$").Replace(saved), text: data}, nil
}

// dependOn returns the targets whose commands or dependencies name a file of the source, or
// a file that may be it.
func (c *commands) dependOn(name string) []string {
	var found []string
	base := []byte(path.Base(name))
	for target, cmd := range c.commands {
		for rest := cmd.text; ; {
			i := bytes.Index(rest, base)
			if i < 0 {
				break
			}
			start := bytes.LastIndexAny(rest[:i], " \t\n\"'()=:;|<>,") + 1
			end := i + len(base)
			if end == len(rest) || bytes.IndexByte([]byte(" \t\n\"'();|<>,:"), rest[end]) >= 0 {
				if c.mayBe(string(rest[start:end]), target, name) {
					found = append(found, target)
					break
				}
			}
			rest = rest[end:]
		}
	}
	slices.Sort(found)
	return found
}

// mayBe reports whether a word in the command for target may name the file name of the
// source.
func (c *commands) mayBe(word, target, name string) bool {
	if rel, ok := strings.CutPrefix(path.Clean(word), c.src+"/"); ok {
		return rel == name
	}
	if path.IsAbs(word) {
		return false
	}
	if word != path.Base(name) {
		return strings.HasSuffix(path.Clean("/"+word), "/"+name) || strings.HasPrefix(word, "..")
	}
	// A program of tools was compiled in its own directory.
	return path.Dir(target) == path.Dir(name)
}

// isObject reports whether a target is an object of vmlinux that the compiler
// makes from one file.
func (c *commands) isObject(target string) bool {
	cmd := c.commands[target]
	source := strings.TrimSuffix(target, ".o")
	return path.Ext(target) == ".o" && strings.Contains(cmd.saved, " -c -o "+target+" "+filepath.Join(c.src, source)+".") &&
		!strings.HasPrefix(target, "scripts/") && !strings.HasPrefix(target, "tools/") && c.up(target) != ""
}

// up returns the archive that a target is a direct member of; "" if there is none.
func (c *commands) up(target string) string {
	for dir := path.Dir(target); ; dir = path.Dir(dir) {
		archive := path.Join(dir, "built-in.a")
		if cmd := c.commands[archive]; cmd != nil && archive != target {
			rel := strings.TrimPrefix(target, strings.TrimPrefix(dir+"/", "./"))
			if slices.Contains(strings.Fields(cmd.saved), rel) {
				return archive
			}
		}
		if dir == "." {
			return ""
		}
	}
}

// archivesOf returns the archives that objects are in, up to vmlinux.a, in the order to
// make them.
func (c *commands) archivesOf(objects []string) ([]string, error) {
	all := map[string]bool{}
	for _, o := range objects {
		for a := c.up(o); !all[a]; a = c.up(a) {
			if a == "" {
				return nil, fmt.Errorf("%w: %s is not in vmlinux", errWhole, o)
			}
			all[a] = true
			if a == "built-in.a" {
				break
			}
		}
	}
	list := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(strings.Count(b, "/")-strings.Count(a, "/"), strings.Compare(a, b))
	})
	for _, last := range []string{"built-in-fixup.a", "vmlinux.a"} {
		if c.commands[last] != nil {
			list = append(list, last)
		}
	}
	if c.commands["vmlinux.a"] == nil {
		return nil, fmt.Errorf("%w: no vmlinux.a", errWhole)
	}
	return list, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

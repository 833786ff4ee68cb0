// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// modules are the modules of a kernel as its package has them. They lack the
// index, which depmod makes when the package is installed.
type modules struct {
	// files has the path of each module by its name.
	files map[string]string
	// builtin has the names of those that are built into the kernel.
	builtin map[string]bool
}

// moduleName is the name that the kernel uses for a file.
func moduleName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path.Base(file), ".ko"), "-", "_")
}

// readModules reads the directory /lib/modules/RELEASE of a package.
func readModules(dir string) (*modules, error) {
	m := &modules{files: map[string]string{}, builtin: map[string]bool{}}
	err := filepath.WalkDir(filepath.Join(dir, "kernel"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".ko") {
			m.files[moduleName(name)] = name
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	builtin, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	for line := range strings.Lines(string(builtin)) {
		m.builtin[moduleName(strings.TrimSpace(line))] = true
	}
	return m, err
}

// closure returns the files of the named modules and of those that they depend on, in the
// order in which they can be loaded. A module that is built in has no file.
func (m *modules) closure(names []string) (files []string, err error) {
	done := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if done[name] || m.builtin[name] {
			return nil
		}
		done[name] = true
		file, ok := m.files[name]
		if !ok {
			return fmt.Errorf("the kernel has no module %s", name)
		}
		needs, err := moduleNeeds(file)
		if err != nil {
			return err
		}
		for _, n := range needs {
			if err := add(n); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		files = append(files, file)
		return nil
	}
	for _, name := range names {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// moduleNeeds reads the names of the modules that a module depends on.
func moduleNeeds(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("read %s: no .modinfo", file)
	}
	data, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var needs []string
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if list, ok := strings.CutPrefix(string(entry), "depends="); ok && list != "" {
			for name := range strings.SplitSeq(list, ",") {
				needs = append(needs, moduleName(name))
			}
		}
	}
	return needs, nil
}

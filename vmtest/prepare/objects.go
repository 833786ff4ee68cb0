// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Object is a compiled BPF program of the workbench.
type Object struct {
	// Name is what ip is given, without ".o": "hello1". Path is the file.
	Name, Path string
}

// objectSuffix ends the names of the objects for little-endian machines, as
// bpf2go writes them.
const objectSuffix = "_bpfel.o"

// Objects lists the BPF objects of the workbench at root, by name. They are
// read as files: the host does not link package bpf.
func Objects(root string) ([]Object, error) {
	paths, err := filepath.Glob(filepath.Join(root, "bpf", "*"+objectSuffix))
	if err != nil {
		return nil, fmt.Errorf("find the BPF objects: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("find the BPF objects: none in %s (make generate)", filepath.Join(root, "bpf"))
	}
	objects := make([]Object, len(paths))
	for i, path := range paths {
		objects[i] = Object{Name: strings.TrimSuffix(filepath.Base(path), objectSuffix), Path: path}
	}
	return objects, nil
}

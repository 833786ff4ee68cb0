// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Object is a compiled BPF program of the workbench.
type Object struct {
	// Name is the name for ip, without ".o": "hello1". Path is the file.
	Name, Path string
}

// objectSuffix is bpf2go's suffix for objects for little-endian machines.
const objectSuffix = "_bpfel.o"

// Objects returns the BPF objects of the workbench at root, sorted by name. It reads the
// files, because the host does not link package bpf.
func Objects(root string) ([]Object, error) {
	paths, err := filepath.Glob(filepath.Join(root, "bpf", "*"+objectSuffix))
	if err != nil {
		return nil, fmt.Errorf("BPF objects: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("BPF objects: none in %s (run make generate)", filepath.Join(root, "bpf"))
	}
	objects := make([]Object, len(paths))
	for i, path := range paths {
		objects[i] = Object{Name: strings.TrimSuffix(filepath.Base(path), objectSuffix), Path: path}
	}
	return objects, nil
}

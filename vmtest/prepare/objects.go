// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/arch"
)

// Object is a compiled BPF program of the workbench.
type Object struct {
	// Name is the name for ip, without ".o": "hello1". Path is the file.
	Name, Path string
}

// objectSuffix is bpf2go's suffix for objects in the byte order of an architecture. Nil
// means amd64.
func objectSuffix(a *arch.Arch) string {
	if a != nil && a.BigEndian {
		return "_bpfeb.o"
	}
	return "_bpfel.o"
}

// Objects returns the BPF objects of the workbench at root for an architecture, sorted by
// name. It reads the files, because the host does not link package bpf. Nil means amd64.
func Objects(root string, a *arch.Arch) ([]Object, error) {
	suffix := objectSuffix(a)
	paths, err := filepath.Glob(filepath.Join(root, "bpf", "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("BPF objects: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("BPF objects: none in %s (run make generate)", filepath.Join(root, "bpf"))
	}
	objects := make([]Object, len(paths))
	for i, path := range paths {
		objects[i] = Object{Name: strings.TrimSuffix(filepath.Base(path), suffix), Path: path}
	}
	return objects, nil
}

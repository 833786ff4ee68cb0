// SPDX-License-Identifier: GPL-2.0-only OR MIT

package objects

import (
	"fmt"
	"os"
	"path/filepath"
)

// outputs returns the base names of the files that bpf2go wrote to dir.
func outputs(dir string) (map[string]bool, error) {
	names := make(map[string]bool)
	for _, pattern := range []string{"*_bpfel.o", "*_bpfeb.o", "*_bpfel.go", "*_bpfeb.go"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			names[filepath.Base(p)] = true
		}
	}
	return names, nil
}

// Replace moves the outputs of bpf2go from the directory from to dir, over the old ones.
// It removes other outputs from dir: those of deleted sources. Both directories must be
// on one file system.
func Replace(dir, from string) error {
	fresh, err := outputs(from)
	if err != nil {
		return err
	}
	old, err := outputs(dir)
	if err != nil {
		return err
	}
	for name := range fresh {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("replace %s: %w", name, err)
		}
	}
	for name := range old {
		if !fresh[name] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("remove output without a source: %w", err)
			}
		}
	}
	return nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"encoding/json"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// stateName is the file in an object directory that describes the last complete build. A
// build removes it at its start.
const stateName = ".xpsgen-state"

// objState describes a complete build in an object directory.
type objState struct {
	// Inputs identifies all inputs but the tree. Tree is the git tree.
	Inputs, Tree string
	// Config is the hash of .config.
	Config string
	// Image says that the boot image is of this kernel.
	Image bool
	// Env is the environment of the kernel's make for its own calls of make; nil until
	// it is needed.
	Env []string
}

// readState returns nil if there is none, or none that can be read.
func readState(dir string) *objState {
	data, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		return nil
	}
	s := &objState{}
	if json.Unmarshal(data, s) != nil {
		return nil
	}
	return s
}

// save records a complete build.
func (o *objdir) save(s *objState) error {
	config, err := os.ReadFile(filepath.Join(o.dir, ".config"))
	if err != nil {
		return err
	}
	s.Config = hashOf(string(config))
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return cache.WriteFile(filepath.Join(o.dir, stateName), data, 0o644)
}

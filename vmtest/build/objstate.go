// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// stateName is the file in an object directory that describes the last complete build. A
// build removes it at its start.
const stateName = ".xpsgen-state"

// objState describes a complete build in an object directory.
type objState struct {
	// Inputs identifies all inputs except for the tree. Tree is the git tree.
	Inputs, Tree string
	// Config is the hash of .config.
	Config string
	// Dir is the time at which an entry of the directory was last created or
	// removed, in nanoseconds of the epoch.
	Dir int64
	// Image says that the boot image is of this kernel.
	Image bool
	// Env is the environment of the kernel's make for its own calls of make; nil until
	// it is needed.
	Env []string
}

// readState returns nil if there is no readable state, or if something else has
// changed the directory since. Examples are make by hand, and a version of
// xpsgen that does not write the state.
func readState(dir string) *objState {
	data, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		return nil
	}
	s := &objState{}
	info, err := os.Stat(dir)
	if json.Unmarshal(data, s) != nil || err != nil || info.ModTime().UnixNano() != s.Dir {
		return nil
	}
	return s
}

// save lets [objdir.end] write s as the state of a complete build.
func (o *objdir) save(s *objState) error {
	config, err := os.ReadFile(filepath.Join(o.dir, ".config"))
	if err != nil {
		return err
	}
	s.Config = hashOf(string(config))
	o.next = s
	return nil
}

// writeState writes the state. Nothing in the directory may be created or removed after it.
func (o *objdir) writeState(s *objState) error {
	path := filepath.Join(o.dir, stateName)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(o.dir)
	if err == nil {
		s.Dir = info.ModTime().UnixNano()
		err = json.NewEncoder(f).Encode(s)
	}
	return errors.Join(err, f.Close())
}

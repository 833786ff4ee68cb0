// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SpecDir is where a kernel tree keeps its netlink specifications.
const SpecDir = "Documentation/netlink/specs"

// A SpecReader returns the text of a netlink specification. name is that of the file below
// [SpecDir] without its suffix. The error wraps [fs.ErrNotExist] if there is none. It may
// be called with several names for the same spec.
type SpecReader func(ctx context.Context, name string) ([]byte, error)

// TreeSpecs reads the specifications of a kernel tree.
func TreeSpecs(tree string) SpecReader {
	return func(_ context.Context, name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(tree, filepath.FromSlash(SpecDir), name+".yaml"))
	}
}

// readSpecs reads the specifications that opt.Config.Attributes names.
func readSpecs(ctx context.Context, opt Options) ([]*Spec, error) {
	read := opt.Specs
	if read == nil && opt.Tree != "" {
		read = TreeSpecs(opt.Tree)
	}
	var specs []*Spec
	for i, a := range opt.Config.Attributes {
		if read == nil {
			return nil, opt.Config.tableError("attributes", i, "", "attributes need the netlink specifications of a kernel tree; installed headers have none")
		}
		spec, err := ReadSpec(ctx, read, a.Spec)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, opt.Config.tableError("attributes", i, "spec", fmt.Sprintf("spec %q: the tree has no such netlink specification", a.Spec))
		}
		if err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// ReadSpec reads a specification. The tree may have it under a name with other separators,
// such as rt_link for rt-link. The error wraps [fs.ErrNotExist] if there is none.
func ReadSpec(ctx context.Context, read SpecReader, name string) (*Spec, error) {
	for _, file := range specFiles(name) {
		text, err := read(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("spec %s: %w", name, err)
		}
		return ParseSpec("spec "+name, text)
	}
	return nil, fmt.Errorf("spec %s: %w", name, fs.ErrNotExist)
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package config holds the kernel configurations of the workbench. They are fragments on
// top of an empty configuration (allnoconfig). The package also checks that the finished
// configuration has every requested symbol, because Kconfig silently drops what it cannot
// satisfy.
//
// Fragments have the syntax of .config: CONFIG_X=value, or "# CONFIG_X is not set" to
// disable a symbol. If two fragments name one symbol, the later wins. A line "# or"
// between two symbols says that one of them is enough, because kernel versions differ.
//
// In the config files of the kernel's selftests, symbols are optional. Each file lists what
// a collection can use, as modules where possible, for several architectures and versions.
// Such a file is merged as scripts/kconfig/merge_config.sh -y does. Symbols without effect
// are listed and are not an error, see [Fragment.Optional].
package config

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/arch"
)

// ErrUnknown is wrapped by the error for a fragment that does not exist.
var ErrUnknown = errors.New("no such configuration")

// Counting is the name of the fragment for a kernel that counts the lines that run.
const Counting = "gcov"

//go:embed *.config arch/*.config
var fragments embed.FS

// Fragment is a part of a kernel configuration.
type Fragment struct {
	// Name is the name that the user gives: "base".
	Name string
	// Text is the content.
	Text string
	// Optional says that the symbols are optional, as in the config files of the
	// kernel's selftests. If one requests a module, a symbol that is built in stays so.
	Optional bool
}

// Names lists the fragments that come with the workbench.
func Names() []string {
	found, err := fs.Glob(fragments, "*.config")
	if err != nil {
		return nil // a constant pattern is never malformed
	}
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], ".config")
	}
	return found
}

// Load returns a fragment: a shipped one by its name, or a user's file by its path. A
// path has a slash or ends in ".config". A file with the name config or config.ARCH, as
// in tools/testing/selftests, has optional symbols.
func Load(name string) (Fragment, error) {
	if IsFile(name) {
		data, err := os.ReadFile(name)
		if err != nil {
			return Fragment{}, fmt.Errorf("kernel configuration: %w", err)
		}
		return Fragment{Name: name, Text: string(data), Optional: isSelftests(filepath.Base(name))}, nil
	}
	data, err := fragments.ReadFile(name + ".config")
	if err != nil {
		return Fragment{}, fmt.Errorf("%w: %q (known: %s, or the path of a file)",
			ErrUnknown, name, strings.Join(Names(), ", "))
	}
	return Fragment{Name: name, Text: string(data)}, nil
}

// IsFile reports whether name is the path of a file, and not the name of a shipped fragment.
func IsFile(name string) bool {
	return strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".config")
}

// isSelftests reports whether a file has the name that the kernel's selftests give to a
// configuration.
func isSelftests(base string) bool {
	return base == "config" || strings.HasPrefix(base, "config.") && base != "config.config"
}

// For returns the fragments of a kernel, in order: base, the fragment of the architecture,
// and the fragments called names. Amd64 has no fragment: base describes it.
func For(a *arch.Arch, names ...string) ([]Fragment, error) {
	all, err := LoadAll("base")
	if err != nil {
		return nil, err
	}
	if a.Cross() {
		data, err := fragments.ReadFile("arch/" + a.Name + ".config")
		if err != nil {
			return nil, fmt.Errorf("%w for architecture %q", ErrUnknown, a.Name)
		}
		all = append(all, Fragment{Name: a.Name, Text: string(data)})
	}
	more, err := LoadAll(names...)
	return append(all, more...), err
}

// LoadAll returns the fragments of the given names, in order.
func LoadAll(names ...string) ([]Fragment, error) {
	var all []Fragment
	for _, name := range names {
		f, err := Load(name)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package tomlfile reads TOML files that people write.
package tomlfile

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/BurntSushi/toml"
)

// Read decodes a file into v. A key that v does not have is an error: it would be a
// misspelled one. If the file does not exist, v stays unchanged. Errors name the file.
func Read(path string, v any) error {
	meta, err := toml.DecodeFile(path, v)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case len(meta.Undecoded()) > 0:
		return fmt.Errorf("%s: unknown key %q", path, meta.Undecoded()[0])
	}
	return nil
}

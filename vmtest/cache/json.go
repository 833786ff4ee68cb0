// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"encoding/json"
	"fmt"
	"os"
)

// ReadJSON reads a file with one JSON value. what names the value in errors. The error
// wraps [io/fs.ErrNotExist] if there is no file.
func ReadJSON[T any](path, what string) (value T, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return value, fmt.Errorf("read %s: %w", what, err)
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, fmt.Errorf("read %s: %s: %w", what, path, err)
	}
	return value, nil
}

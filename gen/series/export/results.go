// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// LoadResults reads what was measured: a JSON object of names and texts, as
// they are to stand in a cover letter. A file that is not there has none.
func LoadResults(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var r map[string]string
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read results: %s: want an object of names and texts: %w", file, err)
	}
	return r, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"encoding/json"
	"fmt"
	"os"
)

// LoadResults reads measured figures: a JSON object that maps names to texts for a
// cover letter.
func LoadResults(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	r := map[string]string{}
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read results: %s: want an object of names and texts: %w", file, err)
	}
	return r, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"xpsgen/vmtest/tree"
)

// patchSums returns each patch with its hash, in the format of sha256sum.
func patchSums(src *tree.Source) ([]string, error) {
	var sums []string
	for _, p := range src.Patches {
		sum, err := FileSum(p.Path)
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum+"  "+p.File)
	}
	return sums, nil
}

// FileSum returns the SHA-256 of a file, in hex.
func FileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash the sources: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/series/patch"
	"xpsgen/vmtest/tree/manifest"
)

// Unsigned returns the patches of the posting, to compare them with those of b. If a patch
// of b is not signed off yet, it writes a copy of the sent patch to dir. The copy has the
// author of b, and lacks the trailers that an export with a signer adds. Otherwise each
// patch would differ in them.
func (p *Posting) Unsigned(dir string, b *Base) ([]manifest.Patch, error) {
	sent, err := p.Load()
	if err != nil {
		return nil, err
	}
	var list []manifest.Patch
	for _, s := range sent {
		path := s.Path
		if now := b.Patch(s.Key); now != nil && !signed(now.Patch) && signed(s.Patch) {
			plain := *s.Patch
			plain.Author = now.Author
			plain.Trailers = slices.DeleteFunc(slices.Clone(s.Trailers), func(t patch.Trailer) bool {
				return signature(t) && !slices.Contains(now.Trailers, t)
			})
			text, err := plain.Format()
			if err != nil {
				return nil, fmt.Errorf("remove the sign-off of %s: %w", s.Path, err)
			}
			path = filepath.Join(dir, filepath.Base(s.Path))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, fmt.Errorf("compare with v%d: %w", p.Version, err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return nil, fmt.Errorf("compare with v%d: %w", p.Version, err)
			}
		}
		list = append(list, manifest.Patch{Key: s.Key, File: filepath.Base(path), Path: path})
	}
	return list, nil
}

// signature reports whether a trailer is one that an export with a signer adds.
func signature(t patch.Trailer) bool {
	return strings.EqualFold(t.Key, "Signed-off-by") || strings.EqualFold(t.Key, "Assisted-by")
}

func signed(p *patch.Patch) bool {
	return slices.ContainsFunc(p.Trailers, func(t patch.Trailer) bool { return strings.EqualFold(t.Key, "Signed-off-by") })
}

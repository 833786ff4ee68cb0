// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

// GitDir is the bare repository that holds the base and the patches applied to
// it. It is the cache's: read it, with git --git-dir, but change nothing.
func (s *Source) GitDir() string { return s.git().dir }

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// SetPatches returns a manifest's text with the list of patches of a base
// replaced. Everything else stays as it is, comments included: those that
// stand above a patch stay with its key.
func SetPatches(data []byte, base string, patches []Patch) ([]byte, error) {
	lines := strings.Split(string(data), "\n")
	start, end, err := baseExtent(lines, base)
	if err != nil {
		return nil, err
	}
	body := lines[start:end]
	comments := map[string][]string{}
	at := -1 // where the first list item was, in kept
	var kept []string
	for i := 0; i < len(body); {
		if tableName(body[i]) != "base.patch" {
			kept = append(kept, body[i])
			i++
			continue
		}
		n, key := itemExtent(body[i:])
		// Comments directly above belong to the item, if it is not the first:
		// there they belong to the list.
		if at >= 0 {
			above := len(kept)
			for above > at && strings.HasPrefix(strings.TrimSpace(kept[above-1]), "#") {
				above--
			}
			comments[key] = slices.Clone(kept[above:])
			kept = kept[:above]
		} else {
			at = len(kept)
		}
		i += n
		for i < len(body) && strings.TrimSpace(body[i]) == "" {
			i++
		}
	}
	if at < 0 {
		for len(kept) > 0 && strings.TrimSpace(kept[len(kept)-1]) == "" {
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, "")
		at = len(kept)
	}
	var items []string
	for _, p := range patches {
		items = append(items, comments[p.Key]...)
		items = append(items, "[[base.patch]]", fmt.Sprintf("key = %q", p.Key), fmt.Sprintf("file = %q", p.File), "")
	}
	edited := slices.Concat(kept[:at], items, kept[at:])
	for len(edited) > 0 && strings.TrimSpace(edited[len(edited)-1]) == "" {
		edited = edited[:len(edited)-1]
	}
	out := slices.Concat(lines[:start], edited, lines[end:])
	text := strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
	return []byte(text), checkPatches(text, base, patches)
}

// checkPatches makes sure that an edited manifest says what it should.
func checkPatches(text, base string, patches []Patch) error {
	s, _, err := parse(Name, []byte(text))
	if err != nil {
		return fmt.Errorf("edit %s: %w", Name, err)
	}
	for i := range s.Bases {
		if s.Bases[i].Name == base && slices.EqualFunc(s.Bases[i].Patches, patches,
			func(a, b Patch) bool { return a.Key == b.Key && a.File == b.File }) {
			return nil
		}
	}
	return fmt.Errorf("edit %s: the patches of %q are written in a form that cannot be edited; write them as [[base.patch]], key, file", Name, base)
}

var (
	tableLine   = regexp.MustCompile(`^\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]`)
	nameLine    = regexp.MustCompile(`^\s*name\s*=\s*["']([^"']*)["']`)
	keyLine     = regexp.MustCompile(`^\s*key\s*=\s*["']([^"']*)["']`)
	versionLine = regexp.MustCompile(`(?m)^version\s*=\s*\d+`)
)

// tableName is the table that a line opens, "" if it opens none.
func tableName(line string) string {
	if m := tableLine.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// baseExtent finds the lines of a base, without comments that lead to what
// comes next.
func baseExtent(lines []string, base string) (start, end int, err error) {
	start = -1
	found := false
	for i, l := range lines {
		t := tableName(l)
		if t != "" && t != "base.source" && t != "base.patch" {
			if found {
				end = i
				for end > start && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(strings.TrimSpace(lines[end-1]), "#")) {
					end--
				}
				return start, end, nil
			}
			start = -1
			if t == "base" {
				start = i
			}
		}
		if m := nameLine.FindStringSubmatch(l); m != nil && start >= 0 && m[1] == base {
			found = true
		}
	}
	if !found {
		return 0, 0, fmt.Errorf("edit %s: no base %q", Name, base)
	}
	return start, len(lines), nil
}

// itemExtent counts the lines of a table, and finds its key.
func itemExtent(lines []string) (n int, key string) {
	for n = 1; n < len(lines); n++ {
		l := strings.TrimSpace(lines[n])
		if l == "" || strings.HasPrefix(l, "[") || strings.HasPrefix(l, "#") {
			break
		}
		if m := keyLine.FindStringSubmatch(lines[n]); m != nil {
			key = m[1]
		}
	}
	return n, key
}

// SetVersion returns a manifest's text with another version.
func SetVersion(data []byte, version int) ([]byte, error) {
	if len(versionLine.FindAllIndex(data, -1)) == 0 {
		return nil, fmt.Errorf("edit %s: no line \"version = N\"", Name)
	}
	done := false
	out := versionLine.ReplaceAllFunc(data, func(l []byte) []byte {
		if done {
			return l
		}
		done = true
		return fmt.Appendf(nil, "version = %d", version)
	})
	s, _, err := parse(Name, out)
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", Name, err)
	}
	if s.Version != version {
		return nil, fmt.Errorf("edit %s: version is %d after the edit, not %d", Name, s.Version, version)
	}
	return out, nil
}

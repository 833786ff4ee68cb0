// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A tree without the programs of the series: make reads the Makefile and runs nothing, not
// even the lines that a dry run would run. A Makefile that make cannot read is an error.
func TestOnlyTheMakefile(t *testing.T) {
	const dir = selftestsDir + "/x"
	for text, fails := range map[string]string{
		"all:\n\t$(MAKE) -C $(OUTPUT)/lib\n": "",
		"all:\n  what\n":                     "missing separator",
	} {
		src, work := t.TempDir(), t.TempDir()
		if err := os.MkdirAll(filepath.Join(src, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"Makefile": "headers:\n\t@mkdir -p $(O)/usr/include\n", dir + "/Makefile": text} {
			if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p := &toolPart{name: "selftests/x", dir: dir, files: []string{dir + "/prog.c"}, programs: []string{"prog"}}
		s, err := p.build(t.Context(), src, work, 1)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(slices.Collect(maps.Keys(s.Errors)), " ")
		if (fails == "") != (len(s.Errors) == 0) || !strings.Contains(got, fails) {
			t.Errorf("%q: errors %q, want %q", text, got, fails)
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestIncludes(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"/* files that include this */\nint include;\n", nil},
		{"#include <linux/types.h>\n# \tinclude\t\"b.h\"\n", []string{"linux/types.h", "b.h"}},
		{"#ifdef NEVER\n#include_next <limits.h>\n#endif\n", []string{"limits.h"}},
		{"#if __has_include (<time.h>) || __has_include_next(\"x.h\")\n", []string{"time.h", "x.h"}},
		{"#include HEADER\n", []string{""}},
		{"#include /* which? */ <stddef.h>\n", []string{""}},
		{"#include <broken\n#include <b.h>\n", []string{"", "b.h"}},
		{"%:include <a.h>\n%: include HEADER\n", []string{"a.h", ""}},
	}
	for _, tt := range tests {
		if got := slices.Collect(includes(tt.text)); !slices.Equal(got, tt.want) {
			t.Errorf("includes of %q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestStandInsUnpackedIfReachable(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"linux/plain.h":   "#include <linux/loop.h>\n#define A 1\n",
		"linux/loop.h":    "#include <linux/plain.h>\n#include <linux/missing.h>\n",
		"linux/direct.h":  "#include <stddef.h>\n",
		"linux/deep.h":    "#include \"beside.h\"\n",
		"linux/beside.h":  "#ifdef NEVER\n# include <sys/../sys/socket.h>\n#endif\n",
		"linux/macro.h":   "#define H <linux/plain.h>\n#include H\n",
		"linux/asks.h":    "#if __has_include(<time.h>)\n#endif\n",
		"linux/shadows.h": "#include <unistd.h>\n",
		"unistd.h":        "#define B 2\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{
		"plain": false, "loop": false, "direct": true, "deep": true, "macro": true, "asks": true, "shadows": true,
	} {
		s := &standIns{dir: t.TempDir(), seen: make(map[string]bool)}
		// A header that includes no stand-in must not hide the next one.
		for _, src := range []string{includeLine("linux/plain.h"), includeLine("linux/" + name + ".h")} {
			if err := s.supply(src, []string{dir}, false); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(filepath.Join(s.dir, "sys", "socket.h")); (err == nil) != want {
			t.Errorf("linux/%s.h: stand-ins unpacked: %v, want %v", name, err == nil, want)
		}
	}
	s := &standIns{dir: t.TempDir(), seen: make(map[string]bool)}
	if err := s.supply("", nil, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "stddef.h")); err != nil {
		t.Errorf("headers of a library: %v", err)
	}
}

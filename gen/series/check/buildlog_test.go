// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The result shows the first error of a log, because the others follow from it.
func TestFirstError(t *testing.T) {
	for name, tc := range map[string]struct {
		log  string
		want []string
	}{
		"compiler": {
			log:  "net/z.c:3:1: error: unknown type name 'THIS'\n/usr/include/a.h:1:1: error: expected ';'\nnet/z.c:4:1: error: unknown type name 'THIS'\n",
			want: []string{"net/z.c: error: unknown type name 'THIS'", "/usr/include/a.h: error: expected ';'"},
		},
		"make": {
			log:  "make[3]: Entering directory '/o'\n/src/net/core/Makefile:5: *** missing separator.  Stop.\nmake[2]: *** [/src/scripts/Makefile.build:480: net/core] Error 2\n",
			want: []string{"net/core/Makefile: missing separator"},
		},
		"kconfig": {
			log:  "net/Kconfig:10: syntax error\nnet/Kconfig:9:warning: ignoring unsupported character '='\nnet/Kconfig:10: unknown statement \"THIS\"\nmake[2]: *** [/src/scripts/kconfig/Makefile:85: allmodconfig] Error 1\n",
			want: []string{"net/Kconfig: syntax error", "net/Kconfig: unknown statement \"THIS\""},
		},
		"version script": {
			log:  "/usr/bin/ld:libbpf.map:2: syntax error in VERSION script\ncollect2: error: ld returned 1 exit status\n",
			want: []string{"libbpf.map:2: syntax error in VERSION script"},
		},
		"linker": {
			log:  "/usr/bin/ld: main.o: in function `main':\nmain.c:(.text+0x5): undefined reference to `h'\n",
			want: []string{"undefined reference to `h'"},
		},
		"nothing known": {
			log:  "make: Entering directory '/o'\nOut of ideas\nmake: *** [Makefile:2: all] Error 1\n",
			want: []string{"Out of ideas"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDiagnostics("/src")
			d.read(tc.log)
			d.readFailed(tc.log)
			if diff := cmp.Diff(tc.want, d.order); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			slices.Reverse(d.order)
			r := compareBuilds(&state{}, &state{Errors: d.errors, Order: d.order})
			if want := "does not build: " + tc.want[len(tc.want)-1]; r.Summary != want {
				t.Errorf("%q, want %q", r.Summary, want)
			}
		})
	}
}

func TestReadOf(t *testing.T) {
	text := "deps_net/a.o := \\\n    $(wildcard include/config/NET) \\\n  /src/include/linux/a.h \\\n ../net/b.h \\\n/usr/include/c.h d.c: \n"
	got := slices.Sorted(readOf(text, "/src", "net"))
	for _, want := range []string{"include/linux/a.h", "net/b.h", "net/d.c"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func TestOlderVersion(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"14.0.6", "17.0.1", true}, {"17.0.1", "17.0.1", false}, {"17.0", "17.0.1", true}, {"19.1.7", "17.0.1", false}, {"9.1", "17.0.1", true}} {
		if got := olderVersion(tc.a, tc.b); got != tc.want {
			t.Errorf("%s older than %s: %v", tc.a, tc.b, got)
		}
	}
}

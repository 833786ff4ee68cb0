// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/testenv"
)

// The names of tests are checked in the tree before the build. The symbols in the config
// files of a collection are optional.
func TestSelftestFragments(t *testing.T) {
	kernel := t.TempDir()
	for name, text := range map[string]string{
		"Kbuild": "#\n", "Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\n",
		"tools/testing/selftests/net/Makefile":          "TEST_PROGS := a.sh \\\n\tbig\n",
		"tools/testing/selftests/net/a.sh":              "#!/bin/sh\n",
		"tools/testing/selftests/net/prog.c":            "int main(void) { return 0; }\n",
		"tools/testing/selftests/net/config":            "CONFIG_A=m\n",
		"tools/testing/selftests/net/config.x86_64":     "CONFIG_B=y\n",
		"tools/testing/selftests/net/sub/Makefile":      "#\n",
		"tools/testing/selftests/net/sub/x.sh":          "#!/bin/sh\n",
		"tools/testing/selftests/nomakefile/config":     "CONFIG_C=m\n",
		"tools/testing/selftests/net/config.aarch64":    "CONFIG_D=y\n",
		"tools/testing/selftests/net/forwarding/config": "CONFIG_E=y\n",
	} {
		path := filepath.Join(kernel, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := Source{Root: testenv.Root(t), Cache: t.TempDir(), KernelDir: kernel, NoApply: true}
	src, err := s.OpenKernel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := selftestFragments(t.Context(), src, []string{"net:a.sh", "net:prog", "net:big", "net/sub"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got {
		if !f.Optional {
			t.Errorf("%s is not optional", f.Name)
		}
		names = append(names, f.Name+" "+strings.TrimSpace(f.Text))
	}
	if want := []string{"net/config CONFIG_A=m", "net/config.x86_64 CONFIG_B=y"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for _, test := range []string{"nothere", "nomakefile", "net:nothere.sh", "net:prog.c.c", "net/sub:a.sh"} {
		if _, err := selftestFragments(t.Context(), src, []string{"net:a.sh", test}); !errors.Is(err, ErrSelftest) {
			t.Errorf("%s: got %v", test, err)
		}
	}
	if got := collections([]string{"net:a", "bpf", "net:b", "net"}); !slices.Equal(got, []string{"net", "bpf"}) {
		t.Errorf("collections %q", got)
	}
}

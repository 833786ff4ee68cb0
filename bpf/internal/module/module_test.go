// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"module": func() { os.Exit(run(os.Args[1:], os.Stderr)) },
	})
}

// TestScript uses the module as others do. $MODULE is the checkout. The condition
// [guest] holds if XPS_TEST_REQUIRE has the word vm: then the scripts run their
// tests on the patched kernel, with $XPSGEN.
func TestScript(t *testing.T) {
	for _, tool := range []string{"go", "git", "make", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	required := strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ",")
	guest := slices.Contains(required, "vm")
	// go mod tidy needs the modules that tests of dependencies import. Compiling
	// this module does not download those, so the scripts may use the proxy.
	env := map[string]string{"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOWORK": ""}
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env[name] = strings.TrimSpace(string(out))
	}
	xpsgen := filepath.Join(t.TempDir(), "xpsgen")
	if guest {
		cmd := exec.Command("go", "build", "-o", xpsgen, "./gen/cmd/xpsgen")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for name, value := range env {
				e.Setenv(name, value)
			}
			e.Setenv("MODULE", root)
			// Another workbench may have used the cache last.
			e.Setenv("XPSGEN_ROOT", root)
			e.Setenv("XPSGEN", xpsgen)
			// The cache of kernels, which a guest needs.
			e.Setenv("XDG_CACHE_HOME", os.Getenv("XDG_CACHE_HOME"))
			if os.Getenv("XDG_CACHE_HOME") == "" {
				e.Setenv("XDG_CACHE_HOME", filepath.Join(os.Getenv("HOME"), ".cache"))
			}
			return nil
		},
		Condition: func(cond string) (bool, error) { return cond == "guest" && guest, nil },
	})
}

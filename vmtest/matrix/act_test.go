// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/testenv"
)

// actVersion is the version of act, which runs workflows of GitHub Actions.
const actVersion = "v0.2.89"

// actions are the actions of the workflow. testdata/act has a substitute for
// each.
var actions = []string{"checkout@v4", "setup-go@v5", "cache@v4", "upload-artifact@v4", "download-artifact@v4"}

// TestAct runs the workflow of GitHub Actions with six cells, one of which fails: the
// Go bindings of the repository have a wrong constant. Every other cell runs all the
// same, and the verdict names the one that failed.
func TestAct(t *testing.T) {
	testenv.Require(t, "act", "runs a workflow under act")
	cacheDir, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	repository := copyRepository(t, func(dir string) {
		replace(t, filepath.Join(dir, "uapi", "if_link_uapi.go"), "IFLA_XPS_FD          = 1", "IFLA_XPS_FD          = 7")
		data, err := os.ReadFile("testdata/act/workflow/call.yml")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".github", "workflows", "call.yml"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	})
	stands, err := filepath.Abs("testdata/act")
	if err != nil {
		t.Fatal(err)
	}
	store, home := t.TempDir(), t.TempDir()
	args := []string{"run", "github.com/nektos/act@" + actVersion, "workflow_dispatch", "-W", ".github/workflows/call.yml", "-C", repository,
		"-P", "ubuntu-latest=-self-hosted", "--no-skip-checkout", "--no-cache-server", "--concurrent-jobs", "2"}
	for _, a := range actions {
		name, _, _ := strings.Cut(a, "@")
		args = append(args, "--local-repository", "actions/"+a+"="+filepath.Join(stands, name))
	}
	env := map[string]string{"ACT_TEST_REPOSITORY": repository, "ACT_TEST_STORE": store, "XPSGEN_CACHE": cacheDir, "HOME": os.Getenv("HOME"),
		// Each job has a separate checkout. With -trimpath, the jobs share objects of go build.
		"GOFLAGS": "-trimpath"}
	for name, value := range goEnv(t) {
		env[name] = value
	}
	for name, value := range env {
		args = append(args, "--env", name+"="+value)
	}
	cmd := exec.Command("go", args...)
	// The configuration and the files of act stay in the test's directory.
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "GOFLAGS=-mod=mod")
	for name, value := range goEnv(t) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Dir = home
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, t.Output())
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err == nil {
		t.Error("act passes, although a cell failed")
	}

	p, err := cell.ReadPlan(filepath.Join(store, "artifacts", "plan", "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := readMerged(t, filepath.Join(store, "artifacts", "matrix-1", "matrix.json"))
	if m.Verdict != "failed" || len(m.Cells) != 6 || len(p.Cells) != 6 {
		t.Errorf("verdict %q, %d cells, %d planned", m.Verdict, len(m.Cells), len(p.Cells))
	}
	for _, c := range m.Cells {
		want := "passed"
		if c.ID == "check-uapi@net-next" {
			want = "failed"
		}
		if c.State != want {
			t.Errorf("%s: %s, want %s", c.ID, c.State, want)
		}
	}
	if !strings.Contains(out.String(), "check-uapi@net-next failed: ") {
		t.Error("the log does not name the cell that failed")
	}
	if _, err := os.Stat(filepath.Join(store, "keys", "xpsgen-sources")); err != nil {
		t.Errorf("no cell used the cache: %v", err)
	}
	if _, err := os.Stat(filepath.Join(store, "artifacts", "matrix-1", "report.html")); err != nil {
		t.Error(err)
	}
}

// goEnv are the settings of go that a job on this machine needs.
func goEnv(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	if err := json.Unmarshal([]byte(command(t, exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GONOSUMDB"))), &env); err != nil {
		t.Fatal(err)
	}
	return env
}

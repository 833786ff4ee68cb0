// SPDX-License-Identifier: GPL-2.0-only OR MIT

package matrix

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/testenv"
)

// TestParallel runs six cells with GNU parallel over ssh on two hosts, one of which dies
// while it runs a cell. Every cell has then passed or is missing by name, and a second
// run of the missing ones completes the plan.
func TestParallel(t *testing.T) {
	testenv.Require(t, "engines", "starts hosts in network namespaces")
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces with sshd need root")
	}
	cacheDir, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	clone := copyRepository(t, func(string) {})
	build := exec.Command("go", "build", "-o", filepath.Join(clone, "bin", "xpsgen"), "./gen/cmd/xpsgen")
	build.Dir = root
	command(t, build)
	plan := command(t, exec.Command(filepath.Join(clone, "bin", "xpsgen"), "-q", "--root", clone, "matrix", "--kind", "check", "--kind", "check-uapi", "--base", "net-next", "--json"))
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "out", "plan.json"), []byte(plan), 0o644); err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Abs("testdata/parallel")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child",
		"sh", filepath.Join(scripts, "hosts.sh"), dir, clone, filepath.Join(scripts, "run.sh"))
	cmd.Env = append(os.Environ(), "XPSGEN_CACHE="+cacheDir)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}

	again, err := cell.ReadPlan(filepath.Join(dir, "out", "again.json"))
	if err != nil {
		t.Fatal(err)
	}
	lost := map[string]bool{}
	for _, c := range again.Cells {
		lost[c.Name] = true
		if c.Attempt != 1 {
			t.Errorf("%s was lost, and its attempt is %d", c.Name, c.Attempt)
		}
	}
	if !lost["check-uapi@net-next"] || len(lost) == 6 {
		t.Errorf("lost %v: want the cell of the host that died, and not all", lost)
	}
	first, second := readMerged(t, filepath.Join(dir, "first", "matrix.json")), readMerged(t, filepath.Join(dir, "second", "matrix.json"))
	if first.Verdict != "failed" || second.Verdict != "passed" || len(second.Cells) != 6 {
		t.Errorf("first %+v, second %+v", first, second)
	}
	for _, c := range first.Cells {
		if want := map[bool]string{true: "missing", false: "passed"}[lost[c.ID]]; c.State != want {
			t.Errorf("%s: %s, want %s", c.ID, c.State, want)
		}
	}
	if !slices.ContainsFunc(second.Cells, func(c struct{ ID, State string }) bool { return c.ID == "check-uapi@net-next" && c.State == "passed" }) {
		t.Errorf("second %+v", second)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/cell"
	"xpsgen/vmtest/testenv"
)

func testPlan(n int) *cell.Plan {
	p := &cell.Plan{Version: cell.PlanVersion, For: "pr"}
	for i := range n {
		c := &cell.Cell{Kind: "check", Base: "6.12", Series: strings.Repeat("x", i+1), Arch: "amd64", Attempt: 1}
		c.Name = c.ID()
		p.Cells = append(p.Cells, c)
	}
	return p
}

// The types of k8s.io/api accept the output of Write without an unknown field.
// xpsgen accepts the command of the Job with the variable that Kubernetes sets,
// and pod N runs cell N.
func TestJob(t *testing.T) {
	testenv.Require(t, "engines", "builds a program with k8s.io/api")
	var manifest bytes.Buffer
	p := testPlan(3)
	if err := Write(&manifest, p, Options{Name: "xpsgen", Image: "example.org/xpsgen:1", Parallel: 2}); err != nil {
		t.Fatal(err)
	}
	decode := exec.Command("go", "run", ".")
	decode.Dir = filepath.Join("testdata", "decode")
	decode.Stdin = bytes.NewReader(manifest.Bytes())
	var stderr bytes.Buffer
	decode.Stderr = &stderr
	out, err := decode.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, stderr.Bytes(), manifest.Bytes())
	}
	var j struct {
		Spec struct {
			CompletionMode           string
			Completions, Parallelism int
			Template                 struct {
				Spec struct {
					Containers []struct {
						Image        string
						Args         []string
						VolumeMounts []struct{ MountPath string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out, &j); err != nil {
		t.Fatal(err)
	}
	if j.Spec.CompletionMode != "Indexed" || j.Spec.Completions != 3 || j.Spec.Parallelism != 2 || len(j.Spec.Template.Spec.Containers) != 1 {
		t.Errorf("%+v", j)
	}
	c := j.Spec.Template.Spec.Containers[0]
	if c.Image != "example.org/xpsgen:1" || len(c.VolumeMounts) != 3 {
		t.Errorf("%+v", c)
	}

	// Unknown fields are found.
	decode = exec.Command("go", "run", ".")
	decode.Dir = filepath.Join("testdata", "decode")
	decode.Stdin = strings.NewReader(strings.Replace(manifest.String(), "completionMode:", "completionsMode:", 1))
	if out, err := decode.CombinedOutput(); err == nil || !strings.Contains(string(out), "completionsMode") {
		t.Errorf("a wrong field: %v\n%s", err, out)
	}
}

// The paths of the Job are those of the image, and the image begins with xpsgen.
func TestContainerfile(t *testing.T) {
	for _, want := range []string{`XPSGEN_CACHE=` + cacheDir + `\b`, `(?m)^USER 1000:1000$`, `ENTRYPOINT \["/xpsgen/bin/xpsgen"\]`, `(?m)^FROM docker.io/library/golang:1\.26-`} {
		if !regexp.MustCompile(want).Match(Containerfile) {
			t.Errorf("Containerfile has no %s", want)
		}
	}
	module, err := os.ReadFile("../../../go.mod")
	if err != nil || !strings.Contains(string(module), "\ngo 1.26") {
		t.Errorf("the image has Go 1.26, go.mod another: %v", err)
	}
	if !slices.Contains(jobOf(1, &Options{}).Spec.Template.Spec.Containers[0].Args, cacheDir) {
		t.Error("the Job does not name the cache")
	}
}

func TestLarge(t *testing.T) {
	p := testPlan(1)
	p.Cells[0].Items = []string{strings.Repeat("x", 1<<20)}
	if err := Write(&bytes.Buffer{}, p, Options{}); !errors.Is(err, ErrLarge) {
		t.Error(err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package kubernetes writes a plan as an Indexed Job: pod N runs cell N of the plan. The
// plan is a ConfigMap; archives and the cache are on volumes that all pods share.
package kubernetes

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"xpsgen/vmtest/cell"
)

// Containerfile builds the image of the pods from the workbench.
//
//go:embed Containerfile
var Containerfile []byte

// Options describe the Job.
type Options struct {
	// Name names the Job; the ConfigMap and the volumes begin with it.
	Name string
	// Image is the image of the pods.
	Image string
	// Parallel is the number of pods at a time.
	Parallel int
}

// ErrLarge is wrapped if the plan does not fit into a ConfigMap.
var ErrLarge = errors.New("the plan is larger than a ConfigMap")

// maxData is the largest ConfigMap in bytes, with room for the rest of it.
const maxData = 1<<20 - 4<<10

// The paths in a pod. Containerfile has them, too.
const (
	planDir    = "/plan"
	resultsDir = "/results"
	cacheDir   = "/cache"
	planFile   = "plan.json"
)

// user is the user of the image.
const user = 1000

// Write writes the ConfigMap, the claims of the volumes and the Job as YAML.
func Write(w io.Writer, p *cell.Plan, opt Options) error {
	var data bytes.Buffer
	if err := p.Write(&data); err != nil {
		return err
	}
	if data.Len() > maxData {
		return fmt.Errorf("%w: %d bytes, at most %d (a filter makes it smaller)", ErrLarge, data.Len(), maxData)
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	for _, object := range []any{
		configMap{APIVersion: "v1", Kind: "ConfigMap", Metadata: metadata{opt.Name + "-plan"}, Data: map[string]string{planFile: data.String()}},
		claimOf(opt.Name+"-results", "10Gi"),
		claimOf(opt.Name+"-cache", "100Gi"),
		jobOf(len(p.Cells), &opt),
	} {
		if err := e.Encode(object); err != nil {
			return fmt.Errorf("write the Job: %w", err)
		}
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("write the Job: %w", err)
	}
	return nil
}

func claimOf(name, size string) claim {
	c := claim{APIVersion: "v1", Kind: "PersistentVolumeClaim", Metadata: metadata{name}}
	c.Spec.AccessModes = []string{"ReadWriteMany"}
	c.Spec.Resources.Requests = map[string]string{"storage": size}
	return c
}

func jobOf(cells int, opt *Options) job {
	j := job{APIVersion: "batch/v1", Kind: "Job", Metadata: metadata{opt.Name}}
	j.Spec = jobSpec{
		CompletionMode: "Indexed", Completions: cells, Parallelism: min(cells, opt.Parallel),
		// Do not retry a cell that failed: it would fail again. Replace a
		// pod that lost its machine.
		BackoffLimitPerIndex: 2, MaxFailedIndexes: cells,
		PodFailurePolicy: policy{Rules: []any{
			exitRule{Action: "FailIndex", OnExitCodes: exitCodes{ContainerName: "cell", Operator: "NotIn", Values: []int{137, 143}}},
			conditionRule{Action: "Ignore", OnPodConditions: []condition{{Type: "DisruptionTarget"}}},
		}},
	}
	pod := &j.Spec.Template.Spec
	pod.RestartPolicy = "Never"
	pod.SecurityContext = podSecurity{RunAsNonRoot: true, RunAsUser: user, RunAsGroup: user, FSGroup: user, FSGroupChangePolicy: "OnRootMismatch"}
	c := container{
		Name: "cell", Image: opt.Image,
		Args: []string{"cell", "--plan", planDir + "/" + planFile, "--out", resultsDir, "--cache", cacheDir},
	}
	// The suite boots two guests of 512 MiB. A debug kernel takes 3 GiB each.
	c.Resources.Requests = map[string]string{"cpu": "2", "memory": "4Gi", "ephemeral-storage": "4Gi"}
	c.Resources.Limits = map[string]string{"memory": "10Gi"}
	c.VolumeMounts = []mount{{"plan", planDir, true}, {"results", resultsDir, false}, {"cache", cacheDir, false}}
	pod.Containers = []container{c}
	pod.Volumes = []any{
		configVolume{Name: "plan", ConfigMap: named{opt.Name + "-plan"}},
		claimVolume{Name: "results", Claim: claimName{opt.Name + "-results"}},
		claimVolume{Name: "cache", Claim: claimName{opt.Name + "-cache"}},
	}
	return j
}

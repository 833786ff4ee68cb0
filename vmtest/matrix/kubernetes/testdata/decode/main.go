// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Command decode reads objects of Kubernetes from standard input and decodes
// each strictly into the type of k8s.io/api. It prints the last of them, a Job,
// as JSON. It is a separate module, so that the workbench does not need
// k8s.io/api.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

func main() {
	if err := decode(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func decode(from io.Reader, to io.Writer) error {
	var last *batch.Job
	for r := yaml.NewYAMLReader(bufio.NewReader(from)); ; {
		text, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var kind struct{ Kind, APIVersion string }
		if err := strict.Unmarshal(text, &kind); err != nil {
			return err
		}
		var object any
		switch kind.APIVersion + " " + kind.Kind {
		case "v1 ConfigMap":
			object = &core.ConfigMap{}
		case "v1 PersistentVolumeClaim":
			object = &core.PersistentVolumeClaim{}
		case "batch/v1 Job":
			last = &batch.Job{}
			object = last
		default:
			return fmt.Errorf("unexpected object %+v", kind)
		}
		if err := strict.UnmarshalStrict(text, object); err != nil {
			return fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
	if last == nil {
		return errors.New("no Job")
	}
	return json.NewEncoder(to).Encode(last)
}

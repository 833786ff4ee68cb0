// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"slices"
	"strings"
	"testing"

	"xpsgen/bpf"
)

// The files must be the objects of package bpf.
func TestObjects(t *testing.T) {
	objects, err := Objects("../..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range objects {
		names = append(names, o.Name)
	}
	want := bpf.Names()
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("files %q, package %q", names, want)
	}
	if _, err := Objects(t.TempDir()); err == nil || !strings.Contains(err.Error(), "make generate") {
		t.Errorf("without files: %v", err)
	}
}

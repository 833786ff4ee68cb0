// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImports: the library knows nothing of how the kernel under it is built or
// booted, nor of the programs that it attaches.
func TestImports(t *testing.T) {
	gocmd, err := exec.LookPath("go")
	if err != nil {
		skipUnlessRequired(t, "go", err.Error())
	}
	out, err := exec.Command(gocmd, "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for path := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(path, "xpsgen/") {
			ours = append(ours, path)
		}
	}
	if diff := cmp.Diff([]string{"xpsgen/uapi", "xpsgen/bpf/xps"}, ours); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImports: the library imports three libraries and their dependencies, and two
// packages of this module. It depends neither on the workbench nor on the programs
// that it attaches.
func TestImports(t *testing.T) {
	gocmd, err := exec.LookPath("go")
	if err != nil {
		skipUnlessRequired(t, "go", err.Error())
	}
	out, err := exec.Command(gocmd, "list", "-deps", "-f",
		"{{with .Module}}{{.Path}} {{.Main}} {{$.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var modules, ours []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		switch {
		case len(f) != 3:
		case f[1] == "true":
			ours = append(ours, strings.TrimPrefix(f[2], f[0]+"/"))
		case !slices.Contains(modules, f[0]):
			modules = append(modules, f[0])
		}
	}
	slices.Sort(modules)
	want := []string{
		"github.com/cilium/ebpf",
		"github.com/mdlayher/netlink",
		"github.com/mdlayher/socket", // of netlink
		"golang.org/x/net",           // of netlink: x/net/bpf
		"golang.org/x/sync",          // of socket: x/sync/errgroup
		"golang.org/x/sys",
	}
	if diff := cmp.Diff(want, modules); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"uapi", "bpf/xps"}, ours); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

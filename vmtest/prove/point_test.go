// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/tree"
)

// The first patch with functions of the model is checked in the part of the model that it
// has. A result without a failure is kept.
func TestPoint(t *testing.T) {
	testenv.Require(t, "prove", "runs CBMC on a tree with some patches")
	source := preparetest.Source(t, "")
	whole, err := source.OpenKernel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cbmc, _, err := deps.CBMC().Get(t.Context(), source.Cache, source.Progress)
	if err != nil {
		t.Fatal(err)
	}
	source.Apart = "bisect"
	hook := slices.IndexFunc(whole.Patches, func(p tree.Patch) bool { return p.Key == "hook" })
	source.KernelFirst = hook
	if p, err := RunPoint(t.Context(), Options{Source: source}); err != nil || len(p.Reasons) > 0 || p.Summary != "no function of the model yet" {
		t.Errorf("before the hook: %+v, %v", p, err)
	}
	source.KernelFirst = hook + 1
	src, err := source.OpenKernel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := load(t.Context(), treeFile(src), true)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Source: source}
	o.Source.Cache = t.TempDir()
	for _, cached := range []bool{false, true} {
		point, err := o.point(t.Context(), cbmc, p)
		if err != nil {
			t.Fatal(err)
		}
		const without = "; without GETTER, LINK, NETLINK, DRIVER, TUN"
		if len(point.Reasons) > 0 || !strings.HasSuffix(point.Summary, " properties, 0 failed"+without) || point.Cached != cached {
			t.Errorf("%+v", point)
		}
	}
	const file = "net/core/dev.c"
	text := strings.Replace(*p.files[file], "return ret < num_txq ? ret", "return ret <= num_txq ? ret", 1)
	if text == *p.files[file] {
		t.Fatal("nothing to break")
	}
	p.files[file] = &text
	for range 2 {
		point, err := o.point(t.Context(), cbmc, p)
		if err != nil {
			t.Fatal(err)
		}
		if point.Cached || len(point.Reasons) != 1 || !strings.Contains(point.Reasons[0], "the queue is the result modulo the number of queues") {
			t.Errorf("a fault: %+v", point)
		}
	}
}

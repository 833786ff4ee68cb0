// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/testenv"
)

// fault is a fault in the series, the property that must fail, and the operation in whose
// run it does.
type fault struct {
	file, before, after string
	operation, property string
}

var faults = map[string]fault{
	"key stays on": {"net/core/dev.c", "if (old && !prog)\n\t\tstatic_branch_dec", "if (0)\n\t\tstatic_branch_dec",
		"unregister", "check_state: the static key counts the devices with a program"},
	"program is put twice": {"net/core/dev.c", "\tif (old)\n\t\tbpf_prog_put(old);\n\n\treturn", "\tif (old) {\n\t\tbpf_prog_put(old);\n\t\tbpf_prog_put(old);\n\t}\n\n\treturn",
		"unregister", "bpf_prog_put: the last reference is the user's"},
	"reference leaks": {"net/core/rtnetlink.c", "err_put:\n\tif (prog)\n\t\tbpf_prog_put(prog);", "err_put:",
		"setlink", "check_state: each reference has an owner"},
	"RTNL leaks": {"net/core/xps_link.c", "\txps_link_notify(dev);\n\trtnl_unlock();\n\n\treturn bpf_link_settle", "\txps_link_notify(dev);\n\n\treturn bpf_link_settle",
		"link_create", "check_state: no operation keeps RTNL"},
	"link keeps its device": {"net/core/xps_link.c", "dev->xps_link->dev = NULL;", "",
		"unregister", "check_link: a link and its device agree"},
	"queue is not below the count": {"net/core/dev.c", "return ret < num_txq ? ret", "return ret <= num_txq ? ret",
		"transmit", "transmit: the queue is the result modulo the number of queues, or that of the maps"},
	"null pointer": {"net/core/xps_link.c", "if (!dev) {\n\t\terr = -ENODEV;", "if (0) {\n\t\terr = -ENODEV;",
		"link_create", "xps_link_install: pointers, bounds, arithmetic, loops"},
}

// Each fault makes its property fail, and the trace tells the operation with its result.
func TestFaults(t *testing.T) {
	testenv.Require(t, "prove", "runs CBMC on the patched tree")
	source := preparetest.Source(t, "")
	cbmc, _, err := deps.CBMC().Get(t.Context(), source.Cache, source.Progress)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source.OpenKernel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			p, err := load(t.Context(), treeFile(src), false)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(*p.files[f.file], f.before, f.after, 1)
			if text == *p.files[f.file] {
				t.Fatalf("%s has no %q", f.file, f.before)
			}
			p.files[f.file] = &text
			dir := t.TempDir()
			if err := p.write(dir); err != nil {
				t.Fatal(err)
			}
			ops, err := p.operations()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(ops, func(op operation) bool { return op.name == f.operation })
			if i < 0 {
				t.Fatalf("no operation %s", f.operation)
			}
			c := &checker{cbmc: cbmc}
			j := job{op: ops[i]}
			findings, err := c.run(t.Context(), dir, j)
			if err != nil {
				t.Fatal(err)
			}
			r := &Result{}
			if err := r.add(map[string]*Property{}, j, findings); err != nil {
				t.Fatal(err)
			}
			i = slices.IndexFunc(r.Properties, func(p *Property) bool { return p.Name == f.property && p.Failed })
			if i < 0 {
				t.Fatalf("%s holds", f.property)
			}
			t.Logf("%s", strings.Join(r.Properties[i].Explain(), "\n"))
			if lines := r.Properties[i].Trace; len(lines) < 5 {
				t.Errorf("trace %q", lines)
			}
		})
	}
}

// A program that does not compile is an error with the compiler's words, not a verdict.
func TestNotC(t *testing.T) {
	testenv.Require(t, "prove", "runs CBMC")
	source := preparetest.Source(t, "")
	cbmc, _, err := deps.CBMC().Get(t.Context(), source.Cache, source.Progress)
	if err != nil {
		t.Fatal(err)
	}
	p, err := load(t.Context(), shows(small()), true)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := p.write(dir); err != nil {
		t.Fatal(err)
	}
	_, err = (&checker{cbmc: cbmc}).run(t.Context(), dir, job{op: operation{"0", "unregister"}})
	if !errors.Is(err, ErrChecker) || !strings.Contains(err.Error(), "check unregister in any state") {
		t.Errorf("%v", err)
	}
}

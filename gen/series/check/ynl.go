// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

const (
	specDir   = "Documentation/netlink/specs/"
	ynlRegen  = "tools/net/ynl/ynl-regen.sh"
	ynlMarker = "/* YNL-GEN "
)

// checkYNL regenerates all code that is generated from specs, which also validates the
// specs. It then generates and compiles user space code for each spec that the series
// changes.
func checkYNL(ctx context.Context, j *job) (Result, error) {
	var specs []string
	concerned := false
	for _, p := range j.Patches {
		for _, f := range p.Files {
			name := f.Name()
			if strings.HasPrefix(f.New, specDir) && strings.HasSuffix(name, ".yaml") && !slices.Contains(specs, name) {
				specs = append(specs, name)
			}
			concerned = concerned || strings.HasPrefix(name, specDir) || strings.HasPrefix(name, "tools/net/ynl/") ||
				strings.HasPrefix(name, "include/uapi/linux/")
			concerned = concerned || slices.ContainsFunc(f.Lines, func(l Line) bool { return strings.Contains(l.Text, ynlMarker) })
		}
	}
	if !concerned {
		return pass("no spec or UAPI header touched"), nil
	}
	regen, err := j.script(ctx, ynlRegen)
	if err != nil {
		return Result{}, err
	}
	if _, stderr, code, err := output(ctx, j.repo.src, "", "python3", "-c", "import yaml, jsonschema"); err != nil || code != 0 {
		if ctx.Err() != nil {
			return Result{}, err
		}
		return Result{}, fmt.Errorf("%w: %s", &ToolError{Tool: "python3 with the modules yaml and jsonschema"}, strings.TrimSpace(stderr))
	}
	stdout, stderr, code, err := output(ctx, j.repo.src, "", "bash", regen, "-f")
	if err != nil {
		return Result{}, err
	}
	diff, derr := j.repo.inOutput(ctx, j.repo.src, "diff", "--stat", "-p")
	if err := j.repo.clean(ctx); err != nil {
		return Result{}, err
	}
	switch {
	case derr != nil:
		return Result{}, derr
	case code != 0 || strings.Contains(stderr, "Traceback"):
		return fail("regeneration fails").with(stdout, stderr), nil
	case diff != "":
		return fail("generated code is out of date (run %s -f)", ynlRegen).with(diff), nil
	}
	for _, s := range specs {
		r, err := j.ynlUser(ctx, s)
		if err != nil || r.Code != Pass {
			return r, err
		}
	}
	return pass("generated code is current, %d specs valid", len(specs)), nil
}

// ynlUser generates and compiles user space code for a spec with the tree's own Makefile,
// which knows the header of each family.
func (j *job) ynlUser(ctx context.Context, spec string) (r Result, err error) {
	object := strings.TrimSuffix(filepath.Base(spec), ".yaml") + "-user.o"
	_, stderr, code, err := output(ctx, j.repo.src, "", "make", "-s", "-C", "tools/net/ynl/generated", object)
	if err != nil {
		return r, err
	}
	if err := j.repo.clean(ctx); err != nil {
		return r, err
	}
	switch {
	case code != 0:
		return fail("%s: invalid, or the generated code does not compile", spec).with(stderr), nil
	case strings.Contains(stderr, "warning:"):
		return fail("%s: the generated code compiles with warnings", spec).with(stderr), nil
	}
	return pass("%s", spec), nil
}

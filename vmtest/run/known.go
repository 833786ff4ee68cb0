// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"fmt"

	"xpsgen/vmtest/known"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

// blame tells for each splat of the guests whether the base has it, too, and which
// functions of the series are in it. With KeepReports it stores them first.
func (opt *SuiteOptions) blame(ctx context.Context, a *prepare.Artifacts, guests []*guestRun, out []verdict.Splat) error {
	var splats []vm.Splat
	for _, g := range guests {
		splats = append(splats, g.result.Splats...)
	}
	if len(splats) == 0 && !opt.KeepReports {
		return nil
	}
	base, version := opt.Source.BaseName(), a.Kernel.Version
	reports, err := known.Load(base, version, opt.Source.Fragments)
	if err != nil {
		return err
	}
	if opt.KeepReports {
		var added int
		if reports, added, err = known.Add(known.Dir(opt.Source.Root), base, version, opt.Source.Fragments, splats); err != nil {
			return err
		}
		opt.Source.Progress.Notice("known reports")(
			fmt.Sprintf("%d of %d reports are new, %d in all", added, len(splats), len(reports.Reports)))
	}
	var ours known.Ours
	if !opt.Source.Unpatched {
		t, err := opt.Source.OpenKernel(ctx)
		if err != nil {
			return err
		}
		diff, err := t.Diff(ctx, []string{"--function-context"}, "*.c", "*.h", ":(exclude)tools", ":(exclude)samples")
		if err != nil {
			return err
		}
		if ours, err = known.ReadOurs(diff); err != nil {
			return err
		}
	}
	for i := range splats {
		out[i].Ours = ours.In(&splats[i])
		out[i].Known = len(out[i].Ours) == 0 && reports.Has(&splats[i])
	}
	return nil
}

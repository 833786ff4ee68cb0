// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
)

// SurveyOptions steer [Survey].
type SurveyOptions struct {
	// Include are directories of installed headers, as [Source] has them.
	// Required.
	Include []string
	// CC is the compiler, see [CompilerFor]; Arch the target, default [HostArch].
	CC, Arch string
	// Config selects as for [Generate].
	Config *Config
	// Paths are headers to take in whole; only without Config.
	Paths []string
	// Jobs is how many compilers run at once. Default: one per CPU.
	Jobs int
}

// Survey returns the headers that Config selects, or those in Paths, or all
// below Include. left lists headers that do not compile. If such a header was
// named, that is an error instead.
func Survey(ctx context.Context, opt SurveyOptions) (headers []*Header, left []LeftOut, err error) {
	arch := opt.Arch
	if arch == "" {
		arch = HostArch()
	}
	if opt.Config != nil {
		o := &Options{Config: opt.Config, CC: opt.CC, Arch: []string{arch}, Jobs: opt.Jobs}
		ps, left, err := o.analyse(ctx, [][]string{opt.Include})
		if err != nil {
			return nil, nil, err
		}
		return ps[0].Headers, left.list, nil
	}
	cc, err := CompilerFor(opt.CC, arch)
	if err != nil {
		return nil, nil, err
	}
	paths := opt.Paths
	if len(paths) == 0 {
		if paths, err = ListHeaders(opt.Include); err != nil {
			return nil, nil, err
		}
	}
	var inputs []Input
	for _, p := range paths {
		if !includable(p) {
			return nil, nil, fmt.Errorf("%s: %w: want the form of an include line, as in \"linux/if_link.h\"", p, ErrNoHeader)
		}
		if reason := Incompatible(p); reason != "" && len(opt.Paths) == 0 {
			left = append(left, LeftOut{p, reason, true})
			continue
		}
		inputs = append(inputs, Input{Path: p, With: Prerequisites(p)})
	}
	all, errs, err := AnalyseEach(ctx, cc, opt.Include, inputs, opt.Jobs)
	if err != nil {
		return nil, nil, err
	}
	for i, h := range all {
		switch {
		case errs[i] == nil:
			headers = append(headers, h)
		case len(opt.Paths) > 0:
			return nil, nil, errs[i]
		default:
			var ce *CompileError
			reason := errs[i].Error()
			if errors.As(errs[i], &ce) && len(ce.Lines) > 0 {
				reason = ce.Lines[0]
			}
			left = append(left, LeftOut{inputs[i].Path, reason, false})
		}
	}
	return headers, left, nil
}

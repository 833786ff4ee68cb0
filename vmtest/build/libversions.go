// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/proc"
)

// libVersions asks pkg-config for the version of each library. A missing library is in the
// result, too, since configure then builds without it.
func libVersions(ctx context.Context, step string, libs []string) ([]string, error) {
	versions := map[string]string{}
	if err := askVersions(ctx, step, libs, versions); err != nil {
		return nil, err
	}
	var all []string
	for _, lib := range libs {
		version, ok := versions[lib]
		if !ok {
			version = "-"
		}
		all = append(all, lib+" "+version)
	}
	return all, nil
}

// askVersions asks for all libraries at once. One that is missing makes pkg-config fail for
// all: askVersions leaves out those that pkg-config names, or asks for each half.
func askVersions(ctx context.Context, step string, libs []string, versions map[string]string) error {
	if len(libs) == 0 {
		return nil
	}
	out, err := (&proc.Cmd{Args: append([]string{"pkg-config", "--modversion"}, libs...), Env: buildEnv()}).Output(ctx)
	var perr *proc.Error
	switch lines := strings.Fields(string(out)); {
	case err == nil && len(lines) == len(libs):
		for i, lib := range libs {
			versions[lib] = lines[i]
		}
		return nil
	case err == nil && len(libs) == 1:
		return fmt.Errorf("%s: pkg-config --modversion %s: expected a version, got %q", step, libs[0], out)
	case err == nil: // asked for each half below
	case ctx.Err() != nil:
		return err
	case !errors.As(err, &perr) || perr.ExitCode <= 0:
		return &BreakdownError{Step: step, Err: err, Log: "none",
			Cause: "a tool is missing: pkg-config", Remedy: "install it, or run xpsgen deps"}
	case len(libs) == 1:
		return nil
	default:
		rest := slices.DeleteFunc(slices.Clone(libs), func(lib string) bool {
			return strings.Contains(perr.Stderr, "Package "+lib+" was not found")
		})
		if len(rest) < len(libs) {
			return askVersions(ctx, step, rest, versions)
		}
	}
	half := len(libs) / 2
	if err := askVersions(ctx, step, libs[:half], versions); err != nil {
		return err
	}
	return askVersions(ctx, step, libs[half:], versions)
}

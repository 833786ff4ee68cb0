// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"context"
	"fmt"
	"os"

	"xpsgen/vmtest/guest/objects/record"
)

// TryMutants has ip load the objects with one mutant after the other, and returns a
// result for each. Each of builds has the mutants compiled in. opt limits the contexts and
// objects; Source is for the guest.
func TryMutants(ctx context.Context, opt Options, builds []record.Build, m record.Mutants) ([]record.MutantResult, error) {
	dir, err := os.MkdirTemp("", "ipobjects")
	if err != nil {
		return nil, fmt.Errorf("object matrix: %w", err)
	}
	defer os.RemoveAll(dir)
	made, err := Generate(ctx, dir)
	if err != nil {
		return nil, err
	}
	job := record.Job{Builds: builds, Contexts: or(opt.Contexts, record.Contexts()), Objects: made, Dir: dir, Mutants: &m}
	results, err := guest[record.MutantResult](ctx, &opt, &job)
	if err == nil && len(results) != len(m.IDs) {
		err = fmt.Errorf("object matrix: %d results, expected %d", len(results), len(m.IDs))
	}
	return results, err
}

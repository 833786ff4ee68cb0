// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/ipobjects"
)

// objectsLimit ends the guest that tries mutants with objects.
const objectsLimit = 45 * time.Minute

// tryObjects has ip load objects with each of its mutants that compile.
func (o *Options) tryObjects(ctx context.Context, c *compiled, m record.Mutants, ipFrom int, r *Result) (err error) {
	for id, v := range r.Verdicts {
		if id >= ipFrom && v.State != Refused {
			m.IDs = append(m.IDs, id)
		}
	}
	if len(m.IDs) == 0 {
		return nil
	}
	slices.Sort(m.IDs)
	defer o.Source.Progress.Step("try mutants with objects", fmt.Sprintf("%d mutants", len(m.IDs)))(&err)
	start := time.Now()
	results, err := ipobjects.TryMutants(ctx, ipobjects.Options{Source: o.Source, Machine: o.Machine, Timeout: objectsLimit}, c.ips, m)
	if err != nil {
		return err
	}
	each := time.Since(start) / time.Duration(len(m.IDs))
	for _, x := range results {
		v := r.Verdicts[x.ID]
		v.Duration += each
		v.Tests += x.Reach
		switch {
		case x.Noticed != "":
			v.State, v.By = Killed, "object "+x.Noticed
		case x.Tried > 0:
			v.State = Survived
		}
		r.Verdicts[x.ID] = v
	}
	return nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"xpsgen/vmtest/progress"
)

// Options describe a run of checks. Thread and Cache are required.
type Options struct {
	// Thread is the thread to check.
	Thread *Thread
	// Kernel is the thread whose tree has the scripts; nil if that is Thread.
	Kernel *Thread
	// Checks are the checks to run; nil means all.
	Checks []Check
	// Patch is the number of the only patch to check. Checks of the whole thread do
	// not run then. 0 means all patches.
	Patch int
	// Cache is the cache directory, see package cache.
	Cache string
	// Full builds the whole tree, not only the directories that the series touches.
	// It takes hours.
	Full bool
	// Narrow makes gcc compile only the files that the series changes, like the other
	// compilers. That is enough to find a fault that was injected into these files.
	Narrow bool
	// Jobs is how many compilers run at once; 0 means one per CPU.
	Jobs int
	// To and Cc are recipients in addition to those that the scripts name.
	To, Cc []string
	// Known runs only the checks of the text. It takes other results from the cache: a
	// check without a result for this content is Blocked.
	Known bool
	// Progress receives events about long steps. May be nil.
	Progress progress.Func
	// Row is called for each row as soon as it is complete. May be nil.
	Row func(Row)
}

// job is a run on one thread.
type job struct {
	*Thread
	opt *Options
	// scripts is the thread whose tree has the scripts.
	scripts *Thread
	memo    *memo
	states  map[string]*state
	// fresh has the results of this run that were computed ahead of their row.
	fresh map[string]Row
	// done counts the results of this run, out of total.
	done, total int
	// lacking has the missing programs of each check, by its name. mu protects it.
	lacking map[string]string
	mu      sync.Mutex
	// unlock releases the working trees; nil until a check needed them.
	unlock func()
}

// Run runs the checks and returns their rows. The order is: checks of the text, other
// checks, builds. In each group the thread comes before the patches. If a result is unknown
// and another run holds the working tree, Run waits.
//
// A check whose program is missing or too old is Blocked. Its row has Lacks, unless the
// check is optional.
func Run(ctx context.Context, opt Options) (rows []Row, err error) {
	checks := opt.Checks
	if checks == nil {
		checks = All()
	}
	t := opt.Thread
	if opt.Patch < 0 || opt.Patch > len(t.Patches) {
		return nil, fmt.Errorf("%s has %d patches, not %d", t.Name(), len(t.Patches), opt.Patch)
	}
	j := newJob(&opt)
	defer j.release()
	step := "check " + t.Name()
	if !opt.Known {
		defer opt.Progress.Step(step, fmt.Sprintf("%d patches", len(t.Patches)))(&err)
	}
	var mine []Check
	for _, c := range checks {
		if c.Applies(t) {
			mine = append(mine, c)
		}
	}
	if rows, err = j.run(ctx, mine); err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return rows, nil
}

func newJob(opt *Options) *job {
	if opt.Jobs == 0 {
		opt.Jobs = runtime.NumCPU()
	}
	j := &job{Thread: opt.Thread, opt: opt, scripts: opt.Thread,
		memo: &memo{dir: filepath.Join(opt.Cache, "series")}, states: map[string]*state{}, fresh: map[string]Row{}, lacking: map[string]string{}}
	if opt.Kernel != nil {
		j.scripts = opt.Kernel
	}
	return j
}

func (j *job) run(ctx context.Context, checks []Check) (rows []Row, err error) {
	j.total = j.count(checks)
	bad := map[string]bool{}
	add := func(c *Check, p *Patch) error {
		r, err := j.row(ctx, c, p, bad)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if r.Code.Failed() {
			bad[c.Name] = true
			if p != nil {
				bad[fmt.Sprintf("%s %d", c.Name, p.N)] = true
			}
		}
		rows = append(rows, r)
		j.advanced(c)
		if j.opt.Row != nil {
			j.opt.Row(r)
		}
		return nil
	}
	// A damaged patch does not apply either, so run the text checks first.
	each := func(want func(c *Check) bool) error {
		for i := range checks {
			c := &checks[i]
			if c.thread == nil || !want(c) || j.opt.Patch != 0 {
				continue
			}
			if err := add(c, nil); err != nil {
				return err
			}
		}
		for _, p := range j.Patches {
			if j.opt.Patch != 0 && p.N != j.opt.Patch {
				continue
			}
			for i := range checks {
				c := &checks[i]
				if c.patch == nil || !want(c) {
					continue
				}
				if err := add(c, p); err != nil {
					return err
				}
			}
		}
		return nil
	}
	isApply := func(c *Check) bool { return c.Name == "apply" }
	if err := each(func(c *Check) bool { return c.text && !isApply(c) }); err != nil {
		return rows, err
	}
	if err := each(isApply); err != nil {
		return rows, err
	}
	if !j.opt.Known {
		if err := j.ahead(ctx, checks); err != nil {
			return rows, err
		}
	}
	if err := each(func(c *Check) bool { return !c.text && !c.builds }); err != nil {
		return rows, err
	}
	if !j.opt.Known {
		if err := j.prepareBuilds(ctx, checks); err != nil {
			return rows, err
		}
	}
	return rows, each(func(c *Check) bool { return c.builds })
}

// row runs one check, or returns its cached result.
func (j *job) row(ctx context.Context, c *Check, p *Patch, bad map[string]bool) (Row, error) {
	r := Row{Project: j.Project, Series: j.Series, Base: j.Base, Check: c.Name, Command: j.command(c, p)}
	if p != nil {
		r.Patch, r.Key, r.Subject = p.N, p.Key, p.Title
	}
	switch {
	case c.Name == "apply" && bad["whitespace"]:
		r.Result = Result{Code: Blocked, Summary: "a patch is damaged (see whitespace)"}
		return r, nil
	case !c.text && j.ApplyErr != nil:
		r.Result = Result{Code: Blocked, Summary: "the series does not apply"}
		return r, nil
	case c.builds && c.Name != "build_gcc" && p != nil && bad[fmt.Sprintf("build_gcc %d", p.N)]:
		r.Result = Result{Code: Blocked, Summary: "does not pass build_gcc"}
		return r, nil
	}
	key := j.memoKey(c, p)
	if f, ok := j.fresh[key]; ok {
		r.Result, r.Elapsed = f.Result, f.Elapsed
		j.done-- // counted when it was computed
		return r, nil
	}
	if res, ok := j.memo.get(key); ok {
		r.Result, r.Cached = res, true
		return r, nil
	}
	if j.opt.Known && !c.text {
		r.Result = Result{Code: Blocked, Summary: "not checked yet"}
		return r, nil
	}
	if lacks, err := j.lacks(ctx, c, p); err != nil {
		return r, err
	} else if lacks != "" {
		r.Result = Result{Code: Blocked, Summary: lacks, Lacks: !c.optional}
		return r, nil
	}
	if !c.text {
		if err := j.lock(ctx, "check "); err != nil {
			return r, err
		}
		// Another run may have computed the result while this one waited.
		if res, ok := j.memo.get(key); ok {
			r.Result, r.Cached = res, true
			return r, nil
		}
	}
	made, err := j.make(ctx, c, p)
	if err != nil {
		return r, err
	}
	r.Result, r.Elapsed = made.Result, made.Elapsed
	if r.Code == Blocked {
		return r, nil
	}
	return r, j.memo.put(key, r.Result)
}

// make runs one check and measures its duration.
func (j *job) make(ctx context.Context, c *Check, p *Patch) (r Row, err error) {
	start := time.Now()
	if p != nil {
		r.Result, err = c.patch(ctx, j, p)
	} else {
		r.Result, err = c.thread(ctx, j)
	}
	r.Elapsed = time.Since(start)
	var missing *ToolError
	if errors.As(err, &missing) {
		r.Result, err = Result{Code: Blocked, Summary: missing.Error(), Lacks: missing.Tree == ""}, nil
	}
	return r, err
}

// count returns the number of results of the checks.
func (j *job) count(checks []Check) (n int) {
	for i := range checks {
		switch {
		case checks[i].thread != nil && j.opt.Patch == 0:
			n++
		case checks[i].patch != nil && j.opt.Patch != 0:
			n++
		case checks[i].patch != nil:
			n += len(j.Patches)
		}
	}
	return n
}

// advanced counts a result.
func (j *job) advanced(c *Check) {
	j.done++
	if j.opt.Known {
		return
	}
	j.opt.Progress.Emit(progress.Event{Step: "check " + j.Name(), State: progress.Advanced,
		Text: c.Name, Done: int64(j.done), Total: int64(j.total), Unit: "checks"})
}

// command returns the command line that runs one check alone.
func (j *job) command(c *Check, p *Patch) string {
	s := "xpsgen series check --only " + c.Name
	if p != nil {
		s += fmt.Sprintf(" --patch %d", p.N)
	}
	if j.opt.Full {
		s += " --full"
	}
	return s + " " + j.Name()
}

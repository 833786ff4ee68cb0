// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"xpsgen/vmtest/progress"
)

// Options say how to check. Thread and Cache are required.
type Options struct {
	// Thread is what to check.
	Thread *Thread
	// Kernel is the kernel's thread, whose tree has the scripts; nil if
	// Thread is the kernel's.
	Kernel *Thread
	// Checks are which checks to make; nil means all.
	Checks []Check
	// Patch is the number of the only patch to look at, and then no check of
	// the thread as a whole is made; 0 means all.
	Patch int
	// Cache is the cache directory, see xpsgen/vmtest/cache.
	Cache string
	// Full builds the whole tree, not only the directories that the series
	// touches. That takes hours.
	Full bool
	// Jobs is how many compilers run at once; 0 means one per CPU.
	Jobs int
	// To and Cc get a copy whatever the scripts say.
	To, Cc []string
	// Known makes no check, but tells what is known: a check that was not
	// made of this very content is Blocked.
	Known bool
	// Progress hears what takes long. May be nil.
	Progress progress.Func
	// Row hears of each row as soon as it is there. May be nil.
	Row func(Row)
}

// job is one run over one thread.
type job struct {
	*Thread
	opt *Options
	// scripts is the tree whose scripts run.
	scripts *Thread
	memo    *memo
	states  map[string]*state
	// fresh are the results of this run that were made ahead of their row.
	fresh map[string]Row
	// done counts the results that are there, of total.
	done, total int
	// unlock gives back the working trees; nil until a check needed them.
	unlock func()
}

// Run makes the checks and returns their rows: first those of the thread, then
// patch by patch. It waits while another run has the thread's working tree,
// unless all results are known.
//
// Returns an error wrapping a [*ToolError] if a program is missing.
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
		if c.of(t) {
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
		memo: &memo{dir: filepath.Join(opt.Cache, "series")}, states: map[string]*state{}, fresh: map[string]Row{}}
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
	// Damaged patches do not apply either, so text comes first.
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

// row makes one check, or finds what it said before.
func (j *job) row(ctx context.Context, c *Check, p *Patch, bad map[string]bool) (Row, error) {
	r := Row{Project: j.Project, Series: j.Series, Base: j.Base, Check: c.Name, Command: j.command(c, p)}
	if p != nil {
		r.Patch, r.Key, r.Subject = p.N, p.Key, p.Title
	}
	switch {
	case c.Name == "apply" && bad["whitespace"]:
		r.Result = Result{Code: Blocked, Summary: "a patch is damaged, see whitespace"}
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
		j.done-- // it counted when it was made
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
	if err := j.needTools(c, p); err != nil {
		return r, err
	}
	if !c.text {
		if err := j.lock(ctx, "check "); err != nil {
			return r, err
		}
		// Whoever had the trees may have been at the same.
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

// make makes one check, and says how long it took.
func (j *job) make(ctx context.Context, c *Check, p *Patch) (r Row, err error) {
	start := time.Now()
	if p != nil {
		r.Result, err = c.patch(ctx, j, p)
	} else {
		r.Result, err = c.thread(ctx, j)
	}
	r.Elapsed = time.Since(start)
	var missing *ToolError
	if errors.As(err, &missing) && missing.Tree != "" {
		r.Result, err = Result{Code: Blocked, Summary: missing.Error()}, nil
	}
	return r, err
}

// count tells how many results checks come to.
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

// advanced counts another result.
func (j *job) advanced(c *Check) {
	j.done++
	if j.opt.Known {
		return
	}
	j.opt.Progress.Emit(progress.Event{Step: "check " + j.Name(), State: progress.Advanced,
		Text: c.Name, Done: int64(j.done), Total: int64(j.total), Unit: "checks"})
}

// command is the line that makes one check alone.
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

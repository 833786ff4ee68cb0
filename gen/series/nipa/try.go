// SPDX-License-Identifier: GPL-2.0-only OR MIT

package nipa

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/gen/series/check"
	"xpsgen/vmtest/tree/manifest"
)

// Tried is the result of a fault.
type Tried struct {
	Fault
	// Row is the row of our check.
	Row check.Row
	// Theirs is NIPA's result; nil if its test was not run, and Why says why.
	Theirs *Result
	Why    string
}

// Blocked reports whether our check did not run.
func (t *Tried) Blocked() bool { return t.Row.Code == check.Blocked }

// Noticed reports whether our check has a finding. A check that did not run has none.
func (t *Tried) Noticed() bool { return t.Row.Code.Failed() || t.Row.Code == check.Warning }

// Agrees reports whether our check and NIPA's test both have a finding, or both have none.
// It returns true if NIPA's test did not run.
func (t *Tried) Agrees() bool { return t.Theirs == nil || t.Noticed() == (t.Theirs.Code != check.Pass) }

// Try puts a fault into the thread of opt, and runs our check and NIPA's test. mails is the
// directory of the exported mails. NIPA's tests that compile whole trees run only with
// builds.
func (r *Runner) Try(ctx context.Context, opt check.Options, mails string, f Fault, builds bool) (tried Tried, err error) {
	tried.Fault = f
	fail := func(err error) (Tried, error) {
		return tried, fmt.Errorf("try %s in %s: %w", f.Name, f.File, err)
	}
	t, err := opt.Thread.Alter(ctx, f.Alteration)
	if err != nil {
		return fail(err)
	}
	if f.Coverless {
		t.Cover = nil
	}
	n := f.Alteration.Patch
	if opt.Checks, err = check.Select([]string{f.Check}); err != nil {
		return fail(err)
	}
	opt.Thread, opt.Narrow = t, true
	if opt.Patch = n; f.Coverless || slices.Contains([]string{"ynl", "maintainers"}, f.Check) {
		opt.Patch = 0 // a check of the thread
	}
	rows, err := check.Run(ctx, opt)
	if err != nil {
		return fail(err)
	}
	if len(rows) == 0 {
		return fail(fmt.Errorf("%s: the check returned no row", f.Check))
	}
	tried.Row = rows[len(rows)-1]
	if tried.Why = r.whyNot(t, f, builds); tried.Why != "" {
		return tried, nil
	}
	dir, err := os.MkdirTemp(r.Work, "mails-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	base := t.Patches[n-1].Before
	if f.Coverless {
		base = t.BaseCommit
	}
	if err := writeMails(dir, mails, t, n, f.Coverless); err != nil {
		return fail(err)
	}
	results, err := r.Run(ctx, t, base, dir, []string{f.Test})
	if err != nil {
		return fail(err)
	}
	tried.Theirs = &results[len(results)-1]
	return tried, nil
}

// whyNot says why NIPA's test does not run.
func (r *Runner) whyNot(t *check.Thread, f Fault, builds bool) string {
	if t.Build != manifest.BuildKbuild {
		return "NIPA tests kernel trees only"
	}
	if f.Test == "" {
		return "NIPA has no test for it"
	}
	for _, test := range check.NIPA() {
		if test.Name == f.Test && test.Builds && !builds {
			return test.Name + " compiles the whole tree: not run"
		}
	}
	return ""
}

// writeMails writes the mail of an altered patch, or all of them without the cover. The
// headers are those of the exported mail.
func writeMails(dir, mails string, t *check.Thread, n int, all bool) error {
	entries, err := os.ReadDir(mails)
	if err != nil {
		return err
	}
	first := len(entries)
	for i, e := range entries {
		if strings.HasPrefix(e.Name(), "0001") {
			first = i
			break
		}
	}
	if len(entries) < first+len(t.Patches) {
		return fmt.Errorf("%s: %d mails, expected at least %d (one per patch)", mails, len(entries), first+len(t.Patches))
	}
	for i, p := range t.Patches {
		if !all && p.N != n {
			continue
		}
		data, err := os.ReadFile(filepath.Join(mails, entries[first+i].Name()))
		if err != nil {
			return err
		}
		head, _, _ := strings.Cut(string(data), "\n\n")
		_, body, _ := strings.Cut(p.Text, "\n\n")
		if p.Author != "" && p.N == n {
			head = replaceFrom(head, p.Author+" <"+p.Email+">")
		}
		if err := os.WriteFile(filepath.Join(dir, entries[first+i].Name()), []byte(head+"\n\n"+body), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// replaceFrom sets the sender of a mail's header.
func replaceFrom(head, from string) string {
	lines := strings.Split(head, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "From: ") {
			lines[i] = "From: " + from
		}
	}
	return strings.Join(lines, "\n")
}

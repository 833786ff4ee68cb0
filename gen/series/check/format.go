// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// coverFrom is the number of patches from which a series needs a cover letter.
const coverFrom = 3

func checkCover(_ context.Context, j *job) (Result, error) {
	switch {
	case len(strings.TrimSpace(string(j.Cover))) > 0:
		return pass("present"), nil
	case len(j.Patches) < coverFrom:
		return pass("not needed for %d patches", len(j.Patches)), nil
	}
	return fail("%d patches without a cover letter (write %s)", len(j.Patches), CoverName), nil
}

func checkCount(_ context.Context, j *job) (Result, error) {
	if n, most := len(j.Patches), j.Target.MaxPatches; most > 0 && n > most {
		return fail("%d patches, maximum is %d (split the series)", n, most), nil
	}
	return pass("%d patches", len(j.Patches)), nil
}

// stages are the words in a subject's brackets that do not name a tree.
var stages = []string{"RFC", "PATCH", "RESEND"}

var counter = lazyregexp.New(`^(v\d+|\d+/\d+)$`)

// treeTags returns the words in brackets without stage, version and number.
func treeTags(prefix string) (tags []string) {
	for _, w := range strings.FieldsFunc(prefix, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.Contains(stages, strings.ToUpper(w)) && !counter.MatchString(w) {
			tags = append(tags, w)
		}
	}
	return tags
}

func checkTreeTag(_ context.Context, j *job) (Result, error) {
	tags := treeTags(j.Prefix)
	switch {
	case len(tags) > 0:
		return pass("[%s]", j.Prefix), nil
	case j.Target.Name == "":
		return pass("the series has no target tree"), nil
	}
	return fail("prefix %q names no tree (write %q into series.toml)", j.Prefix,
		strings.TrimSpace(j.Prefix+" "+j.Target.Name)), nil
}

var subjectBrackets = lazyregexp.New(`^\[([^\]]*)\]`)

func checkPrefix(_ context.Context, j *job) (Result, error) {
	if j.Target.Name == "" {
		return pass("the series has no target"), nil
	}
	var wrong []string
	judge := func(what string, tags []string) {
		for _, tag := range tags {
			if tag != j.Target.Name {
				wrong = append(wrong, fmt.Sprintf("%s: [%s], but the series is for %s", what, tag, j.Target.Name))
			}
		}
	}
	judge("series.toml", treeTags(j.Prefix))
	for _, p := range j.Patches {
		if m := subjectBrackets.FindStringSubmatch(p.Subject); m != nil {
			judge(p.File, treeTags(m[1]))
		}
	}
	if len(wrong) > 0 {
		return fail("%s", wrong[0]).with(wrong...), nil
	}
	return pass("[%s]", j.Prefix), nil
}

func checkWhitespace(_ context.Context, j *job, p *Patch) (Result, error) {
	var found []string
	stopped := j.ApplyErr != nil && j.ApplyErr.N == p.N
	if strings.Contains(p.Text, "\r\n") {
		found = append(found, "lines end in CR LF (damaged by a mail program)")
	}
	for _, f := range p.Files {
		for _, l := range f.Lines {
			at := fmt.Sprintf("%s:%d: ", f.Name(), l.New)
			switch {
			case l.Op == '+' && strings.TrimRight(l.Text, " \t") != l.Text:
				found = append(found, at+"trailing spaces")
			case stopped && l.Op != '+' && strings.HasPrefix(l.Text, "        "):
				// The tree has tabs in context lines. These spaces are likely why the patch
				// does not apply.
				found = append(found, at+"tabs were converted to spaces (damaged by a mail program)")
			case l.Op == '+' && spaceBeforeTab.MatchString(l.Text):
				found = append(found, at+"space before a tab")
			}
		}
	}
	if len(found) > 0 {
		return fail("%s", found[0]).with(found...), nil
	}
	return pass("none"), nil
}

var spaceBeforeTab = lazyregexp.New(`^\t* +\t`)

func checkApply(_ context.Context, j *job) (Result, error) {
	if e := j.ApplyErr; e != nil {
		return fail("%s, patch %d of %d, does not apply: %s", e.Patch.Step(), e.N, e.Total, strings.TrimSpace(e.File+" "+e.Reason)).with(e.Error(), e.Output), nil
	}
	on := j.Origin
	if len(j.Stands) > 0 {
		on += " with " + strings.Join(j.Stands, ", ")
	}
	return pass("%d patches on %s", len(j.Patches), on), nil
}

// checkBase compares the old object names in each patch with the files of the tree. git
// silently applies a patch to another base if the context lines match.
func checkBase(ctx context.Context, j *job) (Result, error) {
	var wrong []string
	for _, p := range j.Patches {
		for _, f := range p.Files {
			if f.Old == "" || f.OldBlob == "" {
				continue
			}
			blob, err := j.repo.git(ctx, "rev-parse", "--verify", p.Before+":"+f.Old)
			if err != nil {
				return Result{}, err
			}
			if !strings.HasPrefix(blob, f.OldBlob) {
				wrong = append(wrong, fmt.Sprintf("%s: %s: patch is based on %.12s, base has %.12s",
					p.File, f.Old, f.OldBlob, blob))
			}
		}
	}
	switch {
	case len(wrong) > 0:
		return fail("the patches are based on another base: %s", wrong[0]).with(append(wrong,
			"refresh the patches: xpsgen series refresh "+j.Name())...), nil
	case j.Commit != "":
		return pass("base-commit: %s", j.Commit), nil
	case len(j.Prefix) >= 3 && strings.HasPrefix(strings.ToUpper(j.Prefix), "RFC"):
		return pass("%s is not a public commit; the cover says so", j.Origin), nil
	}
	return warn("%s is not a public commit (rebase before sending as PATCH)", j.Origin), nil
}

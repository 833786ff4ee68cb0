// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// coverFrom is from how many patches on a series needs a cover letter.
const coverFrom = 3

func checkCover(_ context.Context, j *job) (Result, error) {
	switch {
	case len(strings.TrimSpace(string(j.Cover))) > 0:
		return pass("there is one"), nil
	case len(j.Patches) < coverFrom:
		return pass("%d patches need none", len(j.Patches)), nil
	}
	return fail("%d patches and no cover letter: write %s", len(j.Patches), CoverName), nil
}

func checkCount(_ context.Context, j *job) (Result, error) {
	if n, most := len(j.Patches), j.Target.MaxPatches; most > 0 && n > most {
		return fail("%d patches, at most %d are taken: split the series", n, most), nil
	}
	return pass("%d patches", len(j.Patches)), nil
}

// stages are the words of a subject's brackets that do not name a tree.
var stages = []string{"RFC", "PATCH", "RESEND"}

var counter = regexp.MustCompile(`^(v\d+|\d+/\d+)$`)

// treeTags are the words in brackets that are left when what says stage,
// version and number is taken away.
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
		return pass("the series has no target, and its subject names no tree"), nil
	}
	return fail("prefix %q names no tree: write %q into series.toml", j.Prefix,
		strings.TrimSpace(j.Prefix+" "+j.Target.Name)), nil
}

var subjectBrackets = regexp.MustCompile(`^\[([^\]]*)\]`)

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
		found = append(found, "lines end in CR LF: the patch went through a mailer that damages it")
	}
	for _, f := range p.Files {
		for _, l := range f.Lines {
			at := fmt.Sprintf("%s:%d: ", f.Name(), l.New)
			switch {
			case l.Op == '+' && strings.TrimRight(l.Text, " \t") != l.Text:
				found = append(found, at+"blanks at the end of the line")
			case stopped && l.Op != '+' && strings.HasPrefix(l.Text, "        "):
				// What is there already is indented by tabs, or it would apply.
				found = append(found, at+"tabs have become blanks: the patch went through a mailer that damages it")
			case l.Op == '+' && spaceBeforeTab.MatchString(l.Text):
				found = append(found, at+"blank before a tab")
			}
		}
	}
	if len(found) > 0 {
		return fail("%s", found[0]).with(found...), nil
	}
	return pass("none"), nil
}

var spaceBeforeTab = regexp.MustCompile(`^\t* +\t`)

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

// checkBase compares what each patch says that its files were with what they
// are: git applies a patch to another base without a word, as long as the
// lines around fit.
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
				wrong = append(wrong, fmt.Sprintf("%s: %s was %.12s when the patch was made, here it is %.12s",
					p.File, f.Old, f.OldBlob, blob))
			}
		}
	}
	switch {
	case len(wrong) > 0:
		return fail("made on another base: %s", wrong[0]).with(append(wrong,
			"renew them: xpsgen series refresh "+j.Name())...), nil
	case j.Commit != "":
		return pass("base-commit: %s", j.Commit), nil
	case len(j.Prefix) >= 3 && strings.HasPrefix(strings.ToUpper(j.Prefix), "RFC"):
		return pass("%s, no public commit; the cover says so", j.Origin), nil
	}
	return warn("%s is no commit of a public tree: rebase before this is sent as PATCH", j.Origin), nil
}

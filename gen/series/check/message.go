// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	seriesmail "xpsgen/gen/series/mail"
	"xpsgen/vmtest/git"
	"xpsgen/vmtest/lazyregexp"
)

// Placeholder reports whether an address belongs to no real person, such as the
// workbench's own address.
func Placeholder(address string) bool { return seriesmail.Placeholder(address) }

func checkFixesPresent(_ context.Context, j *job) (Result, error) {
	if !j.Target.Fixes {
		return pass("%s takes features", j.target()), nil
	}
	code := false
	for _, p := range j.Patches {
		if len(p.Trailers("Fixes")) > 0 {
			return pass("patch %d has one", p.N), nil
		}
		for _, f := range p.Files {
			code = code || !strings.HasPrefix(f.Name(), "Documentation/") && f.Name() != "MAINTAINERS"
		}
	}
	if !code {
		return pass("documentation only"), nil
	}
	return fail("%s takes fixes only, and no patch has a Fixes:", j.target()), nil
}

// target returns the name of the tree that the thread is for.
func (t *Thread) target() string {
	if t.Target.Name == "" {
		return "any tree"
	}
	return t.Target.Name
}

func checkSignedOff(_ context.Context, _ *job, p *Patch) (Result, error) {
	signed := p.Trailers("Signed-off-by")
	for _, s := range signed {
		a, err := mail.ParseAddress(s)
		if err != nil {
			return fail("Signed-off-by: %s: no name and address", s), nil
		}
		if Placeholder(a.Address) {
			return fail("Signed-off-by: %s: placeholder address", s), nil
		}
		if strings.EqualFold(a.Address, p.Email) || strings.EqualFold(a.Name, p.Author) {
			return coDeveloped(p)
		}
	}
	// An export with a sign-off replaces the workbench's placeholder. Any other made-up
	// address is a mistake, for example from a git without a configured identity.
	if Placeholder(p.Email) && p.Email != git.Email {
		return fail("author %s <%s> is neither the placeholder %s nor a person (amend the commit with git commit --amend --author)",
			p.Author, p.Email, git.Email), nil
	}
	if p.Email == git.Email && len(signed) == 0 {
		return warn("missing (a person adds it: xpsgen series export --sign-off)"), nil
	}
	return fail("no Signed-off-by of %s <%s>", p.Author, p.Email), nil
}

// coDeveloped requires the person's Signed-off-by directly below each Co-developed-by.
func coDeveloped(p *Patch) (Result, error) {
	lines := strings.Split(p.Body, "\n")
	for i, line := range lines {
		who, ok := strings.CutPrefix(line, "Co-developed-by: ")
		if ok && (i+1 == len(lines) || lines[i+1] != "Signed-off-by: "+who) {
			return fail("Co-developed-by: %s: not directly followed by that person's Signed-off-by", who), nil
		}
	}
	return pass("by its author"), nil
}

var fixesLine = lazyregexp.New(`^([0-9a-f]+) \("(.*)"\)$`)

// checkFixes checks the format. It checks the commit too if the repository has it: a base
// from a package has no history.
func checkFixes(ctx context.Context, j *job, p *Patch) (Result, error) {
	values := p.Trailers("Fixes")
	if len(values) == 0 {
		return pass("no Fixes:"), nil
	}
	known := 0
	for _, v := range values {
		m := fixesLine.FindStringSubmatch(v)
		switch {
		case m == nil:
			return fail("Fixes: %s: not of the form 12 digits (\"subject\")", v), nil
		case len(m[1]) < 12:
			return fail("Fixes: %s: %d digits instead of 12", v, len(m[1])), nil
		}
		subject, err := j.repo.git(ctx, "log", "-1", "--format=%s", m[1], "--")
		if err != nil {
			if ctx.Err() != nil {
				return Result{}, err
			}
			continue
		}
		known++
		if subject != m[2] {
			return fail("Fixes: %s: the subject of the commit is %q", m[1], subject), nil
		}
	}
	if known < len(values) {
		return pass("well formed; %d not looked up, the base has no history", len(values)-known), nil
	}
	return pass("%d", len(values)), nil
}

func checkSourceInline(_ context.Context, _ *job, p *Patch) (Result, error) {
	c := hasSuffix(".c")
	now, before := grep(added(p.Files, c), inlineWord), grep(removed(p.Files, c), inlineWord)
	switch {
	case len(now) == 0:
		return pass("none"), nil
	case len(now) == len(before):
		return warn("was: %d now: %d", len(before), len(now)).with(now...), nil
	}
	return fail("was: %d now: %d (leave inlining to the compiler)", len(before), len(now)).with(now...), nil
}

// inlineWord matches the word inline outside comments.
var inlineWord = lazyregexp.New(`(?i)^([^*/]*\W|)inline\W`)

var (
	staticInHeader = lazyregexp.New(`^static .*\(.*[^\\]$`)
	inlineInHeader = lazyregexp.New(`^static (__always_)?inline`)
	plainInHeader  = lazyregexp.New(`^(static )?((unsigned|long|short) )*(char|bool|void|int|u[0-9]*) [0-9A-Za-z_]*\(.*\) *\{.*[^\\]$`)
)

func checkHeaderInline(_ context.Context, _ *job, p *Patch) (Result, error) {
	var found []string
	for _, f := range p.Files {
		if !strings.HasSuffix(f.New, ".h") {
			continue
		}
		for _, l := range f.Lines {
			if l.Op != '+' || inlineInHeader.MatchString(l.Text) {
				continue
			}
			if staticInHeader.MatchString(l.Text) || plainInHeader.MatchString(l.Text) {
				found = append(found, fmt.Sprintf("%s:%d: %s", f.New, l.New, l.Text))
			}
		}
	}
	if len(found) > 0 {
		return fail("a function in a header that is not static inline").with(found...), nil
	}
	return pass("none"), nil
}

// deprecated are interfaces that netdev no longer accepts.
var deprecated = []struct {
	word  *lazyregexp.Regexp
	under string
	code  Code
}{
	{lazyregexp.New(`\Wdev_hold\(`), "", Warning},
	{lazyregexp.New(`\Wdev_put\(`), "", Warning},
	{lazyregexp.New(`\Wput_net\(`), "", Warning},
	{lazyregexp.New(`\Wget_net\(`), "", Warning},
	{lazyregexp.New(`\Winit_dummy_netdev\(`), "", Warning},
	// maintainer-netdev.rst discourages them in all new networking code.
	{lazyregexp.New(`\W__free\(`), "", Warning},
	{lazyregexp.New(`(^|\W)(scoped_)?guard\(`), "", Warning},
	{lazyregexp.New(`module_param`), "", Fail},
}

func checkDeprecated(_ context.Context, _ *job, p *Patch) (Result, error) {
	code := Pass
	var found []string
	kernelCode := func(name string) bool {
		return hasSuffix(".c", ".h")(name) && !strings.HasPrefix(name, "tools/") && !strings.HasPrefix(name, "samples/")
	}
	for _, d := range deprecated {
		now := grep(added(p.Files, kernelCode), d.word)
		before := grep(removed(p.Files, kernelCode), d.word)
		if len(now) <= len(before) {
			continue
		}
		if code != Fail {
			code = d.code
		}
		found = append(found, now...)
	}
	if code == Pass {
		return pass("none"), nil
	}
	return Result{Code: code, Summary: "deprecated: " + strings.TrimSpace(found[0])}.with(found...), nil
}

// grep returns the texts of the lines that match.
func grep(lines []Line, re *lazyregexp.Regexp) (found []string) {
	for _, l := range lines {
		if re.MatchString(l.Text) {
			found = append(found, l.Text)
		}
	}
	return found
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// lint is a linter for one type of file.
type lint struct {
	// language is as in [job.language]; empty if the suffix tells.
	language, suffix string
	args             []string
	// finding matches a line of output. Its groups are the severity and the text.
	finding *lazyregexp.Regexp
	// fatal matches the severity of an error. strict makes every finding an error if the
	// file is new or had none. It is for files whose name has a suffix, which NIPA checks
	// too. In other files a note is not a finding.
	fatal  *lazyregexp.Regexp
	strict bool
}

var (
	// SC2317 and SC2329 give false positives for functions that are called indirectly.
	shellLint = lint{language: "sh", args: []string{"shellcheck", "-x", "-f", "gcc", "-e", "SC2317,SC2329"}, strict: true,
		finding: lazyregexp.New(`^[^:]+:\d+:\d+: (\w+): (.*)$`), fatal: lazyregexp.New(`^error$`)}
	yamlLint = lint{suffix: ".yaml", args: []string{"yamllint", "-f", "parsable"},
		finding: lazyregexp.New(`^[^:]+:\d+:\d+: \[(\w+)\] (.*)$`), fatal: lazyregexp.New(`^error$`)}
	pythonLint = lint{language: "python", args: []string{"pylint", "--score=n"},
		finding: lazyregexp.New(`^[^:]+:\d+:\d+: ([A-Z]\d{4}): (.*)$`), fatal: lazyregexp.New(`^[EF]`)}
	ruffLint = lint{language: "python", args: []string{"ruff", "check", "--output-format", "pylint"},
		finding: lazyregexp.New(`^[^:]+:\d+: \[([\w-]+)\] (.*)$`), fatal: lazyregexp.New(`.`)}
)

func checkShell(ctx context.Context, j *job, p *Patch) (Result, error) {
	return j.lint(ctx, p, &shellLint)
}

func checkYAML(ctx context.Context, j *job, p *Patch) (Result, error) {
	return j.lint(ctx, p, &yamlLint)
}

func checkPylint(ctx context.Context, j *job, p *Patch) (Result, error) {
	return j.lint(ctx, p, &pythonLint)
}

func checkRuff(ctx context.Context, j *job, p *Patch) (Result, error) {
	return j.lint(ctx, p, &ruffLint)
}

// lint fails on new errors. Other new findings are warnings.
func (j *job) lint(ctx context.Context, p *Patch, l *lint) (Result, error) {
	var errs, warns []string
	n := 0
	for _, f := range p.Files {
		if f.New == "" {
			continue
		}
		if l.suffix != "" {
			if !strings.HasSuffix(f.New, l.suffix) {
				continue
			}
		} else if language, err := j.language(ctx, p.After, f.New); err != nil {
			return Result{}, err
		} else if language != l.language {
			continue
		}
		n++
		is, err := j.lintFile(ctx, p.After, f.New, l)
		if err != nil {
			return Result{}, err
		}
		was := findings{}
		if f.Old != "" {
			if was, err = j.lintFile(ctx, p.Before, f.Old, l); err != nil {
				return Result{}, err
			}
		}
		for _, text := range is.minus(was) {
			severity, _, _ := strings.Cut(text, ": ")
			named := hasSuffix(".sh", ".py", ".yaml")(f.New)
			if severity == "note" && !named {
				continue
			}
			if l.strict && named && was.total() == 0 || l.fatal.MatchString(severity) {
				errs = append(errs, f.New+": "+text)
			} else {
				warns = append(warns, f.New+": "+text)
			}
		}
	}
	switch {
	case len(errs) > 0:
		return fail("%d new: %s", len(errs), errs[0]).with(append(errs, warns...)...), nil
	case len(warns) > 0:
		return warn("%d new: %s", len(warns), warns[0]).with(warns...), nil
	case n == 0:
		return pass("no %s file touched", strings.TrimPrefix(l.suffix+l.language, ".")), nil
	}
	return pass("%d files", n), nil
}

func (j *job) lintFile(ctx context.Context, commit, name string, l *lint) (findings, error) {
	if err := j.repo.at(ctx, commit); err != nil {
		return nil, err
	}
	path := filepath.Join(j.repo.src, name)
	args := append(append([]string{}, l.args...), filepath.Base(path))
	stdout, stderr, code, err := output(ctx, filepath.Dir(path), "", args...)
	if err != nil {
		return nil, err
	}
	all := findings{}
	for line := range strings.Lines(stdout) {
		if m := l.finding.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			all[m[1]+": "+m[2]]++
		}
	}
	if code != 0 && len(all) == 0 {
		return nil, fmt.Errorf("%s %s: exit %d: %s", l.args[0], name, code, strings.TrimSpace(stderr+stdout))
	}
	return all, nil
}

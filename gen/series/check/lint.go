// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// lint is a linter for one type of file.
type lint struct {
	suffix string
	args   []string
	// finding matches a line of output: file or position, severity, text.
	finding *regexp.Regexp
}

var (
	// SC2317 and SC2329 give false positives for functions that are called by name.
	shellLint = lint{".sh", []string{"shellcheck", "-x", "-f", "gcc", "-e", "SC2317,SC2329"},
		regexp.MustCompile(`^[^:]+:\d+:\d+: (\w+): (.*)$`)}
	yamlLint = lint{".yaml", []string{"yamllint", "-f", "parsable"},
		regexp.MustCompile(`^[^:]+:\d+:\d+: \[(\w+)\] (.*)$`)}
)

func checkShell(ctx context.Context, j *job, p *Patch) (Result, error) {
	return j.lint(ctx, p, &shellLint)
}

func checkYAML(ctx context.Context, j *job, p *Patch) (Result, error) {
	return j.lint(ctx, p, &yamlLint)
}

// lint fails on new errors. In a new or previously clean file it fails on any finding.
// New warnings cause a warning.
func (j *job) lint(ctx context.Context, p *Patch, l *lint) (Result, error) {
	var errs, warns []string
	n := 0
	for _, f := range p.Files {
		if !strings.HasSuffix(f.New, l.suffix) {
			continue
		}
		n++
		var was, is findings
		var err error
		if f.Old != "" {
			if was, err = j.lintFile(ctx, p.Before, f.Old, l); err != nil {
				return Result{}, err
			}
		}
		if is, err = j.lintFile(ctx, p.After, f.New, l); err != nil {
			return Result{}, err
		}
		for _, text := range is.minus(was) {
			if was.total() == 0 || strings.HasPrefix(text, "error: ") {
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
		return pass("no %s file touched", l.suffix), nil
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

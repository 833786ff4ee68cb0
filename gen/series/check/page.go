// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

//go:embed page.py
var pageScript string

var manualPage = lazyregexp.New(`\.[1-9](?:\.in)?$`)

// isPage reports whether a file is documentation with markup that can be wrong.
func isPage(name string) bool {
	return strings.HasSuffix(name, ".rst") || strings.HasPrefix(name, "man/") && manualPage.MatchString(name)
}

// checkPages compares what docutils and groff find wrong in the markup of pages before and
// after the patch.
func checkPages(ctx context.Context, j *job, p *Patch) (Result, error) {
	var wrong []string
	n := 0
	for _, f := range p.Files {
		if f.New == "" || !isPage(f.New) {
			continue
		}
		n++
		was, err := j.pageFindings(ctx, p.Before, f.Old)
		if err != nil {
			return Result{}, err
		}
		is, err := j.pageFindings(ctx, p.After, f.New)
		if err != nil {
			return Result{}, err
		}
		for _, text := range is.minus(was) {
			wrong = append(wrong, f.New+": "+text)
		}
	}
	switch {
	case len(wrong) > 0:
		return fail("%d new: %s", len(wrong), wrong[0]).with(wrong...), nil
	case n == 0:
		return pass("no page touched"), nil
	}
	return pass("%d pages", n), nil
}

var groffFinding = lazyregexp.New(`^(?:\w+: ?)?[^:]*:\d+: (.*)$`)

func (j *job) pageFindings(ctx context.Context, commit, name string) (findings, error) {
	all := findings{}
	if name == "" {
		return all, nil
	}
	text, ok, err := j.repo.show(ctx, commit, name)
	if err != nil || !ok {
		return all, err
	}
	if strings.HasSuffix(name, ".rst") {
		stdout, stderr, code, err := output(ctx, os.TempDir(), text, "python3", "-c", pageScript)
		if err != nil {
			return nil, err
		}
		if strings.Contains(stderr, "No module named 'docutils'") {
			return nil, &ToolError{Tool: "python3 with the module docutils"}
		}
		if code != 0 {
			return nil, fmt.Errorf("docutils: %s: exit status %d: %s", name, code, lastLine(stderr))
		}
		for line := range strings.Lines(stdout) {
			_, said, _ := strings.Cut(strings.TrimSpace(line), ":")
			all[said]++
		}
		return all, nil
	}
	dir, err := os.MkdirTemp("", "xpsgen-page-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	_, stderr, _, err := output(ctx, dir, "", "groff", "-Tutf8", "-t", "-man", "-ww", "-z", file)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(strings.ReplaceAll(stderr, file, name)) {
		if m := groffFinding.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			all[m[1]]++
		}
	}
	return all, nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"

	"mvdan.cc/sh/v3/syntax"
)

var interpreter = lazyregexp.New(`^#! ?(?:\S*/)?(?:env (?:-S )?)?(sh|bash|dash|python3?|perl)\b`)

// language returns "sh" or "python" for a script as of a commit, and "" for other files.
// The suffix or the first line decides.
func (j *job) language(ctx context.Context, commit, name string) (string, error) {
	switch path.Ext(name) {
	case ".sh":
		return "sh", nil
	case ".py":
		return "python", nil
	case "", ".t":
	default:
		return "", nil
	}
	text, _, err := j.repo.show(ctx, commit, name)
	if err != nil {
		return "", err
	}
	return scriptLanguage(text), nil
}

func scriptLanguage(text string) string {
	m := interpreter.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case strings.HasPrefix(m[1], "python"):
		return "python"
	case m[1] == "perl":
		return "" // no check is for Perl
	}
	return "sh"
}

// checkCommands finds syntax errors in shell scripts, and commands that neither the
// machine nor the scripts of the tree have. shellcheck accepts any word as a command.
func checkCommands(ctx context.Context, j *job, p *Patch) (Result, error) {
	var wrong []string
	n := 0
	for _, f := range p.Files {
		if f.New == "" {
			continue
		}
		language, err := j.language(ctx, p.After, f.New)
		if err != nil {
			return Result{}, err
		}
		if language != "sh" {
			continue
		}
		n++
		text, _, err := j.repo.show(ctx, p.After, f.New)
		if err != nil {
			return Result{}, err
		}
		is, err := commandsOf(text)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", f.New, err))
			continue
		}
		old := ""
		if f.Old != "" {
			if old, _, err = j.repo.show(ctx, p.Before, f.Old); err != nil {
				return Result{}, err
			}
		}
		was, err := commandsOf(old)
		if err != nil {
			was = nil // the old version does not parse either
		}
		for _, name := range is {
			if slices.Contains(was, name) || known(name) {
				continue
			}
			found, err := j.inScripts(ctx, p, f, name)
			if err != nil {
				return Result{}, err
			}
			if !found {
				wrong = append(wrong, fmt.Sprintf("%s: no command %s, neither in a script of the tree nor on this machine", f.New, name))
			}
		}
	}
	switch {
	case len(wrong) > 0:
		return fail("%s", wrong[0]).with(wrong...), nil
	case n == 0:
		return pass("no shell script touched"), nil
	}
	return pass("%d scripts", n), nil
}

// commandsOf returns the names of the commands that a script runs and does not define.
func commandsOf(text string) (names []string, err error) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, fmt.Errorf("line %w", err)
	}
	defined := map[string]bool{}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			defined[n.Name.Value] = true
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				if name := n.Args[0].Lit(); name != "" && !slices.Contains(names, name) {
					names = append(names, name)
				}
				if n.Args[0].Lit() == "alias" {
					for _, a := range n.Args[1:] {
						name, _, _ := strings.Cut(a.Lit(), "=")
						defined[name] = true
					}
				}
			}
		}
		return true
	})
	return slices.DeleteFunc(names, func(s string) bool { return defined[s] }), nil
}

// builtins are commands of shells without a program of the name.
var builtins = strings.Fields(`. : [ [[ alias bg bind break builtin caller cd command compgen complete compopt continue declare
	dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile
	popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset
	ulimit umask unalias unset wait`)

// known reports whether a command is a builtin or installed. It accepts names with a slash
// or a shell expansion, because it cannot look them up.
func known(name string) bool {
	if slices.Contains(builtins, name) || strings.ContainsAny(name, "/$*?~") {
		return true
	}
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	for _, dir := range []string{"/sbin", "/usr/sbin", "/usr/local/sbin"} {
		if _, err := os.Stat(path.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// inScripts reports whether another script of the tree, or another file in the directory,
// has the name at the beginning of a line. That is the definition of a function or a
// command.
func (j *job) inScripts(ctx context.Context, p *Patch, f *File, name string) (bool, error) {
	pattern := `^[[:space:]]*(function +)?` + regexp.QuoteMeta(name) + `([[:space:]]|\(|$)`
	out, err := j.repo.git(ctx, "grep", "-lE", "-e", pattern, p.After, "--", "*.sh", "*.t", path.Dir(f.New)+"/")
	if err != nil && !exited(err) {
		return false, err
	}
	for line := range strings.Lines(out) {
		if _, file, _ := strings.Cut(strings.TrimSpace(line), ":"); file != f.New {
			return true, nil
		}
	}
	return false, nil
}

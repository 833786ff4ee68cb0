// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"net/mail"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const maintainerScript = "scripts/get_maintainer.pl"

// Recipient is a person or list that gets a copy.
type Recipient struct {
	// Address is "Name <address>", or a bare address for a list.
	Address string
	// Role is the reason: "maintainer:NETWORKING [GENERAL]", "open list:...".
	Role string
	// List says that it is a mailing list.
	List bool
}

// recipients runs get_maintainer on a patch's text, as netdev's runner does. Some lists
// are found only by a keyword in the patch.
func (j *job) recipients(ctx context.Context, p *Patch) ([]Recipient, error) {
	script, err := j.script(ctx, maintainerScript)
	if err != nil {
		return nil, err
	}
	// Do not use git history: a base from a package has none.
	args := []string{"perl", script, "--git-min-percent", "35", "--no-git-fallback"}
	var all []Recipient
	if j.Build != kbuild {
		args = append(args, "--no-tree", "--mpath", "MAINTAINERS")
		if all, err = j.general(ctx); err != nil {
			return nil, err
		}
	}
	// The script needs a seekable file.
	dir, err := os.MkdirTemp("", "xpsgen-cc-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, p.File)
	if err := os.WriteFile(file, []byte(p.Text), 0o600); err != nil {
		return nil, err
	}
	stdout, stderr, code, err := output(ctx, j.repo.src, "", append(args, "--", file)...)
	if err != nil {
		return nil, err
	}
	if code != 0 && (len(all) == 0 || strings.Contains(stderr, "died")) {
		return nil, fmt.Errorf("%s: exit %d: %s", maintainerScript, code, strings.TrimSpace(stderr))
	}
	for line := range strings.Lines(stdout) {
		if r, ok := parseRecipient(line); ok && !slices.ContainsFunc(all, r.same) {
			all = append(all, r)
		}
	}
	return all, nil
}

func (r Recipient) same(o Recipient) bool {
	return strings.EqualFold(bare(r.Address), bare(o.Address))
}

// bare returns an address without the name.
func bare(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.Address
	}
	return address
}

// parseRecipient parses a line of get_maintainer: an address with the reason in parentheses.
func parseRecipient(line string) (r Recipient, ok bool) {
	line = strings.TrimSpace(line)
	r.Address = line
	if i := strings.Index(line, " ("); i > 0 && strings.HasSuffix(line, ")") {
		r.Address, r.Role = line[:i], line[i+2:len(line)-1]
	}
	a, err := mail.ParseAddress(r.Address)
	if err != nil {
		return r, false
	}
	r.List = strings.Contains(r.Role, "list") || a.Name == ""
	if a.Name == "" {
		r.Address = a.Address
	}
	return r, true
}

// general returns the maintainers of the whole project. They are in the sections of
// MAINTAINERS that name no files, which get_maintainer ignores.
func (j *job) general(ctx context.Context) (all []Recipient, err error) {
	text, ok, err := j.repo.show(ctx, j.Head(), "MAINTAINERS")
	if err != nil || !ok {
		return nil, err
	}
	for section := range strings.SplitSeq(text, "\n\n") {
		if strings.Contains(section, "\nF:") || strings.Contains(section, "\nK:") || !strings.Contains(section, "\nM:") ||
			strings.Contains(section, "\t") {
			continue
		}
		title, _, _ := strings.Cut(section, "\n")
		for line := range strings.Lines(section) {
			kind, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch kind {
			case "M":
				all = append(all, Recipient{Address: strings.TrimSpace(value), Role: "maintainer:" + title})
			case "L":
				list, _, _ := strings.Cut(strings.TrimSpace(value), " ")
				r := Recipient{Address: list, Role: "open list:" + title, List: true}
				if !slices.ContainsFunc(all, r.same) {
					all = append(all, r)
				}
			}
		}
	}
	return all, nil
}

// checkCc reports the recipients that the export will use. They come from get_maintainer,
// so the check fails only if it names no person. It warns if the list of the target is
// missing.
func checkCc(ctx context.Context, j *job, p *Patch) (Result, error) {
	all, err := j.recipients(ctx, p)
	if err != nil {
		return Result{}, err
	}
	want := bare(j.Target.List)
	people, lists := 0, []string{}
	var log []string
	for _, r := range all {
		if r.List {
			lists = append(lists, bare(r.Address))
		} else {
			people++
		}
		log = append(log, fmt.Sprintf("%s (%s)", r.Address, r.Role))
	}
	switch {
	case people == 0:
		return fail("get_maintainer names nobody").with(log...), nil
	case want != "" && !slices.Contains(lists, want) && !slices.ContainsFunc(slices.Concat(j.opt.To, j.opt.Cc), func(a string) bool {
		return bare(a) == want
	}):
		return warn("%d people, but not %s", people, want).with(log...), nil
	}
	return pass("%d people, %s", people, strings.Join(lists, ", ")).with(log...), nil
}

// An entry with fewer files than entryTarget fits a new file. A larger entry belongs to a
// subsystem: the check warns, and from entryLimit files on it fails.
const entryTarget, entryLimit = 75, 500

func checkMaintainers(ctx context.Context, j *job) (Result, error) {
	var names []string
	for _, p := range j.Patches {
		for _, f := range p.Files {
			base := path.Base(f.New)
			if f.Old != "" || f.New == "" || base == "Makefile" || base == "Kconfig" ||
				strings.HasPrefix(f.New, "Documentation/") || strings.HasPrefix(f.New, "tools/testing/") {
				continue
			}
			if !slices.Contains(names, f.New) {
				names = append(names, f.New)
			}
		}
	}
	var bad []string
	for _, p := range j.Patches {
		for _, f := range p.Files {
			if f.New == "MAINTAINERS" {
				bad = append(bad, badEntries(f)...)
			}
		}
	}
	if len(bad) > 0 {
		return fail("%s", bad[0]).with(bad...), nil
	}
	if len(names) == 0 {
		return pass("no new files"), nil
	}
	script, err := j.script(ctx, maintainerScript)
	if err != nil {
		return Result{}, err
	}
	code := Pass
	var log []string
	for _, name := range names {
		stdout, _, _, err := output(ctx, j.repo.src, "", "perl", script, "--sections", "-f", name)
		if err != nil {
			return Result{}, err
		}
		least, err := j.smallestEntry(ctx, stdout)
		if err != nil {
			return Result{}, err
		}
		if least == noEntry {
			log = append(log, name+": no entry covers it")
		} else {
			log = append(log, fmt.Sprintf("%s: its smallest entry covers %d files", name, least))
		}
		switch {
		case least < entryTarget:
		case least < entryLimit && code == Pass:
			code = Warning
		case least >= entryLimit:
			code = Fail
		}
	}
	if code == Pass {
		return pass("%d new files are covered", len(names)).with(log...), nil
	}
	return Result{Code: code, Summary: "a new file needs an entry in MAINTAINERS"}.with(log...), nil
}

// noEntry is larger than the number of files of any entry.
const noEntry = 1 << 30

// smallestEntry returns the number of files of the smallest entry, or noEntry.
func (j *job) smallestEntry(ctx context.Context, sections string) (int, error) {
	least := noEntry
	for section := range strings.SplitSeq(sections, "\n\n") {
		var patterns []string
		for line := range strings.Lines(section) {
			if p, ok := strings.CutPrefix(strings.TrimSpace(line), "F:"); ok {
				patterns = append(patterns, ":(glob)"+globOf(strings.TrimSpace(p)))
			}
		}
		if len(patterns) == 0 {
			continue
		}
		out, err := j.repo.inOutput(ctx, j.repo.src, append([]string{"ls-files", "--"}, patterns...)...)
		if err != nil {
			return 0, err
		}
		if n := strings.Count(out, "\n") + 1; out != "" && n < least {
			least = n
		}
	}
	return least, nil
}

// globOf converts a pattern of MAINTAINERS for git. A directory matches everything below it.
func globOf(p string) string {
	if strings.HasSuffix(p, "/") {
		return p + "**"
	}
	return p
}

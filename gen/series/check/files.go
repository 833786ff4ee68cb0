// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"path"
	"slices"
	"strings"
)

// checkFiles reports the files that no compiler and no other check reads.
func checkFiles(ctx context.Context, j *job, p *Patch) (Result, error) {
	read := map[string]bool{}
	note := func(s *state) {
		if s != nil {
			for _, f := range s.Read {
				read[f] = true
			}
		}
	}
	note(j.states[stateKey("gcc", p.AfterTree)])
	if j.Build == kbuild {
		s, err := j.toolsState(ctx, p.After)
		if err != nil {
			return Result{}, err
		}
		note(s)
	}
	var not []string
	n := 0
	for _, f := range p.Files {
		if f.New == "" {
			continue
		}
		n++
		if read[f.New] {
			continue
		}
		by, err := j.readByCheck(ctx, p, f.New)
		if err != nil {
			return Result{}, err
		}
		if !by {
			not = append(not, "not built: "+f.New)
		}
	}
	if len(not) > 0 {
		return warn("%s", strings.Join(not[:min(len(not), 3)], ", ")).with(not...), nil
	}
	return pass("%d files are compiled or checked", n), nil
}

// readByCheck reports whether a check that does not compile reads a file.
func (j *job) readByCheck(ctx context.Context, p *Patch, name string) (bool, error) {
	base := path.Base(name)
	switch {
	case base == "MAINTAINERS", base == ".gitignore", isPage(name), strings.HasSuffix(name, ".yaml"):
		return true, nil
	case slices.Contains([]string{"config", "settings"}, base) && strings.HasPrefix(name, selftestsDir+"/"):
		return true, nil
	}
	language, err := j.language(ctx, p.After, name)
	return language != "", err
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"

	"xpsgen/vmtest/mutate"
	"xpsgen/vmtest/runs"
)

// generated is the result of a run of generated mutants.
type generated struct {
	// command ran them, and killed is its word for a mutant that was noticed.
	command, killed string
	base            string
	// chosen of all mutants were run. bad ones are neither noticed nor listed.
	chosen, all, bad int
	sample           sampleOptions
	// unread are functions without mutants because they could not be parsed. stale are
	// entries of the list that match no mutant.
	unread, stale []string
	count         func(mutate.State) int
}

// judgeGenerated prints the result and turns it into the exit status.
func (env suiteCommands) judgeGenerated(g *generated, r *runs.Run) error {
	for _, f := range g.unread {
		env.ui.Printf("note  %s: %s could not be parsed, so it has no mutants", g.command, f)
	}
	for _, s := range g.stale {
		env.ui.Printf("note  %s: equivalent.toml: no mutant matches %q: remove the entry", g.command, s)
	}
	if g.sample.sample > 0 {
		env.ui.Printf("note  %s: %d of %d mutants of %s, seed %d", g.command, g.chosen, g.all, g.base, g.sample.seed)
	}
	ok := g.bad == 0 && len(g.stale) == 0 && len(g.unread) == 0
	env.ui.Verdict(ok, fmt.Sprintf("%s: %d mutants: %d %s, %d listed, %d survived, %d not reached, %d do not compile",
		g.base, g.chosen, g.count(mutate.Killed), g.killed, g.count(mutate.Excused), g.count(mutate.Survived),
		g.count(mutate.Unreached), g.count(mutate.Refused)))
	if ok {
		return nil
	}
	r.Record.Reasons = append(r.Record.Reasons, fmt.Sprintf("%d mutants survived or were not reached, %d entries of equivalent.toml are stale, %d functions were not read",
		g.bad, len(g.stale), len(g.unread)))
	return &statusError{code: exitFailed}
}

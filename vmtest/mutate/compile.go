// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mutate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/ipobjects"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/progress"
)

// maxRounds is how often the compiler may refuse mutants before that is an error. Each
// round drops at least one; one file fails per round.
const maxRounds = 60

// compiled is a guest with mutants.
type compiled struct {
	artifacts *prepare.Artifacts
	source    prepare.Source
	// ips are builds of ip for the objects.
	ips []record.Build
	// refused are the numbers of the mutants that do not compile.
	refused map[int]bool
}

// compile builds kernel and ip with all mutants that compile. The compiler's errors say
// which do not; the cache remembers them.
func (o *Options) compile(ctx context.Context, programs []*program, end int) (*compiled, error) {
	dir, err := os.MkdirTemp(o.Out, ".mutants-")
	if err != nil {
		return nil, fmt.Errorf("write mutants: %w", err)
	}
	defer os.RemoveAll(dir)
	memo := filepath.Join(o.Source.Cache, "mutate", memoKey(programs)+".json")
	c := &compiled{refused: map[int]bool{}}
	list, err := cache.ReadJSON[[]int](memo, "the mutants that do not compile")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, id := range list {
		c.refused[id] = true
	}
	for range maxRounds {
		err = o.compileOnce(ctx, programs, c, dir, end)
		var compile *build.CompileError
		if err == nil || !errors.As(err, &compile) {
			break
		}
		dropped, readErr := c.drop(programs, compile.Log)
		if readErr != nil {
			return nil, readErr
		}
		if dropped == 0 {
			return nil, fmt.Errorf("no mutant is on the line that does not compile: %w", err)
		}
		o.Source.Progress.Emit(progress.Event{Step: "compile mutants", State: progress.Notice,
			Text: fmt.Sprintf("%d mutants do not compile and are left out, %d so far", dropped, len(c.refused))})
	}
	if err != nil {
		return nil, err
	}
	list = list[:0]
	for id := range c.refused {
		list = append(list, id)
	}
	slices.Sort(list)
	data, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("remember the mutants that do not compile: %w", err)
	}
	return c, cache.WriteFile(memo, data, 0o644)
}

func memoKey(programs []*program) string {
	h := sha256.New()
	for _, g := range programs {
		for _, s := range g.sources {
			fmt.Fprintf(h, "%s %d\n", s.File, len(s.Text))
			for _, m := range s.Mutants {
				fmt.Fprintf(h, "%d %s %d %q %q\n", m.ID, m.Kind, m.Line, m.Before, m.After)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}

func (o *Options) compileOnce(ctx context.Context, programs []*program, c *compiled, dir string, end int) error {
	c.source = o.Source
	for _, g := range programs {
		file, err := g.patch(ctx, dir, func(m *schema.Mutant) bool { return !c.refused[m.ID] }, end)
		if err != nil {
			return err
		}
		extra := &c.source.KernelExtra
		if g.part == &ipPart {
			extra = &c.source.IPExtra
		}
		*extra = append((*extra)[:len(*extra):len(*extra)], file)
	}
	c.source.Progress = quiet(o.Source.Progress)
	a, err := prepare.All(ctx, c.source)
	if err != nil {
		return err
	}
	c.artifacts = a
	if len(c.source.IPExtra) == len(o.Source.IPExtra) { // no ip in this stack
		return nil
	}
	// libbpf is that of the tree without mutants.
	src := c.source
	src.KernelExtra = o.Source.KernelExtra
	c.ips, err = ipobjects.Builds(ctx, &src, ipobjects.BuildNames())
	return err
}

// quiet reports failures as ends, since the compiler is expected to reject some
// mutants.
func quiet(p progress.Func) progress.Func {
	return func(e progress.Event) {
		if e.State == progress.Failed {
			e.State, e.Text, e.Log = progress.Finished, "stopped by a mutant", ""
		}
		p.Emit(e)
	}
}

// gccError is a place of an error. objtool and the linker name none.
var gccError = lazyregexp.New(`(?m)^(?:\S*/)?((?:[\w.-]+/)*[\w.-]+\.c):(\d+):(?:\d+:)? (?:fatal )?error: `)

// drop marks the mutants on the lines that the log names, and returns how many.
// If no mutant is on such a line, it drops the last ones of the function: gcc
// reports a missing return at the closing brace.
func (c *compiled) drop(programs []*program, log string) (int, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return 0, fmt.Errorf("read the compiler's errors: %w", err)
	}
	before := len(c.refused)
	for _, m := range gccError.FindAllSubmatch(text, -1) {
		line, err := strconv.Atoi(string(m[2]))
		if err != nil {
			continue
		}
		for _, g := range programs {
			for _, x := range g.near(string(m[1]), line, c.refused) {
				c.refused[x.ID] = true
			}
		}
	}
	return len(c.refused) - before, nil
}

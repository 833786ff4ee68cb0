// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// confirmBatch is how many headers one compiler confirms at once. Most of the
// time of a compiler is its start.
const confirmBatch = 16

// confirm has one compiler check the claims about all headers, first in batches. A batch
// can only confirm. Headers may disturb each other, so a denied claim is checked again with
// its header alone.
func (t *treeVerifier) confirm(ctx context.Context, cc *verifyCompiler, claims []*claim) error {
	var batches [][]*claim
	for _, system := range []bool{false, true} {
		some := keep(claims, func(c *claim) bool { return c.h.system == system })
		batches = append(batches, slices.Collect(slices.Chunk(some, confirmBatch))...)
	}
	held := make([]map[*claim]bool, len(batches))
	err := t.each(ctx, len(batches), func(ctx context.Context, i int) error {
		var err error
		held[i], err = t.confirmTogether(ctx, cc, batches[i])
		return err
	})
	if err != nil {
		return err
	}
	return t.each(ctx, len(claims), func(ctx context.Context, i int) error {
		c := claims[i]
		done := slices.ContainsFunc(held, func(m map[*claim]bool) bool { return m[c] })
		failures, undecided, err := c.v.ask(ctx, cc, t.roots, c.h, done)
		if ce, refused := errors.AsType[*CompileError](err); refused {
			t.leaveOut(c.h.Path, cc.name+": "+strings.TrimPrefix(ce.Error(), c.h.Path+": "))
			return nil
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.res.Failures = append(t.res.Failures, failures...)
		t.res.Undecided = append(t.res.Undecided, undecided...)
		return err
	})
}

// confirmTogether compiles the assertions about several headers in one unit. It returns the
// claims whose assertions all hold.
func (t *treeVerifier) confirmTogether(ctx context.Context, cc *verifyCompiler, batch []*claim) (map[*claim]bool, error) {
	roots, err := t.roots.forHeader(ctx, cc.Compiler, batch[0].h.Path, batch[0].h.system)
	if err != nil {
		return nil, err
	}
	var (
		b     strings.Builder
		first []int // line of each claim
		line  = 1
	)
	for _, c := range batch {
		b.WriteString((&inquiry{v: c.v, h: c.h}).prologue())
		b.WriteString("#pragma pack()\n") // some headers do not restore it
		c.v.write(&b, line)
		first = append(first, line)
		line += len(c.v.assertions)
	}
	fmt.Fprintf(&b, "#line %d %q\n", line, unitFile)
	messages, err := cc.compile(ctx, roots, b.String(), os.DevNull, append(messageFlags(cc.clang), "-fsyntax-only")...)
	if ctx.Err() != nil || errors.Is(err, ErrNoCompiler) {
		return nil, err
	}
	denied := unitError().FindAllStringSubmatch(messages, -1)
	held := make(map[*claim]bool)
	if err != nil && (len(denied) == 0 || len(denied) != strings.Count(messages, "error: ") || strings.Contains(messages, "fatal error: ")) {
		return held, nil // another error can hide assertions
	}
	for _, c := range batch {
		held[c] = true
	}
	for _, m := range denied {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n >= line {
			return nil, nil
		}
		delete(held, batch[sort.SearchInts(first, n+1)-1])
	}
	return held, nil
}

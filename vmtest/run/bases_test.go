// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/verdict"
)

func TestRunBases(t *testing.T) {
	const (
		two  = "KTAP version 1\n1..2\nok 1 one\nok 2 two\n"
		only = "KTAP version 1\n1..1\nok 1 one\n"
		bad  = "KTAP version 1\n1..2\nok 1 one\nnot ok 2 two\n"
	)
	type run struct {
		ktap    string
		planned []string
		err     error
	}
	both := []string{"one", "two"}
	broken := fmt.Errorf("fetch: %w", tree.ErrObtain)
	cases := map[string]struct {
		runs        map[string]run
		passed      bool
		differences []string
		verdicts    string
		ktap        string // a piece
	}{
		"same": {
			runs:   map[string]run{"a": {ktap: two, planned: both}, "b": {ktap: two, planned: both}},
			passed: true, verdicts: "passed passed", ktap: "    ok 2 two\nok 2 b\n",
		},
		"one fails": {
			runs:     map[string]run{"a": {ktap: bad, planned: both}, "b": {ktap: two, planned: both}},
			verdicts: "failed passed", ktap: "not ok 1 a # 1 failed: two\n",
		},
		"one is broken": {
			runs:     map[string]run{"a": {err: broken}, "b": {ktap: two, planned: both}},
			verdicts: "broken passed", ktap: "not ok 1 a # fetch: source not available\n",
		},
		"other tests": {
			runs:        map[string]run{"a": {ktap: two, planned: both}, "b": {ktap: only, planned: both[:1]}},
			differences: []string{"1 tests reported only on a: two"}, verdicts: "passed passed",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			dir := t.TempDir()
			seeds := map[int64]bool{}
			r, err := Bases(context.Background(), BasesOptions{
				Bases: []string{"a", "b"}, Out: dir, KTAP: &out,
				Run: func(_ context.Context, opt SuiteOptions) (*verdict.Outcome, error) {
					seeds[opt.Seed] = true
					if opt.Out != filepath.Join(dir, opt.Source.Base) {
						t.Errorf("results in %s", opt.Out)
					}
					run := c.runs[opt.Source.Base]
					if run.err != nil {
						return nil, run.err
					}
					if _, err := opt.KTAP.Write([]byte(run.ktap)); err != nil {
						return nil, err
					}
					report, err := ktap.Parse(strings.NewReader(run.ktap))
					o := &verdict.Outcome{Report: report, Planned: run.planned}
					o.Judge()
					return o, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Passed() != c.passed {
				t.Errorf("passed %v", r.Passed())
			}
			if diff := cmp.Diff(c.differences, r.Differences); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(out.String(), strings.TrimPrefix(c.ktap, "  ")) {
				t.Errorf("no %q in\n%s", c.ktap, out.String())
			}
			if len(seeds) != 1 || seeds[0] {
				t.Errorf("seeds %v", seeds)
			}
			data, err := os.ReadFile(filepath.Join(dir, SummaryFile))
			if err != nil {
				t.Fatal(err)
			}
			var s summaryJSON
			if err := json.Unmarshal(data, &s); err != nil {
				t.Fatal(err)
			}
			if got := s.Bases[0].Verdict + " " + s.Bases[1].Verdict; got != c.verdicts || s.Verdict == "passed" != c.passed {
				t.Errorf("summary %s: %s", s.Verdict, got)
			}
		})
	}
}

func TestRunBasesInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	runs := 0
	_, err := Bases(ctx, BasesOptions{
		Bases: []string{"a", "b"}, Out: t.TempDir(),
		Run: func(ctx context.Context, _ SuiteOptions) (*verdict.Outcome, error) {
			runs++
			cancel()
			return nil, ctx.Err()
		},
	})
	if !errors.Is(err, context.Canceled) || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
}

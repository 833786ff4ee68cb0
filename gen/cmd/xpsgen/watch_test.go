// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/gen/cmd/xpsgen/command"
)

func TestRepeat(t *testing.T) {
	failed, broken := &statusError{code: exitFailed}, errors.New("no room")
	for name, tt := range map[string]struct {
		runs []error // the last one is interrupted while it waits
		want int
		says string
	}{
		"passes":             {runs: []error{nil}, want: exitPassed, says: "Ctrl-C ends"},
		"fails, then passes": {runs: []error{failed, nil}, want: exitPassed, says: "net-next/0001.patch and 1 more have changed"},
		"passes, then fails": {runs: []error{nil, failed}, want: exitFailed},
		"breaks down":        {runs: []error{broken, nil}, want: exitPassed, says: "no room"},
		"ends broken down":   {runs: []error{nil, broken}, want: exitBreakdown},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var stderr bytes.Buffer
			env := suiteCommands{newEnvironment(os.Stdin, &bytes.Buffer{}, &stderr)}
			root, n := t.TempDir(), 0
			run := func() error { n++; return tt.runs[n-1] }
			wait := func(ctx context.Context) ([]string, error) {
				if n == len(tt.runs) {
					cancel()
					return nil, ctx.Err()
				}
				return []string{filepath.Join(root, "net-next", "0001.patch"), filepath.Join(root, "x")}, nil
			}
			err := env.repeat(ctx, root, run, wait)
			if code := exitCode(t.Context(), err); code != tt.want || n != len(tt.runs) {
				t.Errorf("%d runs and %v (code %d), want %d runs and code %d", n, err, code, len(tt.runs), tt.want)
			}
			if !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("says %q, want %q", stderr.String(), tt.says)
			}
		})
	}
}

// The tests that failed run alone until they pass.
func TestFailedFirst(t *testing.T) {
	failed, broken := &statusError{code: exitFailed}, errors.New("no room")
	type result struct {
		failed []string
		err    error
	}
	for name, tt := range map[string]struct {
		results []result
		want    string // what runs, each call in brackets
		calls   int
	}{
		"passes":              {[]result{{}, {}}, "[] []", 2},
		"fails, then passes":  {[]result{{[]string{"a", "b"}, failed}, {nil, nil}, {nil, nil}, {nil, nil}}, "[] [a b] [] []", 3},
		"fails three times":   {[]result{{[]string{"a", "b"}, failed}, {[]string{"b"}, failed}, {[]string{"b"}, failed}}, "[] [a b] [b]", 3},
		"another one fails":   {[]result{{[]string{"a"}, failed}, {nil, nil}, {[]string{"c"}, failed}, {nil, nil}, {nil, nil}}, "[] [a] [] [c] []", 3},
		"no test has a name":  {[]result{{nil, failed}, {nil, failed}}, "[] []", 2},
		"does not build then": {[]result{{[]string{"a"}, failed}, {nil, broken}, {nil, nil}, {nil, nil}}, "[] [a] [a] []", 3},
	} {
		t.Run(name, func(t *testing.T) {
			var ran []string
			run := failedFirst(func(names []string) ([]string, error) {
				r := tt.results[len(ran)]
				ran = append(ran, fmt.Sprint(names))
				return r.failed, r.err
			})
			for range tt.calls {
				_ = run() // repeat shows it
			}
			if got := strings.Join(ran, " "); got != tt.want {
				t.Errorf("ran %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRepeatGivesUp(t *testing.T) {
	env := suiteCommands{newEnvironment(os.Stdin, &bytes.Buffer{}, &bytes.Buffer{})}
	usage, lost := command.Usagef("x"), errors.New("watch: changes lost")
	wait := func(context.Context) ([]string, error) { return nil, lost }
	if err := env.repeat(t.Context(), "/", func() error { return usage }, wait); !errors.Is(err, usage) {
		t.Errorf("got %v, want the usage error", err)
	}
	if err := env.repeat(t.Context(), "/", func() error { return nil }, wait); !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := errors.New("interrupted")
	err := env.repeat(ctx, "/", func() error { cancel(); return interrupted }, wait)
	if !errors.Is(err, interrupted) {
		t.Errorf("got %v, want %v", err, interrupted)
	}
}

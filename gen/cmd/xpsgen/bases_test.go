// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"xpsgen/vmtest/ktap"
)

// The run continues after a base that fails or breaks, and the worst exit code
// is returned.
func TestEachBase(t *testing.T) {
	failed, broken := &statusError{code: exitFailed}, errors.New("no room")
	for name, tt := range map[string]struct {
		errs []error
		code int
		says string
	}{
		"all pass":       {errs: []error{nil, nil}, code: exitPassed},
		"first fails":    {errs: []error{failed, nil}, code: exitFailed},
		"first breaks":   {errs: []error{broken, failed}, code: exitBreakdown, says: "xpsgen: base a: no room\n"},
		"last breaks":    {errs: []error{failed, broken}, code: exitBreakdown, says: "xpsgen: base b: no room\n"},
		"one base fails": {errs: []error{failed}, code: exitFailed},
		// The caller prints the error.
		"one base breaks": {errs: []error{broken}, code: exitBreakdown},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			env := newEnvironment(os.Stdin, &stdout, &stderr)
			bases := []string{"a", "b"}[:len(tt.errs)]
			var tried []string
			err := env.eachBaseKTAP(t.Context(), bases, len(bases) > 1, func(base string, results io.Writer) error {
				tried = append(tried, base)
				w := ktap.NewWriter(results)
				w.Plan(1)
				status := ktap.Pass
				if tt.errs[len(tried)-1] != nil {
					status = ktap.Fail
				}
				w.Result("test", status, "")
				return tt.errs[len(tried)-1]
			})
			if got := exitCode(t.Context(), err); got != tt.code {
				t.Errorf("exit %d, want %d", got, tt.code)
			}
			if len(tried) != len(bases) || stderr.String() != tt.says {
				t.Errorf("tried %v, stderr %q", tried, stderr.String())
			}
			for i, base := range bases {
				mark := map[bool]string{true: "ok ", false: "not ok "}[tt.errs[i] == nil]
				if len(bases) > 1 && !strings.Contains(stdout.String(), "\n"+mark+string("12"[i])+" "+base+"\n") {
					t.Errorf("no %q for %s in\n%s", mark, base, stdout.String())
				}
			}
		})
	}
}

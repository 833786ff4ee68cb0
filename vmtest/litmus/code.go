// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"xpsgen/vmtest/mutate/schema"
	"xpsgen/vmtest/tree"
)

// Code is a function that a test models.
type Code struct {
	File, Function string
	// Lines are the lines of the function that matter, in its order. None means that all
	// do; the hash of the function is then recorded for each base.
	Lines []string
}

func (c *Code) String() string { return c.File + ": " + c.Function + "()" }

// errGone is wrapped by the error for a function that the tree lacks.
var errGone = errors.New("not in the tree")

// find returns the function without comments and layout. If there is one for each branch
// of an #ifdef, it returns all.
func (c *Code) find(ctx context.Context, read reader) (string, error) {
	text, err := read(ctx, c.File)
	if err != nil && !errors.Is(err, tree.ErrNoFile) {
		return "", err
	}
	var found []string
	for _, f := range schema.Functions(text) {
		if f.Name == c.Function {
			found = append(found, schema.Code(f.Text))
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s: %w", c, errGone)
	}
	return strings.Join(found, "\n"), nil
}

// hash is what is recorded of a function.
func hash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// missing returns the first of the lines that code lacks, or lacks in this order.
func (c *Code) missing(code string) string {
	for _, line := range c.Lines {
		_, after, found := strings.Cut(code, schema.Code(line))
		if !found {
			return line
		}
		code = after
	}
	return ""
}

// accept says how to record code that has been compared with its tests.
const accept = "XPS_TEST_REQUIRE=prove go test ./vmtest/litmus -run TestCode -update"

// compare tells which code of a base differs from what the test was compared with.
func (t *Test) compare(ctx context.Context, read reader, base string, recorded sums) (why []string, err error) {
	for i := range t.Code {
		c := &t.Code[i]
		code, err := c.find(ctx, read)
		if errors.Is(err, errGone) {
			why = append(why, fmt.Sprintf("%v: change tests/%s.litmus and tests.go in vmtest/litmus", err, t.Name))
			continue
		}
		if err != nil {
			return nil, err
		}
		key := sumKey{base, c.File, c.Function}
		switch line, was := c.missing(code), recorded[key]; {
		case line != "":
			why = append(why, fmt.Sprintf("%s has no line %q after those before it: compare it with vmtest/litmus/tests/%s.litmus, then change tests.go", c, line, t.Name))
		case len(c.Lines) == 0 && was == "":
			why = append(why, fmt.Sprintf("%s of base %s has not been compared with vmtest/litmus/tests/%s.litmus: compare them, then run %s", c, base, t.Name, accept))
		case len(c.Lines) == 0 && was != hash(code):
			why = append(why, fmt.Sprintf("%s has changed: compare it with vmtest/litmus/tests/%s.litmus, then run %s", c, t.Name, accept))
		}
	}
	return why, nil
}

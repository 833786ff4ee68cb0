// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cell

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"xpsgen/vmtest/runs"
)

// PlanVersion is the version of the form of a plan.
const PlanVersion = 1

// Plan is a list of cells. Its JSON is one line, for an output of a job of GitHub
// Actions. Fields are added, never renamed.
type Plan struct {
	Version int `json:"version"`
	// For says what the plan is for: "pr", "nightly", "all".
	For string `json:"for"`
	// Commit is the workbench's; Dirty says that files differed from it.
	Commit string  `json:"commit,omitempty"`
	Dirty  bool    `json:"dirty,omitempty"`
	Cells  []*Cell `json:"cells"`
}

// ErrPlan is wrapped by errors about the content of a plan.
var ErrPlan = errors.New("not a plan of xpsgen matrix --json")

// Write writes the plan as one line.
func (p *Plan) Write(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// ReadPlan reads a plan and checks each cell. Errors about the content wrap [ErrPlan].
func ReadPlan(path string) (*Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	p, err := parsePlan(data)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %s: %w", path, err)
	}
	return p, nil
}

func parsePlan(data []byte) (*Plan, error) {
	p := &Plan{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	if p.Version != PlanVersion {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrPlan, p.Version, PlanVersion)
	}
	seen := map[string]bool{}
	for _, c := range p.Cells {
		if c == nil {
			return nil, fmt.Errorf("%w: a cell is null", ErrPlan)
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPlan, err)
		}
		switch {
		case c.Name != c.ID():
			return nil, fmt.Errorf("%w: cell %q should have the ID %q", ErrPlan, c.Name, c.ID())
		case seen[c.Name]:
			return nil, fmt.Errorf("%w: it has cell %s twice", ErrPlan, c.Name)
		case c.Attempt < 1:
			return nil, fmt.Errorf("%w: cell %s: attempt %d, want 1 or more", ErrPlan, c.Name, c.Attempt)
		case (c.Shard == "") != (len(c.Items) == 0):
			return nil, fmt.Errorf("%w: cell %s: a shard has items, and nothing else has", ErrPlan, c.Name)
		}
		seen[c.Name] = true
	}
	return p, nil
}

// Find returns the cell with that ID.
func (p *Plan) Find(id string) (*Cell, error) {
	for _, c := range p.Cells {
		if c.Name == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w %q in the plan of %d cells", ErrID, id, len(p.Cells))
}

// At returns cell n of the plan, from 0.
func (p *Plan) At(n int) (*Cell, error) {
	if n < 0 || n >= len(p.Cells) {
		return nil, fmt.Errorf("%w %d: the plan has the cells 0 to %d", ErrID, n, len(p.Cells)-1)
	}
	return p.Cells[n], nil
}

// Digest is a hash of all inputs of a run.
func Digest(in runs.Inputs) string {
	s := sha256.Sum256([]byte(strings.Join(in.Lines(), "\n")))
	return hex.EncodeToString(s[:])
}

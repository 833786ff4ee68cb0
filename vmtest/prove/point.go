// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/tree"
)

// Point is the result for a tree with some patches of the stack.
type Point struct {
	// Reasons say why it fails, one line each; none means that it passes.
	Reasons []string
	// Summary is the result in a few words.
	Summary string
	// Cached says that the result is from an earlier run.
	Cached bool `json:"-"`
}

// RunPoint checks one operation in any state that satisfies the invariants, with the parts
// of the model that the tree has. Functions that the series adds outside of the model must
// be listed here as well. A result without a failure is kept in the cache.
func RunPoint(ctx context.Context, o Options) (*Point, error) {
	cbmc, src, p, err := o.open(ctx, true)
	if errors.Is(err, ErrMissing) {
		return &Point{Reasons: []string{err.Error()}, Summary: err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	if slices.Contains(p.absent, "CORE") {
		return &Point{Summary: "no function of the model yet"}, nil
	}
	r := &Result{}
	if err := r.compare(ctx, src, p); err != nil {
		return nil, err
	}
	point, err := o.point(ctx, cbmc, p)
	if err != nil {
		return nil, err
	}
	for _, f := range r.Uncovered {
		point.Reasons = append(point.Reasons, f+" is neither in the model nor listed as excluded in vmtest/prove/functions.go")
	}
	return point, nil
}

// point checks the program, or takes the result of the same program from the cache.
func (o *Options) point(ctx context.Context, cbmc string, p *program) (*Point, error) {
	key, err := p.key(cbmc)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(o.Source.Cache, "prove", key+".json")
	have := &Point{Cached: true}
	if data, err := os.ReadFile(kept); err == nil && json.Unmarshal(data, have) == nil {
		return have, nil
	}
	run := *o
	run.Depth = 0
	if run.Out, err = os.MkdirTemp("", "xpsgen-point-*"); err != nil {
		return nil, fmt.Errorf("make a directory for the program: %w", err)
	}
	defer os.RemoveAll(run.Out)
	r := &Result{}
	if err := run.check(ctx, &checker{cbmc: cbmc}, p, r); err != nil {
		return nil, err
	}
	point := r.point(p)
	if len(point.Reasons) > 0 {
		return point, nil
	}
	data, err := json.Marshal(point)
	if err != nil {
		return nil, fmt.Errorf("keep the result: %w", err)
	}
	return point, cache.WriteFile(kept, append(data, '\n'), 0o644)
}

// point condenses the result.
func (r *Result) point(p *program) *Point {
	point := &Point{}
	for _, f := range r.Properties {
		if f.Failed {
			point.Reasons = append(point.Reasons, strings.Join(f.Explain(), "; "))
		}
	}
	point.Summary = fmt.Sprintf("%d functions, %d properties, %d failed", r.Functions, len(r.Properties), r.Failed())
	if len(p.absent) > 0 {
		point.Summary += "; without " + strings.Join(p.absent, ", ")
	}
	return point
}

// pointVersion changes when the rules for judging a point change.
const pointVersion = "1"

// key identifies what a result depends on: the program, the model, and CBMC.
func (p *program) key(cbmc string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", pointVersion, p.text())
	for _, name := range slices.Concat(headers, sources) {
		data, err := model.ReadFile("model/" + name)
		if err != nil {
			return "", fmt.Errorf("read the model: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(data), data)
	}
	versions, err := tree.UnpackedVersions(filepath.Dir(cbmc))
	if err != nil {
		return "", fmt.Errorf("read the version of CBMC: %w", err)
	}
	_, _ = h.Write([]byte(versions))
	return fmt.Sprintf("%x", h.Sum(nil)[:12]), nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/objects/record"
)

// Counted is a build of ip that counts its lines.
type Counted struct {
	// Build has the name.
	Build string
	// Notes is the directory of gcc's notes, Counts that of gcov's counts.
	Notes, Counts string
}

// Count has ip load all objects and run all examples. It leaves the line counts
// of each build in a directory below dir. opt.Source must build an ip that
// counts its lines. Count ignores how the calls end: [Run] judges that.
func Count(ctx context.Context, opt Options, dir string) ([]Counted, error) {
	objects := filepath.Join(dir, "objects")
	if err := os.Mkdir(objects, 0o755); err != nil {
		return nil, fmt.Errorf("object matrix: %w", err)
	}
	made, err := Generate(ctx, objects)
	if err != nil {
		return nil, err
	}
	job := record.Job{Contexts: record.Contexts(), Objects: made, Dir: objects}
	if job.Examples, err = examples(ctx, &opt.Source); err != nil {
		return nil, err
	}
	if job.Builds, err = Builds(ctx, &opt.Source, BuildNames()); err != nil {
		return nil, err
	}
	var all []Counted
	for i := range job.Builds {
		b := &job.Builds[i]
		c := Counted{Build: b.Name, Notes: build.NotesOf(b.IP), Counts: filepath.Join(dir, "counts-"+b.Name)}
		if err := os.Mkdir(c.Counts, 0o755); err != nil {
			return nil, fmt.Errorf("object matrix: %w", err)
		}
		b.Counts = c.Counts
		all = append(all, c)
	}
	_, err = work(ctx, &opt, &job)
	return all, err
}

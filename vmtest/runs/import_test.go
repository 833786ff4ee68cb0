// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Two machines make runs of the same ID. An import keeps both, and importing again adds
// nothing.
func TestImport(t *testing.T) {
	to := &Store{Dir: filepath.Join(t.TempDir(), "runs")}
	var records []*Record
	for i := range 2 {
		from := &Store{Dir: t.TempDir()}
		r := netNext()
		r.Started = noon.Add(time.Duration(i) * time.Millisecond)
		run, err := from.Begin(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(run.Dir(), KTAPFile), []byte("KTAP version 1\n1..1\nok 1 a\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := run.End(Passed); err != nil {
			t.Fatal(err)
		}
		list, err := from.List()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, list...)
	}
	if records[0].ID != records[1].ID {
		t.Fatalf("IDs %s and %s", records[0].ID, records[1].ID)
	}
	for range 2 {
		if err := Import(to, records); err != nil {
			t.Fatal(err)
		}
		all, err := to.List()
		if err != nil || len(all) != 2 || all[0].ID == all[1].ID {
			t.Fatalf("%d runs, %v", len(all), err)
		}
		for _, r := range all {
			report, err := r.Report()
			if err != nil || len(report.Tests) != 1 || filepath.Base(r.Dir) != r.ID || r.State != Passed {
				t.Errorf("%+v: %v, %v", r, report, err)
			}
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ktap

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update accepts):\n%s", path, diff)
	}
}

func broken() *Report {
	r := sample()
	r.Problems = []Problem{{Kind: Short, Line: 12, Text: "2 results, 3 planned"}}
	r.Tests[0].Subtests[1].Diag = append(r.Tests[0].Subtests[1].Diag, "odd bytes: \x00\x1b[0m\xff <&>")
	r.Tests = append(r.Tests, Test{Name: "alone", Status: Fail, Reason: "teardown", Subtests: []Test{{Name: "fine"}}})
	return r
}

func TestKTAPGolden(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Write(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "sample.ktap", b.Bytes())
}

func TestJSONGolden(t *testing.T) {
	raw, err := json.MarshalIndent(broken(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "broken.json", append(raw, '\n'))
}

func TestJUnitGolden(t *testing.T) {
	var b bytes.Buffer
	err := broken().WriteJUnit(&b, JUnit{
		Name:       "6.12",
		Properties: map[string]string{"kernel": "6.12.117", "accel": "tcg"},
		Errors:     []string{"kernel panic\nat line 1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "broken.xml", b.Bytes())
}

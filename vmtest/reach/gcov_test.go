// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reach

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	counting = "#include \"more.h\"\nint main(int n, char **v)\n{\n\tif (n > 1)\n\t\treturn twice(n);\n\treturn 0;\n}\n"
	more     = "static inline int twice(int n)\n{\n\treturn 2 * n;\n}\n"
)

// compileCounting builds a program that counts its lines, and returns it and the directory
// of the notes.
func compileCounting(t *testing.T) (program, notes string) {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "tree", "net")
	if err := os.MkdirAll(src, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.c": counting, "more.h": more} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"--coverage", "-O0", "-c", "main.c"}, {"--coverage", "main.o", "-o", "main"}} {
		cmd := exec.Command("gcc", args...)
		cmd.Dir = src
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc: %v: %s", err, out)
		}
	}
	return filepath.Join(src, "main"), filepath.Join(dir, "tree")
}

// run runs the program and returns its counts.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"GCOV_PREFIX=" + dir, "GCOV_PREFIX_STRIP=99"}
	_ = cmd.Run() // the status is what main returns
	data, err := os.ReadFile(filepath.Join(dir, "main.gcda"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestReader counts the lines of a program of gcc, and of a header that it includes.
func TestReader(t *testing.T) {
	program, notes := compileCounting(t)
	r, err := newReader(notes, t.TempDir(), []string{"net/main.c", "net/more.h", "main.c"})
	if err != nil {
		t.Fatal(err)
	}
	short, long := run(t, program), run(t, program, "x")
	for _, c := range []struct {
		test string
		data []byte
	}{{"", long}, {"a/1", short}, {"a/2", long}, {"a/3", short}, {"a/3", short}} {
		if err := r.add(t.Context(), c.test, "sys/objects/net/main.gcda", c.data); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.memo) != 2 {
		t.Errorf("gcov ran for %d files of counts, want 2", len(r.memo))
	}
	want := map[string]counts{"net/main.c": {2: 5, 4: 5, 5: 2, 6: 3}, "net/more.h": {1: 2, 3: 2}}
	if diff := cmp.Diff(want, r.total); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := r.tests["net/main.c"]; !slices.Equal(got[5], []string{"a/2"}) || !slices.Equal(got[6], []string{"a/1", "a/3"}) {
		t.Errorf("tests %v", got)
	}
	// A path without its directories.
	if err := r.add(t.Context(), "", "main.gcda", long); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{"net/other.gcda": "no notes", "xmain.gcda": "no notes"} {
		if err := r.add(t.Context(), "", path, long); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// Notes of another build.
	other, otherNotes := compileCounting(t)
	if r, err = newReader(otherNotes, t.TempDir(), []string{"net/main.c"}); err != nil {
		t.Fatal(err)
	}
	if err := r.add(t.Context(), "", "net/main.gcda", damage(run(t, other))); err == nil {
		t.Error("counts with another stamp: no error")
	}
}

// damage changes the stamp of the counts.
func damage(data []byte) []byte {
	data = bytes.Clone(data)
	data[8] ^= 1
	return data
}

func TestArchive(t *testing.T) {
	pack := func(names ...string) *bytes.Buffer {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		tw := tar.NewWriter(zip)
		for _, name := range names {
			if err := tw.WriteHeader(&tar.Header{Name: name, Size: 3, Mode: 0o644, Format: tar.FormatPAX}); err != nil {
				t.Fatal(err)
			}
			if _, err := tw.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		return &out
	}
	var got []string
	add := func(test, path string, data []byte) error {
		got = append(got, test+" "+path+" "+string(data))
		return nil
	}
	if err := archive(pack(":kernel/a.gcda", "x/y:programs/b.gcda"), add); err != nil {
		t.Fatal(err)
	}
	if want := []string{" kernel/a.gcda abc", "x/y programs/b.gcda abc"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if err := archive(pack("a.gcda"), add); err == nil || !strings.Contains(err.Error(), "names no test") {
		t.Errorf("no test: %v", err)
	}
	if err := archive(bytes.NewReader(pack("x:a").Bytes()[:40]), add); err == nil {
		t.Error("a cut archive: no error")
	}
	if err := archive(strings.NewReader(""), add); err == nil {
		t.Error("an empty archive: no error")
	}
}

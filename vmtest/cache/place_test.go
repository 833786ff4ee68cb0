// SPDX-License-Identifier: GPL-2.0-only OR MIT

package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/home/user/.cache/xpsgen":            "",
		"/home/jörg/日本/xpsgen":                "",
		"/home/u+v@example.org/~x_1/xpsgen-2": "",
		"/home/a user/.cache":                 "' '",
		"/home/a:b":                           "':'",
		"/home/a\nb":                          `'\n'`,
		"/home/$b":                            "'$'",
		"/home/100%":                          "'%'",
		"/home/j\xf6rg":                       "not UTF-8",
		filepath.Join(file, "below"):          "not a directory",
		file:                                  "not a directory",
		filepath.Join(filepath.Dir(file), "not", "yet"): "",
	} {
		err := Check(path)
		var perr *PlaceError
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", path, err)
		case want == "":
		case !errors.As(err, &perr) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "set "+EnvDir):
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
}

func TestCheckTemp(t *testing.T) {
	t.Setenv(TempVariable, t.TempDir())
	if err := CheckTemp(); err != nil {
		t.Error(err)
	}
	t.Setenv(TempVariable, "/nonexistent/tmp")
	if err := CheckTemp(); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), `"/nonexistent/tmp": no such file or directory (set TMPDIR`) {
		t.Error(err)
	}
	t.Setenv(TempVariable, "/dev/null")
	if err := CheckTemp(); !errors.Is(err, unix.ENOTDIR) {
		t.Error(err)
	}
}

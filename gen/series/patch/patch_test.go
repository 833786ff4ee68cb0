// SPDX-License-Identifier: GPL-2.0-only OR MIT

package patch

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/series/mail"
)

// Every patch of the workbench must be canonical.
func TestRepositoryPatches(t *testing.T) {
	var files []string
	for _, dir := range []string{"kernel-patches", "iproute2-patches"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "..", dir, "*", "*", "*.patch"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d patches, %v", dir, len(found), err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Format()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(data), string(out)); diff != "" {
				t.Errorf("not canonical (-file +format):\n%s", diff)
			}
			if err := p.CheckStat(); err != nil {
				t.Error(err)
			}
		})
	}
}

func header(name, value string) mail.Field { return mail.Field{Name: name, Value: value} }

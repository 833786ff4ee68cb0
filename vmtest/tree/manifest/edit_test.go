// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const editHead = `title = "t" # a title
project = "linux"
version = 3
prefix = "RFC"

# The first.
[[base]]
name = "one"
role = "submit"
[[base.source]]
kind = "deb"
package = "p"

`

const editTail = `
# The second.
[[base]]
name = "two"
role = "carry"

[[base.source]]
kind = "deb"
package = "p"

[[base.patch]]
key = "z"
file = "0001-z.patch"

[recipients]
to = ["a@b.c"]
`

func TestSetPatches(t *testing.T) {
	list := `# In order.
[[base.patch]]
key = "a"
file = "0001-a.patch"

# About b.
# More about b.
[[base.patch]]
key = "b"
file = "0002-b.patch"
`
	for name, tc := range map[string]struct {
		list    string
		patches []Patch
		want    string
	}{
		"the same":  {list, []Patch{{Key: "a", File: "0001-a.patch"}, {Key: "b", File: "0002-b.patch"}}, list},
		"reordered": {list, []Patch{{Key: "b", File: "0001-b.patch"}, {Key: "a", File: "0002-a.patch"}}, "# In order.\n# About b.\n# More about b.\n[[base.patch]]\nkey = \"b\"\nfile = \"0001-b.patch\"\n\n[[base.patch]]\nkey = \"a\"\nfile = \"0002-a.patch\"\n"},
		"dropped":   {list, []Patch{{Key: "a", File: "0001-a.patch"}}, "# In order.\n[[base.patch]]\nkey = \"a\"\nfile = \"0001-a.patch\"\n"},
		"new":       {"", []Patch{{Key: "a", File: "0001-a.patch"}}, "[[base.patch]]\nkey = \"a\"\nfile = \"0001-a.patch\"\n"},
		"none":      {list, nil, "# In order.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := SetPatches([]byte(editHead+tc.list+editTail), "one", tc.patches)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(editHead+tc.want+editTail, "\n\n\n", "\n\n")
			if d := cmp.Diff(want, strings.ReplaceAll(string(got), "\n\n\n", "\n\n")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	t.Run("the last base", func(t *testing.T) {
		got, err := SetPatches([]byte(editHead+list+editTail), "two", []Patch{{Key: "z", File: "0001-z.patch"}, {Key: "y", File: "0002-y.patch"}})
		if err != nil || !strings.Contains(string(got), "0002-y.patch\"\n\n[recipients]") {
			t.Errorf("%v\n%s", err, got)
		}
	})
	t.Run("another form", func(t *testing.T) {
		head := strings.Replace(editHead, "role = \"submit\"\n", "role = \"submit\"\npatch = [{key = \"a\", file = \"0001-a.patch\"}]\n", 1)
		if got, err := SetPatches([]byte(head+editTail), "one", []Patch{{Key: "b", File: "0001-b.patch"}}); err == nil {
			t.Errorf("accepted:\n%s", got)
		}
	})
	if _, err := SetPatches([]byte(editHead+list+editTail), "three", nil); err == nil || !strings.Contains(err.Error(), `no base "three"`) {
		t.Error(err)
	}
}

func TestSetVersion(t *testing.T) {
	got, err := SetVersion([]byte(editHead+editTail), 4)
	if err != nil || string(got) != strings.Replace(editHead+editTail, "version = 3", "version = 4", 1) {
		t.Errorf("%v\n%s", err, got)
	}
	if _, err := SetVersion([]byte("title = 'x'\n"), 4); err == nil {
		t.Error("no version, no error")
	}
}

// TestEditRepository: setting what is there changes nothing.
func TestEditRepository(t *testing.T) {
	for _, dir := range []string{"kernel-patches", "iproute2-patches"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", dir, Name))
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := parse(Name, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range s.Bases {
			if len(b.Patches) == 0 {
				continue
			}
			got, err := SetPatches(data, b.Name, b.Patches)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(data), string(got)); d != "" {
				t.Errorf("%s %s (-have +edited):\n%s", dir, b.Name, d)
			}
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const editHead = `[project] # a project
name = "linux"

# The first.
[[base]]
name = "one"
role = "submit"
[[base.source]]
kind = "deb"
package = "p"

[[base]]
name = "two"
role = "carry"
source = [{kind = "deb", package = "p"}]

# The series.
[[series]]
title = "t"
key = "a"
version = 3 # the third
`

const editTail = `
# Another series.
[[series]]
key = "b"
title = "t"

[[series.base]]
name = "one"

[[series.base.patch]]
key = "z"
file = "0001-z.patch"

[recipients]
to = ["a@b.c"]
`

func TestSetPatches(t *testing.T) {
	form := `
[[series.base]]
name = "one"

`
	list := form + `# In order.
[[series.base.patch]]
key = "a"
file = "0001-a.patch"

# About b.
# More about b.
[[series.base.patch]]
key = "b"
file = "0002-b.patch"
`
	for name, tc := range map[string]struct {
		list    string
		patches []Patch
		want    string
	}{
		"the same":  {list, []Patch{{Key: "a", File: "0001-a.patch"}, {Key: "b", File: "0002-b.patch"}}, list},
		"reordered": {list, []Patch{{Key: "b", File: "0001-b.patch"}, {Key: "a", File: "0002-a.patch"}}, form + "# In order.\n# About b.\n# More about b.\n[[series.base.patch]]\nkey = \"b\"\nfile = \"0001-b.patch\"\n\n[[series.base.patch]]\nkey = \"a\"\nfile = \"0002-a.patch\"\n"},
		"dropped":   {list, []Patch{{Key: "a", File: "0001-a.patch"}}, form + "# In order.\n[[series.base.patch]]\nkey = \"a\"\nfile = \"0001-a.patch\"\n"},
		"first":     {form, []Patch{{Key: "a", File: "0001-a.patch"}}, form + "[[series.base.patch]]\nkey = \"a\"\nfile = \"0001-a.patch\"\n"},
		"new base":  {"", []Patch{{Key: "a", File: "0001-a.patch"}}, form + "[[series.base.patch]]\nkey = \"a\"\nfile = \"0001-a.patch\"\n"},
		"none":      {list, nil, form + "# In order.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := SetPatches([]byte(editHead+tc.list+editTail), "a", "one", tc.patches)
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
		got, err := SetPatches([]byte(editHead+list+editTail), "b", "one", []Patch{{Key: "z", File: "0001-z.patch"}, {Key: "y", File: "0002-y.patch"}})
		if err != nil || !strings.Contains(string(got), "0002-y.patch\"\n\n[recipients]") {
			t.Errorf("%v\n%s", err, got)
		}
	})
	t.Run("a second base", func(t *testing.T) {
		got, err := SetPatches([]byte(editHead+list+editTail), "a", "two", []Patch{{Key: "y", File: "0001-y.patch"}})
		if err != nil || !strings.Contains(string(got), "0002-b.patch\"\n\n[[series.base]]\nname = \"two\"\n\n[[series.base.patch]]\nkey = \"y\"") {
			t.Errorf("%v\n%s", err, got)
		}
	})
	t.Run("a stack", func(t *testing.T) {
		head := strings.Replace(editHead, "role = \"carry\"\n", "role = \"carry\"\nstack = [\"b\",] # ours\n", 1)
		got, err := SetPatches([]byte(head+editTail), "a", "two", []Patch{{Key: "y", File: "0001-y.patch"}})
		if err != nil || !strings.Contains(string(got), "\nstack = [\"b\", \"a\"] # ours\n") {
			t.Errorf("%v\n%s", err, got)
		}
		if again, err := SetPatches(got, "a", "two", []Patch{{Key: "y", File: "0001-y.patch"}}); err != nil || string(again) != string(got) {
			t.Errorf("%v\n%s", err, again)
		}
	})
	t.Run("another form", func(t *testing.T) {
		inline := "\n[[series.base]]\nname = \"one\"\npatch = [{key = \"a\", file = \"0001-a.patch\"}]\n"
		if got, err := SetPatches([]byte(editHead+inline+editTail), "a", "one", []Patch{{Key: "b", File: "0001-b.patch"}}); err == nil {
			t.Errorf("accepted:\n%s", got)
		}
	})
	if _, err := SetPatches([]byte(editHead+list+editTail), "three", "one", nil); err == nil || !strings.Contains(err.Error(), `no [[series]] "three"`) {
		t.Error(err)
	}
}

func TestSetVersion(t *testing.T) {
	got, err := SetVersion([]byte(editHead+editTail), "a", 4)
	if err != nil || string(got) != strings.Replace(editHead+editTail, "version = 3", "version = 4", 1) {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = SetVersion([]byte(editHead+editTail), "b", 2)
	if err != nil || string(got) != strings.Replace(editHead+editTail, "key = \"b\"\n", "key = \"b\"\nversion = 2\n", 1) {
		t.Errorf("%v\n%s", err, got)
	}
	if _, err := SetVersion([]byte(editHead+editTail), "c", 4); err == nil {
		t.Error("no error without the series")
	}
}

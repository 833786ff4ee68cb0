// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"strings"
	"testing"
)

func TestIsName(t *testing.T) {
	for _, s := range []string{"a", "z", "A", "Z", "0", "9", "a-b", "a_b", "a.b", "_", "net-next", "6.12"} {
		if !isName(s) {
			t.Errorf("%q is no name", s)
		}
	}
	for _, s := range []string{"", "-a", ".a", "a b", "a/b", "a:b", "a@b", "a[b", "a`b", "a{b", "é", "a\n"} {
		if isName(s) {
			t.Errorf("%q is a name", s)
		}
	}
}

func TestIsCommit(t *testing.T) {
	sha1, sha256 := strings.Repeat("09af", 10), strings.Repeat("09af", 16)
	for s, want := range map[string]bool{
		sha1: true, sha256: true, sha1[1:]: false, sha1 + "0": false, sha256[1:]: false, sha256 + "0": false, "": false,
		"/" + sha1[1:]: false, ":" + sha1[1:]: false, "`" + sha1[1:]: false, "g" + sha1[1:]: false, strings.ToUpper(sha1): false,
	} {
		if isCommit(s) != want {
			t.Errorf("%q: %v, expected %v", s, !want, want)
		}
	}
}

// Each error names the key, the index of the target in the file, and the target.
func TestCheckTargets(t *testing.T) {
	for name, tt := range map[string]struct {
		target Target
		key    string
	}{
		"good": {Target{Name: "net", URL: "https://a.test", Branch: "main", MaxPatches: 15, IntervalHours: 24, LineLength: 80, List: "a@b.test",
			Archive: "https://a.test", Window: "https://a.test", Rules: rules[:1]}, ""},
		"no name":          {Target{}, "target.name"},
		"twice":            {Target{Name: "first"}, "target.name"},
		"url":              {Target{Name: "net", URL: "-x"}, "target.url"},
		"branch":           {Target{Name: "net", Branch: "-x"}, "target.branch"},
		"patches":          {Target{Name: "net", MaxPatches: -1}, "target.name"},
		"hours":            {Target{Name: "net", IntervalHours: -1}, "target.name"},
		"line":             {Target{Name: "net", LineLength: -1}, "target.name"},
		"archive":          {Target{Name: "net", Archive: "http://a.test"}, "target.archive"},
		"window":           {Target{Name: "net", Window: "a.test"}, "target.window"},
		"list":             {Target{Name: "net", List: "no address"}, "target.list"},
		"rules":            {Target{Name: "net", Rules: append(rules[:1:1], "nosuch")}, "target.rules"},
		"without anything": {Target{Name: "net"}, ""},
	} {
		f := &file{Targets: []Target{{Name: "first"}, tt.target}}
		key, nth, err := f.checkTargets()
		if key != tt.key || (err == nil) != (key == "") || err != nil && (nth != 1 || !strings.Contains(err.Error(), `"`+tt.target.Name+`"`)) {
			t.Errorf("%s: key %q of target %d, %v", name, key, nth, err)
		}
	}
}

func TestCheckPeople(t *testing.T) {
	for name, tt := range map[string]struct {
		recipients  Recipients
		attribution Attribution
		key         string
	}{
		"good": {Recipients{To: []string{"A <a@b.test>"}, Cc: []string{"c@b.test"}}, Attribution{SuggestedBy: []string{"A <a@b.test>"}, Link: "https://a.test",
			AssistedBy: []string{"Tool:1"}}, ""},
		"to":         {Recipients{To: []string{"A <a@b.test>", "a"}}, Attribution{}, "recipients.to"},
		"cc":         {Recipients{Cc: []string{"a"}}, Attribution{}, "recipients.cc"},
		"suggested":  {Recipients{}, Attribution{SuggestedBy: []string{"a"}}, "attribution.suggested-by"},
		"link":       {Recipients{}, Attribution{Link: "http://a.test"}, "attribution.link"},
		"empty tool": {Recipients{}, Attribution{AssistedBy: []string{" "}}, "attribution.assisted-by"},
		"two lines":  {Recipients{}, Attribution{AssistedBy: []string{"a\nb"}}, "attribution.assisted-by"},
	} {
		f := &file{Series: []Series{{Key: "first"}, {Key: "second", Recipients: tt.recipients, Attribution: tt.attribution}}}
		key, nth, err := f.checkPeople()
		want := tt.key
		if want != "" {
			want = "series." + want
		}
		if key != want || (err == nil) != (key == "") || err != nil && (nth != 1 || !strings.HasPrefix(err.Error(), `series "second": `)) {
			t.Errorf("%s: key %q of series %d, %v", name, key, nth, err)
		}
		key, nth, err = (&file{Recipients: tt.recipients, Attribution: tt.attribution}).checkPeople()
		if key != tt.key || nth != 0 || (err == nil) != (key == "") {
			t.Errorf("%s, for all series: key %q, %d, %v", name, key, nth, err)
		}
	}
}

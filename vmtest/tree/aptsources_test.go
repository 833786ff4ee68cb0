// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const oneLine = `# comment
deb http://mirror.invalid/debian bookworm main contrib
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg,/b.gpg] http://mirror.invalid/debian/ bookworm-updates main # tail
deb-src	http://mirror.invalid/debian bookworm main
deb cdrom
deb [broken http://x y z
rpm http://mirror.invalid/debian bookworm main
`

const deb822 = `# comment
Types: deb
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
# in between
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.invalid/
Suites: bookworm
Components: main

Types: deb
URIs: http://other.invalid/node
Suites: nodistro
Components: main
`

func TestParseOneLine(t *testing.T) {
	want := []aptSource{
		{Types: []string{"deb"}, URIs: []string{"http://mirror.invalid/debian"}, Suites: []string{"bookworm"}, Components: []string{"main", "contrib"}},
		{Types: []string{"deb"}, URIs: []string{"http://mirror.invalid/debian/"}, Suites: []string{"bookworm-updates"}, Components: []string{"main"},
			Options: []string{"Signed-By: /usr/share/keyrings/a.gpg /b.gpg"}},
		{Types: []string{"deb-src"}, URIs: []string{"http://mirror.invalid/debian"}, Suites: []string{"bookworm"}, Components: []string{"main"}},
	}
	if diff := cmp.Diff(want, parseOneLine([]byte(oneLine))); diff != "" {
		t.Error(diff)
	}
}

func TestParseDeb822(t *testing.T) {
	want := []aptSource{
		{Types: []string{"deb"}, URIs: []string{"http://mirror.invalid/debian"}, Suites: []string{"bookworm", "bookworm-updates"}, Components: []string{"main"},
			Options: []string{"Signed-By:", " -----BEGIN PGP PUBLIC KEY BLOCK-----", " .", " mQINBF"}},
		{Types: []string{"deb"}, URIs: []string{"http://mirror.invalid/debian-security"}, Suites: []string{"bookworm-security"}, Components: []string{"main"},
			Options: []string{"Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"}},
		{Types: []string{"deb"}, URIs: []string{"http://other.invalid/node"}, Suites: []string{"nodistro"}, Components: []string{"main"}},
	}
	got := parseDeb822([]byte(deb822))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:2], own(got)); diff != "" {
		t.Errorf("own: %s", diff)
	}
	// Reading what was written gives the same, except for the type.
	again := parseDeb822(formatSources(got, "deb-src"))
	for i := range want {
		want[i].Types = []string{"deb-src"}
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("again: %s", diff)
	}
}

func TestForSuite(t *testing.T) {
	for name, tc := range map[string]struct {
		have, suite string
		uri         string
	}{
		"other suite, same mirror":           {deb822, "trixie", "http://mirror.invalid/debian"},
		"security, configured":               {deb822, "trixie-security", "http://mirror.invalid/debian-security"},
		"security, next to the main archive": {"Types: deb\nURIs: http://m.invalid/x/debian/\nSuites: bookworm\nComponents: main\n", "bookworm-security", "http://m.invalid/x/debian-security"},
		"security, nowhere":                  {"Types: deb\nURIs: http://m.invalid/x\nSuites: bookworm\nComponents: main\n", "bookworm-security", ""},
		"not Debian":                         {"Types: deb\nURIs: http://m.invalid/ubuntu\nSuites: noble\nComponents: main\n", "trixie", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := forSuite(parseDeb822([]byte(tc.have)), tc.suite)
			if tc.uri == "" {
				if len(got) > 0 {
					t.Fatalf("got %+v", got)
				}
				return
			}
			if len(got) != 1 || len(got[0].URIs) != 1 || got[0].URIs[0] != tc.uri {
				t.Fatalf("got %+v", got)
			}
			if diff := cmp.Diff([]string{tc.suite}, got[0].Suites); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzAptSources checks that everything that is read can be written and read again.
func FuzzAptSources(f *testing.F) {
	f.Add([]byte(deb822))
	f.Add([]byte(oneLine))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range append(parseDeb822(data), parseOneLine(data)...) {
			if len(s.URIs) == 0 || len(s.Suites) == 0 {
				t.Fatalf("entry without address: %+v", s)
			}
		}
		parsed := parseDeb822(data)
		once := formatSources(parsed, "deb")
		if twice := formatSources(parseDeb822(once), "deb"); string(once) != string(twice) {
			t.Fatalf("not stable:\n%s\n---\n%s", once, twice)
		}
	})
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	root := t.TempDir()
	stackOf(t, root)
	mustWrite(t, filepath.Join(root, "ip-patches", Name), "[project]\nname = 'ip'\n"+
		"[[base]]\nname = 'ip-next'\nrole = 'submit'\nsource = [{kind = 'deb', package = 'p'}]\n"+
		"[[base]]\nname = 'lts'\nrole = 'carry'\nsource = [{kind = 'deb', package = 'p'}]\n"+
		"[[base]]\nname = 'empty'\nrole = 'carry'\nsource = [{kind = 'deb', package = 'p'}]\n"+
		"[[series]]\nkey = 'ip-xps'\ntitle = 't'\n")
	for _, b := range []string{"ip-next", "lts"} {
		mustWrite(t, filepath.Join(root, "ip-patches/ip-xps", b, "0001-a.patch"), "x")
	}
	c, err := LoadChange(root)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"hook":      "hook/next hook/lts",
		"hook/lts":  "hook/lts",
		"next":      "fix/next annotate/next hook/next tun/next link/next maps/next ops/next tcx/next",
		"linux/lts": "fix/lts hook/lts",
		"ip/lts":    "ip-xps/lts",
		"ip-next":   "ip-xps/ip-next",
		"lts":       `! "lts" is a base of linux and of ip: write linux/lts or ip/lts`,
		"nosuch":    `! no series or base "nosuch" (there is fix/next, annotate/next`,
		"link/lts":  `! no series or base "link/lts"`,
		"empty":     "! base empty of ip has no series yet",
	} {
		list, err := c.Resolve(word)
		if text, bad := strings.CutPrefix(want, "! "); bad {
			if err == nil || !strings.Contains(err.Error(), text) || !errors.Is(err, ErrNoThread) {
				t.Errorf("%s: got %v, want %s", word, err, text)
			}
			continue
		}
		if got := strings.Join(Names(list), " "); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", word, got, err, want)
		}
	}
	if list, _ := c.Resolve("maps"); list[0].Submitted() {
		t.Error("an extra is submitted")
	}
	if list, _ := c.Resolve("hook"); !list[0].Submitted() || list[1].Submitted() {
		t.Error("a series on a base that is sent, and on a carry")
	}
}

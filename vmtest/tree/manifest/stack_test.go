// SPDX-License-Identifier: GPL-2.0-only OR MIT

package manifest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const stackHead = `[project]
name = "linux"
build = "kbuild"
guest = "kernel"

[[base]]
name = "next"
role = "submit"
source = [{kind = "deb", package = "p"}]

[[base]]
name = "lts"
role = "carry"
stack = ["fix", "hook"]
source = [{kind = "deb", package = "p"}]
`

// stackOf makes a project: fix, annotate; hook on fix; tun and link on hook;
// maps, extra, on tun; ops and tcx, alternatives of hook.
func stackOf(t *testing.T, root string) *Project {
	t.Helper()
	dir := filepath.Join(root, "kernel-patches")
	text := stackHead
	for _, s := range []struct{ key, more, bases string }{
		{"fix", "", "next lts"},
		{"annotate", "", "next"},
		{"hook", "on = ['fix']", "next lts"},
		{"tun", "on = ['hook']", "next"},
		{"link", "on = ['hook']\ntests = 'link'", "next"},
		{"maps", "on = ['tun']\nrole = 'extra'", "next"},
		{"ops", "on = ['annotate']\nrole = 'alternative'\nreplaces = ['hook']", "next"},
		{"tcx", "role = 'alternative'\nreplaces = ['hook']", "next"},
	} {
		text += "\n[[series]]\nkey = '" + s.key + "'\ntitle = 't'\n" + s.more + "\n"
		for _, b := range strings.Fields(s.bases) {
			mustWrite(t, filepath.Join(dir, s.key, b, "0001-"+s.key+".patch"), "x")
		}
	}
	mustWrite(t, filepath.Join(dir, Name), text)
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStack(t *testing.T) {
	p := stackOf(t, t.TempDir())
	for _, tc := range []struct {
		name, base string
		sel        Selection
		want, err  string
	}{
		{name: "all", base: "next", want: "fix annotate hook tun link maps"},
		{name: "carry", base: "lts", want: "fix hook"},
		{name: "one", base: "next", sel: Selection{Only: []string{"link"}}, want: "fix hook link"},
		{name: "below", base: "next", sel: Selection{Only: []string{"link"}, Below: true}, want: "fix hook"},
		{name: "depends on nothing", base: "next", sel: Selection{Only: []string{"annotate"}}, want: "annotate"},
		{name: "two", base: "next", sel: Selection{Only: []string{"annotate", "tun"}}, want: "fix annotate hook tun"},
		{name: "without", base: "next", sel: Selection{Without: []string{"maps"}}, want: "fix annotate hook tun link"},
		{name: "alternative", base: "next", sel: Selection{With: []string{"ops"}}, want: "fix annotate ops"},
		{name: "another", base: "next", sel: Selection{With: []string{"tcx"}}, want: "fix annotate tcx"},
		{name: "only an alternative", base: "next", sel: Selection{Only: []string{"ops"}}, want: "annotate ops"},
		{name: "needed", base: "next", sel: Selection{Without: []string{"tun"}}, err: "maps depends on tun: leave both out"},
		{name: "not there", base: "lts", sel: Selection{Without: []string{"tun"}}, err: `has no "tun" (it is fix, hook)`},
		{name: "no series", base: "next", sel: Selection{Only: []string{"x"}}, err: `no such series "x" in linux (there is fix, annotate`},
		{name: "not on base", base: "lts", sel: Selection{Only: []string{"link"}}, err: "link has no patches on base lts (it has on next)"},
		{name: "no alternative", base: "next", sel: Selection{With: []string{"hook"}}, err: `no alternative "hook" (there is ops, tcx)`},
		{name: "alternative twice", base: "next", sel: Selection{With: []string{"ops", "ops"}}, err: "named twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, err := p.Stack(tc.base, tc.sel)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || !errors.Is(err, ErrSelection) {
					t.Errorf("got %v, want %s", err, tc.err)
				}
				return
			}
			var keys []string
			for _, s := range list {
				keys = append(keys, s.Key)
			}
			if got := strings.Join(keys, " "); got != tc.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestChange(t *testing.T) {
	root := t.TempDir()
	if _, err := LoadChange(root); !errors.Is(err, ErrNoProject) {
		t.Errorf("nothing: %v", err)
	}
	stackOf(t, root)
	if c, err := LoadChange(root); err != nil || len(c.Projects) != 1 || c.Guest(GuestIP) != nil || c.Guest(GuestKernel) == nil {
		t.Errorf("one project: %v, %v", c, err)
	}
	ip := "[project]\nname = 'ip'\nbuild = 'iproute2'\nguest = 'ip'\n[[base]]\nname = 'ip-next'\nrole = 'submit'\nfor = ['next']\nsource = [{kind = 'deb', package = 'p'}]\n" +
		"[[base]]\nname = 'old'\nrole = 'carry'\nfor = ['lts', 'next']\nsource = [{kind = 'deb', package = 'p'}]\n"
	for name, tc := range map[string]struct{ text, want string }{
		"good":         {ip + "[[series]]\nkey = 'ip'\ntitle = 't'\non = ['hook']\n", ""},
		"same project": {strings.Replace(ip, "'ip'", "'linux'", 1), `project "linux" is in`},
		"same guest":   {strings.Replace(strings.Replace(ip, "guest = 'ip'", "guest = 'kernel'", 1), "iproute2", "kbuild", 1), "both are the guest's kernel"},
		"same key":     {ip + "[[series]]\nkey = 'hook'\ntitle = 't'\n", `series "hook" is in project`},
		"depends on":   {ip + "[[series]]\nkey = 'ip'\ntitle = 't'\non = ['nosuch']\n", `on: no series "nosuch" in any project`},
		"for":          {strings.Replace(ip, "'next'", "'nosuch'", 1), `for "nosuch": the guest's kernel has no such base`},
		"scripts":      {strings.Replace(ip, "name = 'ip'", "name = 'ip'\nscripts = 'bsd'", 1), `no project "bsd" (there is linux, ip)`},
	} {
		t.Run(name, func(t *testing.T) {
			mustWrite(t, filepath.Join(root, "ip-patches", Name), tc.text)
			c, err := LoadChange(root)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p, s := c.Find("ip")
			if c.Projects[0].Name != "linux" || s == nil || p.Name != "ip" {
				t.Errorf("order %v, found %v", c.Projects, s)
			}
			for kernel, want := range map[string]string{"next": "ip-next old ", "lts": "old ", "none": ""} {
				got := ""
				for _, b := range p.BasesFor(kernel) {
					got += b.Name + " "
				}
				if got != want {
					t.Errorf("bases for %s: %q, want %q", kernel, got, want)
				}
			}
		})
	}
}

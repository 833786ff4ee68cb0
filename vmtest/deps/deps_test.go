// SPDX-License-Identifier: GPL-2.0-only OR MIT

package deps

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a PATH with shell scripts.
type machine struct {
	dir string
	opt InstallOptions
	log bytes.Buffer
}

func newMachine(t *testing.T, euid int) *machine {
	t.Helper()
	m := &machine{dir: t.TempDir()}
	m.opt = InstallOptions{Log: &m.log, euid: func() int { return euid }, lists: filepath.Join(m.dir, "lists")}
	t.Setenv("PATH", m.dir+":/usr/bin:/bin")
	m.tool(t, "apt-get", `while [ "$1" ]; do case $1 in
update) echo update >> @/calls; touch @/lists/x_Packages; exit 0;;
install) echo "install $*" >> @/calls
	if [ -e @/stale ] && [ $(grep -c update @/calls) = 0 ]; then echo "E: Unable to locate package gadget" >&2; exit 100; fi
	if [ -e @/broken ]; then echo "E: Sub-process returned an error code (1)" >&2; exit 100; fi
	[ -e @/wrong ] || { printf '#!/bin/sh\necho gadget 1.0\n' > @/gadget; chmod 755 @/gadget; }
	exit 0;;
esac; shift; done`)
	m.touch(t, "lists/a_Packages")
	return m
}

func (m *machine) tool(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte("#!/bin/sh\n"+strings.ReplaceAll(text, "@/", m.dir+"/")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) touch(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) calls(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(data), "install install -y --no-install-recommends", "install"))
}

var gadget = []Dep{{Name: "gadget", Why: "tests", Group: Test, Package: "gadget-pkg", version: []string{"--version"}}}

func mustMissing(t *testing.T, deps []Dep) []Status {
	t.Helper()
	missing, err := Missing(t.Context(), deps, "")
	if err != nil {
		t.Fatal(err)
	}
	return missing
}

func TestInstallAsRoot(t *testing.T) {
	for name, tc := range map[string]struct {
		state []string
		rm    string
		calls string
		err   string
	}{
		"plain":       {nil, "", "install gadget-pkg", ""},
		"empty lists": {nil, "lists/a_Packages", "update\ninstall gadget-pkg", ""},
		"stale lists": {[]string{"stale"}, "", "install gadget-pkg\nupdate\ninstall gadget-pkg", ""},
		"broken":      {[]string{"broken"}, "", "install gadget-pkg\nupdate\ninstall gadget-pkg", "Sub-process returned"},
		"does not help": {[]string{"wrong"}, "", "install gadget-pkg",
			"gadget (tests): not in PATH\nnot installed: the packages are installed, but the dependencies are still missing"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, 0)
			for _, s := range tc.state {
				m.touch(t, s)
			}
			if tc.rm != "" {
				if err := os.Remove(filepath.Join(m.dir, tc.rm)); err != nil {
					t.Fatal(err)
				}
			}
			err := Install(t.Context(), mustMissing(t, gadget), m.opt)
			if got := m.calls(t); got != tc.calls {
				t.Errorf("calls %q, want %q", got, tc.calls)
			}
			if tc.err == "" {
				if err != nil || len(mustMissing(t, gadget)) > 0 {
					t.Errorf("got %v", err)
				}
				return
			}
			var merr *MissingError
			if !errors.As(err, &merr) || !strings.Contains(err.Error(), tc.err) ||
				!strings.Contains(err.Error(), "run as root: apt-get update && apt-get install --no-install-recommends gadget-pkg") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestInstallAsUser(t *testing.T) {
	for name, tc := range map[string]struct {
		sudo string
		err  string
	}{
		"sudo without password": {`[ "$1" = -n ] && shift; exec "$@"`, ""},
		"sudo with password":    {`echo "sudo: a password is required" >&2; exit 1`, "sudo needs a password and there is no terminal"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, 1000)
			m.tool(t, "sudo", tc.sudo)
			err := Install(t.Context(), mustMissing(t, gadget), m.opt)
			if tc.err == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.err) || m.calls(t) != "" {
				t.Errorf("got %v, calls %q", err, m.calls(t))
			}
		})
	}
}

func TestInstallWithoutApt(t *testing.T) {
	newMachine(t, 0)
	missing := mustMissing(t, gadget)
	t.Setenv("PATH", "/nowhere")
	err := Install(t.Context(), missing, InstallOptions{})
	var merr *MissingError
	if !errors.As(err, &merr) || merr.Command != "" || !strings.Contains(err.Error(), "no apt on this system") ||
		!strings.Contains(err.Error(), "gadget (tests): not in PATH") {
		t.Errorf("got %v", err)
	}
}

func TestNothingMissing(t *testing.T) {
	m := newMachine(t, 0)
	if err := Install(t.Context(), nil, m.opt); err != nil || m.calls(t) != "" {
		t.Errorf("got %v, calls %q", err, m.calls(t))
	}
}

func TestLook(t *testing.T) {
	m := newMachine(t, 0)
	m.tool(t, "gadget", "exit 1")
	m.tool(t, "gcc", `echo '<stdin>:1:10: fatal error: gelf.h: No such file or directory' >&2; exit 1`)
	all, err := Check(t.Context(), append([]Dep{{Name: "<gelf.h>", program: "#include <gelf.h>\n"}}, gadget...), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"gelf.h: No such file or directory", "does not run: "} {
		if all[i].Found || !strings.Contains(all[i].Detail, want) {
			t.Errorf("%s: %+v", all[i].Name, all[i])
		}
	}
	header := []Dep{{Name: "<gelf.h>", program: "#include <gelf.h>\n"}}
	for says, want := range map[string]string{
		"note: odd\n<stdin>:1: error: no luck \nb.c: error: second": "no luck", "/usr/bin/ld: cannot find -lelf": "does not link: ld: cannot find -lelf",
	} {
		m.tool(t, "gcc", "printf '"+says+"\n' >&2; exit 1")
		if got, err := Check(t.Context(), header, ""); err != nil || got[0].Found || got[0].Detail != want {
			t.Errorf("%q: %+v, %v, expected %q", says, got, err, want)
		}
	}
	m.tool(t, "gcc", "exit 0")
	m.tool(t, "gadget", "echo gadget 2.0; echo more")
	if all, err = Check(t.Context(), append([]Dep{{Name: "<gelf.h>", program: "#include <gelf.h>\n"}}, gadget...), ""); err != nil {
		t.Fatal(err)
	}
	if !all[0].Found || !all[1].Found || all[1].Detail != "gadget 2.0" {
		t.Errorf("%+v", all)
	}
}

func TestGroups(t *testing.T) {
	grouped := 0
	for _, g := range Groups() {
		grouped += len(Of(g))
	}
	if len(Of()) != len(All()) || grouped != len(All()) {
		t.Error("a dependency is in no group")
	}
	for _, d := range All() {
		if d.Package == "" || d.Why == "" || (len(d.version) == 0) == (d.program == "") {
			t.Errorf("%s: incomplete", d.Name)
		}
	}
}

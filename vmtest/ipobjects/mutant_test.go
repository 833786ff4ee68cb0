// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/testenv"
)

// TestMutants removes each check from ip, one at a time. The result of the
// object that the mutant names must then change.
func TestMutants(t *testing.T) {
	testenv.Require(t, "object-mutants", "builds ip once for each check")
	dir := t.TempDir()
	objects, err := Generate(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range preparetest.Bases(t) {
		t.Run(base, func(t *testing.T) {
			src := preparetest.Source(t, base)
			job := record.Job{Contexts: record.Contexts(), Dir: dir}
			for _, name := range []string{Legacy, Distribution} {
				job.Builds = append(job.Builds, mutate(t, &src, name)...)
			}
			for _, o := range objects {
				o.Builds = nil
				for _, m := range mutants {
					if m.object == o.Name {
						o.Builds = append(o.Builds, m.name, m.build)
					}
				}
				if o.Builds != nil {
					job.Objects = append(job.Objects, o)
				}
			}
			results, err := work(t.Context(), &Options{Source: src, Timeout: 20 * time.Minute}, &job)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range mutants {
				var with, without []string
				for _, r := range results {
					switch {
					case r.Object == m.object && r.Build == m.name:
						with = append(with, r.Context+": "+cell(&r))
					case r.Object == m.object && r.Build == m.build:
						without = append(without, r.Context+": "+cell(&r))
					}
				}
				if len(with) == 0 || slices.Equal(with, without) {
					t.Errorf("mutant %s survived: %s/%s ends as without it: %q", m.name, m.build, m.object, with)
				}
			}
			t.Logf("%d mutants", len(mutants))
		})
	}
}

// TestMutantsApply looks for the code that the mutants replace, and for their objects.
func TestMutantsApply(t *testing.T) {
	testenv.Require(t, "objects", "reads the source of ip of both bases")
	names := map[string]bool{}
	for _, s := range sources() {
		names[s.name] = true
	}
	for _, o := range noFiles() {
		names[o.Name] = true
	}
	for _, base := range preparetest.Bases(t) {
		s := preparetest.Source(t, base)
		src, err := s.OpenIP(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants {
			data, err := src.Show(t.Context(), m.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(data), m.old); n != 1 {
				t.Errorf("%s: mutant %s: its text occurs %d times in %s, expected once", base, m.name, n, m.file)
			}
			if !names[m.object] {
				t.Errorf("mutant %s: no object is named %s", m.name, m.object)
			}
		}
	}
}

// mutate builds ip without a mutant, and with each mutant of one build.
func mutate(t *testing.T, s *prepare.Source, build string) []record.Build {
	t.Helper()
	src, err := s.OpenIP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := src.Extract(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	env := os.Environ()
	if build == Legacy {
		env = append(env, "LIBBPF_FORCE=off")
	}
	compile := func(name string) record.Build {
		for _, args := range [][]string{{"make", "config.mk"}, {"make", "-j2", "SUBDIRS=lib ip"}} {
			if err := (&proc.Cmd{Args: args, Dir: dir, Env: env}).Run(t.Context()); err != nil {
				t.Fatalf("build mutant %s: %v", name, err)
			}
		}
		ip := filepath.Join(t.TempDir(), "ip")
		if err := os.Rename(filepath.Join(dir, "ip", "ip"), ip); err != nil {
			t.Fatal(err)
		}
		return record.Build{Name: name, IP: ip}
	}
	all := []record.Build{compile(build)}
	for _, m := range mutants {
		if m.build != build {
			continue
		}
		path := filepath.Join(dir, m.file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), m.old); n != 1 {
			t.Errorf("mutant %s: its text occurs %d times in %s, expected once", m.name, n, m.file)
			continue
		}
		write := func(text string) {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write(strings.Replace(string(data), m.old, m.new, 1))
		all = append(all, compile(m.name))
		write(string(data))
	}
	return all
}

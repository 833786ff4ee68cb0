// SPDX-License-Identifier: GPL-2.0-only OR MIT

package bisect

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/build"
	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/config"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/proc"
)

// version changes when the rules for judging a step change.
const version = "1"

// memory remembers the steps that passed. The key is the hash of all inputs:
// trees, configuration, compiler, the guest's init with the suite, the BPF
// objects, and the tests.
type memory struct {
	dir string
	// same is the part of the key that all steps share.
	same string
}

func newMemory(ctx context.Context, s *prepare.Source) (*memory, error) {
	fragments, err := config.For(nil, s.Fragments...)
	if err != nil {
		return nil, err
	}
	merged, err := config.Merge(fragments)
	if err != nil {
		return nil, err
	}
	out, err := (&proc.Cmd{Args: []string{"gcc", "--version"}}).Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("gcc version: %w (make deps installs gcc)", err)
	}
	compiler, _, _ := strings.Cut(string(out), "\n")
	init, err := build.Guest(ctx, build.GuestOptions{Root: s.Root, Cache: s.Cache, Progress: s.Progress})
	if err != nil {
		return nil, err
	}
	sum, err := prepare.FileSum(init)
	if err != nil {
		return nil, err
	}
	parts := []string{version, string(config.Format(merged.Symbols)), compiler, sum}
	objects, err := prepare.Objects(s.Root, nil)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		sum, err := prepare.FileSum(o.Path)
		if err != nil {
			return nil, err
		}
		parts = append(parts, o.Name+" "+sum)
	}
	return &memory{dir: filepath.Join(s.Cache, "bisect"), same: strings.Join(parts, "\n")}, nil
}

// key identifies a step.
func (m *memory) key(ctx context.Context, s *prepare.Source, tests []string) (string, error) {
	kernel, err := s.OpenKernel(ctx)
	if err != nil {
		return "", err
	}
	ip, err := s.OpenIP(ctx)
	if err != nil {
		return "", err
	}
	k, err := kernel.TreeID(ctx)
	if err != nil {
		return "", err
	}
	i := ""
	if ip == nil {
		own, err := build.MachineIP(ctx)
		if err != nil {
			return "", err
		}
		i = own.Hash
	} else if i, err = ip.TreeID(ctx); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{m.same, k, i}, tests...), "\n")))
	return fmt.Sprintf("%x", sum[:12]), nil
}

// record is the cache entry of a step that passed.
type record struct {
	Release string  `json:"kernel_release"`
	Passed  int     `json:"passed"`
	Seconds float64 `json:"seconds"`
}

// load fills in st from an earlier run in which all tests passed. It reports whether there
// was one.
func (m *memory) load(key string, st *Step) bool {
	data, err := os.ReadFile(filepath.Join(m.dir, key+".json"))
	var r record
	if err != nil || json.Unmarshal(data, &r) != nil || r.Passed != len(st.Tests) {
		return false
	}
	st.Release, st.Passed, st.Seconds, st.Cached = r.Release, r.Passed, r.Seconds, true
	return true
}

func (m *memory) store(key string, st *Step) error {
	data, err := json.MarshalIndent(record{Release: st.Release, Passed: st.Passed, Seconds: st.Seconds}, "", "\t")
	if err != nil {
		return fmt.Errorf("store bisect step: %w", err)
	}
	return cache.WriteFile(filepath.Join(m.dir, key+".json"), append(data, '\n'), 0o644)
}

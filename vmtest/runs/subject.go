// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import (
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/arch"
	"xpsgen/vmtest/prepare"
)

// Subject is the subject of a run. Runs of one subject and kind replace each
// other in a picture.
type Subject struct {
	// Base names the kernel base, or that of the series for [Check].
	Base string `json:"base"`
	// Arch is the architecture of the guest, as GOARCH; empty means amd64.
	Arch string `json:"arch,omitempty"`
	// Config names the Kconfig fragments on top of the default: those of
	// vmtest/config, or absolute paths.
	Config []string `json:"config,omitempty"`
	// Series is the key of one series for [Check], else empty.
	Series string `json:"series,omitempty"`
	// Only, With and Without are keys that choose series from the stacks, as
	// in [manifest.Selection]. Without any, the whole stacks are applied.
	Only    []string `json:"only,omitempty"`
	With    []string `json:"with,omitempty"`
	Without []string `json:"without,omitempty"`
	// Unpatched means the base without the kernel series.
	Unpatched bool `json:"unpatched,omitempty"`
	// Trees are source directories of the user's own, used instead of the
	// bases': "kernel /home/me/linux".
	Trees []string `json:"trees,omitempty"`
}

// SubjectOf returns the subject of a run on src.
func SubjectOf(src *prepare.Source) (Subject, error) {
	s := Subject{
		Base:      src.BaseName(),
		Only:      slices.Concat(src.Select.Only, src.IPSelect.Only),
		With:      slices.Concat(src.Select.With, src.IPSelect.With),
		Without:   slices.Concat(src.Select.Without, src.IPSelect.Without),
		Unpatched: src.Unpatched,
	}
	if src.Arch != arch.Amd64 {
		s.Arch = src.Arch
	}
	for _, f := range src.Fragments {
		if !slices.Contains(prepare.Fragments(), f) {
			var err error
			if f, err = filepath.Abs(f); err != nil {
				return s, err
			}
		}
		s.Config = append(s.Config, f)
	}
	for _, t := range []struct{ project, dir string }{{"kernel", src.KernelDir}, {"iproute2", src.IPDir}} {
		if t.dir == "" {
			continue
		}
		dir, err := filepath.Abs(t.dir)
		if err != nil {
			return s, err
		}
		s.Trees = append(s.Trees, t.project+" "+dir)
	}
	return s, nil
}

// ConfigName is the configuration in a word: "default", "debug".
func (s Subject) ConfigName() string {
	parts := s.config()
	if s.Unpatched {
		parts = append(parts, "unpatched")
	}
	if len(parts) == 0 {
		return "default"
	}
	return strings.Join(parts, "-")
}

func (s Subject) config() (parts []string) {
	if s.Arch != "" {
		parts = append(parts, s.Arch)
	}
	for _, f := range s.Config {
		parts = append(parts, strings.TrimSuffix(filepath.Base(f), ".config"))
	}
	return parts
}

// SeriesName says which series are applied: "all", "hook", "all with tcx".
func (s Subject) SeriesName() string {
	parts := []string{"all"}
	switch {
	case s.Series != "":
		return s.Series
	case len(s.Only) > 0:
		parts = []string{strings.Join(s.Only, ", ")}
	}
	if len(s.With) > 0 {
		parts = append(parts, "with "+strings.Join(s.With, ", "))
	}
	if len(s.Without) > 0 {
		parts = append(parts, "without "+strings.Join(s.Without, ", "))
	}
	return strings.Join(parts, " ")
}

// Name is short and fit for a file's name: "net-next-debug".
func (s Subject) Name() string {
	parts := []string{s.Base}
	if s.Series != "" {
		parts = []string{s.Series, s.Base}
	}
	parts = append(append(parts, s.config()...), s.Only...)
	for _, k := range s.With {
		parts = append(parts, "with", k)
	}
	for _, k := range s.Without {
		parts = append(parts, "without", k)
	}
	if s.Unpatched {
		parts = append(parts, "unpatched")
	}
	if len(s.Trees) > 0 {
		parts = append(parts, "own-tree")
	}
	return strings.Join(parts, "-")
}

func (s Subject) same(o Subject) bool {
	return s.Base == o.Base && s.Arch == o.Arch && s.Series == o.Series && s.Unpatched == o.Unpatched &&
		slices.Equal(s.Config, o.Config) && slices.Equal(s.Trees, o.Trees) &&
		slices.Equal(s.Only, o.Only) && slices.Equal(s.With, o.With) && slices.Equal(s.Without, o.Without)
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
	"xpsgen/vmtest/prepare"
)

// headersOf returns a function that finds the headers of a base for a target. h
// has the headers for amd64.
func headersOf(src prepare.Source, h *prepare.HeadersResult) func(ctx context.Context, arch string) (string, error) {
	return func(ctx context.Context, arch string) (string, error) {
		if uapi.KernelArch(arch) == "x86" {
			return h.Include, nil
		}
		other, err := prepare.HeadersFor(ctx, src, uapi.KernelArch(arch))
		if err != nil {
			return "", err
		}
		return other.Include, nil
	}
}

// headerSpecs reads the netlink specifications of the tree that the headers come from. The
// exit code of git does not distinguish a missing file from other errors. Therefore any
// failure counts as a missing file.
func headerSpecs(h *prepare.HeadersResult) uapi.SpecReader {
	return func(ctx context.Context, name string) ([]byte, error) {
		text, err := h.Show(ctx, uapi.SpecDir+"/"+name+".yaml")
		if err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return text, err
	}
}

// openHeaders finds the headers that the flags name, for one target. The caller
// closes src, unless it needs the directories in the cache afterwards.
func (j *uapiJob) openHeaders(ctx context.Context, arch string) (src *uapi.Source, name string, err error) {
	switch {
	case j.tree != "":
		name = j.tree
	case j.given():
		name = strings.Join(uapi.IncludeDirs(arch, j.include, j.includeFor), ", ")
	default:
		return openBase(ctx, j.src, arch)
	}
	src, err = uapi.Open(ctx, uapi.SourceOptions{
		Tree: j.tree, Include: uapi.IncludeDirs(arch, j.include, j.includeFor), Arch: arch, CacheDir: filepath.Join(j.src.Cache, "headers"),
	})
	return src, name, err
}

// openBase finds the headers of a base.
func openBase(ctx context.Context, src prepare.Source, arch string) (*uapi.Source, string, error) {
	target := uapi.KernelArch(arch)
	if target == "x86" {
		target = ""
	}
	h, err := prepare.HeadersFor(ctx, src, target)
	if err != nil {
		return nil, "", err
	}
	s, err := uapi.Open(ctx, uapi.SourceOptions{Include: []string{h.Include}, Arch: arch})
	if err != nil {
		return nil, "", err
	}
	name := h.Base + " (" + h.Release
	if h.Series == "" {
		name += " unpatched"
	}
	return s, name + ")", nil
}

// openSpec finds the headers that a word on the command line names. The word is
// a base, a base with ":unpatched" for the headers without the series, or the
// directory of a kernel tree or of installed headers.
func (j *uapiJob) openSpec(ctx context.Context, word, arch string) (*uapi.Source, string, error) {
	opt := uapi.SourceOptions{Arch: arch, CacheDir: filepath.Join(j.src.Cache, "headers")}
	base, variant, _ := strings.Cut(word, ":")
	if _, err := prepare.Bases(j.src.Root, base); err == nil && base != prepare.AllBases && (variant == "" || variant == "unpatched") {
		src := j.src
		src.Base, src.KernelDir, src.Unpatched = base, "", variant != ""
		return openBase(ctx, src, arch)
	}
	switch {
	case isDirectory(filepath.Join(word, "include", "uapi", "linux")):
		opt.Tree = word
	case isDirectory(filepath.Join(word, "linux")):
		opt.Include = []string{word}
	default:
		return nil, "", command.Usagef("%q is neither a base (%s), nor one with :unpatched, nor \"committed\", nor a directory of a kernel tree or of headers",
			word, strings.Join(j.bases(), ", "))
	}
	s, err := uapi.Open(ctx, opt)
	return s, word, err
}

// bases returns the names of all bases, or nil if series.toml cannot be read.
func (j *uapiJob) bases() []string {
	names, err := prepare.Bases(j.src.Root, prepare.AllBases)
	if err != nil {
		return nil
	}
	return names
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/config"
	"xpsgen/vmtest/tree"
)

// Objects is the name of the object directory for the configuration "base".
const Objects = "obj-base"

// BuildObjects brings the object directory of a checked out tree up to date. With whole it
// runs the whole make, whatever changed. It returns why it did so, or "".
func BuildObjects(ctx context.Context, opt KernelOptions, t *tree.Tree, whole bool) (reason string, err error) {
	b := &kernelBuild{opt: opt, arch: archOf(opt.Arch), step: "build kernel " + opt.Source.Version}
	merged, err := config.Merge(opt.Fragments)
	if err != nil {
		return "", err
	}
	b.want = merged.Symbols
	k := &KernelResult{}
	if k.Compiler, err = toolVersion(ctx, b.step, "gcc"); err != nil {
		return "", err
	}
	if k.Linker, err = toolVersion(ctx, b.step, "ld"); err != nil {
		return "", err
	}
	if k.Tree, err = opt.Source.TreeID(ctx); err != nil {
		return "", err
	}
	kb := &kbuild{step: b.step, tree: t, p: opt.Progress, needBytes: kernelBytes}
	image := false
	err = kb.in(ctx, Objects, b.flavour(), func(o *objdir) error {
		if whole {
			o.last = nil
		}
		image, err = b.bring(ctx, kb, o, k)
		return err
	})
	if err == nil && !image {
		return "", b.complete(ctx, t, k.Tree, func([]byte) error { return nil })
	}
	text, rerr := readFrom(kb.log, 0)
	if rerr != nil {
		return "", rerr
	}
	const note = "# whole make: "
	if i := bytes.Index(text, []byte(note)); i >= 0 {
		reason, _, _ = strings.Cut(string(text[i+len(note):]), "\n")
	}
	return reason, err
}

// Sources returns the sources whose objects an edit can replace, and for each header below
// dirs the number of objects that depend on it.
func Sources(dir, src string, dirs ...string) (sources []string, headers map[string]int, err error) {
	deps, err := readCommands(dir, src)
	if err != nil {
		return nil, nil, err
	}
	headers = map[string]int{}
	for target, cmd := range deps.commands {
		if !deps.isObject(target) {
			continue
		}
		if source := strings.TrimSuffix(target, ".o") + ".c"; strings.Contains(cmd.saved, src+"/"+source) {
			sources = append(sources, source)
		}
		for line := range strings.Lines(string(cmd.text)) {
			name, ok := strings.CutPrefix(strings.Trim(line, " \\\n"), src+"/")
			if ok && filepath.Ext(name) == ".h" && slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(name, d) }) {
				headers[name]++
			}
		}
	}
	slices.Sort(sources)
	return sources, headers, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
	"xpsgen/gen/uapi/syzlang"
	"xpsgen/vmtest/prepare"
)

// syzlangDir has the configuration and the generated descriptions, below the package of
// the bindings.
const (
	syzlangDir    = "syzlang"
	syzlangConfig = "syzlang.toml"
)

type syzlangOptions struct {
	headerOptions
	check bool
}

func uapiSyzlangCommand(env uapiCommands) *command.Command {
	var o syzlangOptions
	base := o.baseFlag(env.environment, false)
	base.Help = "kernel base of series.toml; default that of the package, else the first"
	return &command.Command{
		Name:  "syzlang",
		Short: "generate descriptions for syzkaller",
		Long: "Describes what the series adds to the kernel's interface: the netlink attributes, from their YNL specification, and " +
			"the BPF links. " + syzlangConfig + " in the directory says what to describe. Writes two files for sys/linux of a syzkaller " +
			"checkout: the descriptions, and the values of their constants. The values may differ between bases.",
		Flags: []command.Flag{
			base,
			o.kernelFlag(),
			{Name: "tree", Arg: "DIR", To: command.String(&o.tree), Help: "kernel source to use unpatched, instead of the patched base"},
			{Name: "out", Arg: "DIR", To: command.String(&o.out), Help: "directory of the files; default uapi/syzlang of the workbench"},
			o.ccFlag(),
			o.jobsFlag(),
			{Name: "check", To: command.Bool(&o.check), Help: "write nothing; exit with 1 if the files differ from the headers"},
		},
		Examples: []command.Example{
			{Line: "uapi syzlang", Note: "regenerate the descriptions"},
			{Line: "uapi syzlang --check", Note: "compare them with the headers"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "the headers lack a name, or (with --check) the files differ"}},
		Needs: []string{"headers"},
		Valid: func([]string) error { return o.valid(env) },
		Run:   func(ctx context.Context, _ []string) error { return env.uapiSyzlang(ctx, &o) },
	}
}

func (env uapiCommands) uapiSyzlang(ctx context.Context, o *syzlangOptions) error {
	dir := o.out
	if dir == "" {
		if o.job.src.Root == "" {
			return command.Usagef("not in a workbench: name the directory of %s with --out", syzlangConfig)
		}
		dir = filepath.Join(o.job.src.Root, "uapi", syzlangDir)
	}
	files, err := o.job.describe(ctx, dir)
	if err != nil {
		return err
	}
	differ := false
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the descriptions: %w", err)
		}
		switch {
		case err == nil && bytes.Equal(old, f.Text):
			env.ui.Printf("%s: up to date", relative(path))
		case o.check:
			differ = true
			env.ui.Error(relative(path) + " differs from the headers; run make uapi and commit the result")
		default:
			if err := os.WriteFile(path, f.Text, 0o644); err != nil {
				return fmt.Errorf("write the descriptions: %w", err)
			}
			env.ui.Printf("%s: written", relative(path))
		}
	}
	if differ {
		return &statusError{code: exitFailed}
	}
	return nil
}

// describe generates the descriptions that the configuration in dir asks for.
func (j *uapiJob) describe(ctx context.Context, dir string) ([]syzlang.File, error) {
	file := filepath.Join(dir, syzlangConfig)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("descriptions for syzkaller: %w", err)
	}
	cfg, err := syzlang.ParseConfig(file, text)
	if err != nil {
		return nil, err
	}
	specs := uapi.TreeSpecs(j.tree)
	if j.tree == "" {
		h, err := prepare.Headers(ctx, j.src)
		if err != nil {
			return nil, err
		}
		specs = headerSpecs(h)
	}
	in := syzlang.Input{Specs: map[string]*uapi.Spec{}, Constants: map[string]uint64{}}
	for _, r := range cfg.Requests {
		if in.Specs[r.Spec] == nil {
			if in.Specs[r.Spec], err = uapi.ReadSpec(ctx, specs, r.Spec); err != nil {
				return nil, err
			}
		}
	}
	plain := *j
	plain.config = nil
	headers, _, err := plain.survey(ctx, &surveyOptions{headers: cfg.Headers})
	if err != nil {
		return nil, err
	}
	for _, h := range headers {
		for _, g := range h.Groups {
			for _, c := range g.Consts {
				if !c.Value.IsString && !c.Value.IsFloat {
					in.Constants[c.Name] = c.Value.Bits
				}
			}
		}
	}
	files, err := syzlang.Describe(cfg, in)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDescriptions, file, err)
	}
	return files, nil
}

// errDescriptions is wrapped by errors about what the descriptions and the headers say.
var errDescriptions = errors.New("describe for syzkaller")

// describeSource generates the descriptions of the kernel that src describes.
func describeSource(ctx context.Context, src prepare.Source) ([]syzlang.File, error) {
	j := &uapiJob{src: src, jobs: 1}
	return j.describe(ctx, filepath.Join(src.Root, "uapi", syzlangDir))
}

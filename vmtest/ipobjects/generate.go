// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"xpsgen/vmtest/guest/objects/record"
	"xpsgen/vmtest/proc"
)

//go:embed object.h
var objectHeader []byte

// Generate compiles the objects into dir, which must be empty, and returns them in the
// order of the table. It needs clang and llvm-strip.
func Generate(ctx context.Context, dir string) ([]record.Object, error) {
	work, err := os.MkdirTemp("", "ipobjects")
	if err != nil {
		return nil, fmt.Errorf("generate objects: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "object.h"), objectHeader, 0o644); err != nil {
		return nil, fmt.Errorf("generate objects: %w", err)
	}
	all := sources()
	compiled, err := compileAll(ctx, all, work)
	if err != nil {
		return nil, err
	}
	objects := make([]record.Object, len(all))
	for i, s := range all {
		objects[i] = s.object()
		data := slices.Clone(compiled[s.command(work)])
		if s.edit != nil {
			data, err = s.edit(data)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, s.fileName()), data, 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("generate object %s: %w", s.name, err)
		}
	}
	return append(objects, noFiles()...), nil
}

// command identifies a compilation.
type command struct{ code, args string }

// compileAll compiles each code once and returns the objects.
func compileAll(ctx context.Context, all []source, work string) (map[command][]byte, error) {
	var mu sync.Mutex
	compiled := map[command][]byte{}
	for _, s := range all {
		compiled[s.command(work)] = nil
	}
	delete(compiled, command{})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, c := range slices.Collect(maps.Keys(compiled)) {
		g.Go(func() error {
			out := filepath.Join(work, fmt.Sprintf("%d.o", i))
			args := append(strings.Split(c.args, "\n"), "-x", "c", "-", "-c", "-o", out)
			if err := (&proc.Cmd{Args: args, Dir: work, Stdin: strings.NewReader(c.code)}).Run(ctx); err != nil {
				return fmt.Errorf("compile an object: %w: %s", err, c.code)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				return fmt.Errorf("compile an object: %w", err)
			}
			mu.Lock()
			defer mu.Unlock()
			compiled[c] = data
			return nil
		})
	}
	return compiled, g.Wait()
}

// noFiles are rows of the matrix that do not load a generated file with the
// word "object".
func noFiles() []record.Object {
	all := []record.Object{
		{Name: "missing-file", Args: []string{"object", "nosuch.o"}},
		{Name: "directory", Args: []string{"object", "."}},
		{Name: "device-null", Args: []string{"object", "/dev/null"}},
		{Name: "device-zero", Args: []string{"object", "/dev/zero"}},
		{Name: "proc-file", Args: []string{"object", "/proc/self/status"}},
		{Name: "path-too-long", Args: []string{"object", strings.Repeat("a/", 3000) + "b.o"}},
		{Name: "no-path", Args: []string{"object", ""}},
		{Name: "pinned-nothing", Args: []string{"pinned", "/sys/fs/bpf/nosuch"}},
		{Name: "pinned-object", Args: []string{"pinned", "plain.o"}},
		{Name: "pinned-default-path", Args: []string{"pinned", "m:nosuch"}},
		{Name: "pinned-program", Args: []string{"pinned", "/sys/fs/bpf/nosuch", "program", "p"}},
		{Name: "off", Args: []string{"off"}},
	}
	for i := range all {
		all[i].Contexts = mostContexts
	}
	return all
}

func (s *source) fileName() string {
	if s.file != "" {
		return s.file
	}
	return s.name + ".o"
}

func (s *source) object() record.Object {
	args := s.args
	if args == nil {
		args = program("p")
	}
	o := record.Object{Name: s.name, Args: append([]string{"object", s.fileName()}, args...), Contexts: s.contexts, Builds: s.builds}
	if s.value != none {
		o.Value = &s.value
	}
	return o
}

// command returns how to compile the object, or the zero value if there is no code.
func (s *source) command(work string) command {
	if s.code == "" {
		return command{}
	}
	target := s.target
	if target == "" {
		target = "bpfel"
	}
	args := append([]string{"clang", "-target", target, "-g", "-O2", "-Wall", "-include", "object.h",
		"-ffile-prefix-map=" + work + "=."}, s.flags...)
	return command{code: s.code, args: strings.Join(args, "\n")}
}

// stripped returns a function that runs llvm-strip with an option.
func stripped(option string) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		f, err := os.CreateTemp("", "ipobjects")
		if err != nil {
			return nil, err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		if _, err := f.Write(data); err != nil {
			return nil, err
		}
		if err := (&proc.Cmd{Args: []string{"llvm-strip", option, f.Name()}}).Run(context.Background()); err != nil {
			return nil, err
		}
		return os.ReadFile(f.Name())
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/uapi"
	"xpsgen/vmtest/cache"
)

func uapiInitCommand(env uapiCommands) *command.Command {
	// file returns the file that the arguments name.
	file := func(args []string) string {
		if len(args) == 0 {
			return "uapi.toml"
		}
		return args[0]
	}
	return &command.Command{
		Name:  "init",
		Short: "write a commented configuration to start from",
		Long:  "Does not overwrite an existing file.",
		Args:  []command.Arg{{Name: "FILE", Optional: true, Help: "file to write, - for stdout; default uapi.toml"}},
		Examples: []command.Example{
			{Line: "uapi init"},
			{Line: "uapi --file uapi.toml --include /usr/include --out .", Note: "generate the package"},
		},
		Valid: func(args []string) error {
			if _, err := os.Lstat(file(args)); err == nil {
				return command.Usagef("%s exists; name another file, or - to print", file(args))
			}
			return nil
		},
		Run: func(_ context.Context, args []string) error { return env.uapiInit(file(args)) },
	}
}

func (env uapiCommands) uapiInit(name string) error {
	if name == "-" {
		if _, err := fmt.Fprint(env.stdout, uapi.Template); err != nil {
			return fmt.Errorf("print the configuration: %w", err)
		}
		return nil
	}
	if err := cache.WriteFile(name, []byte(uapi.Template), 0o644); err != nil {
		return fmt.Errorf("write a configuration: %w", err)
	}
	env.ui.Printf("%s: edit it, then run: xpsgen uapi --file %s", filepath.Clean(name), name)
	return nil
}

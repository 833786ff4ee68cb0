// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/uapi"
	"xpsgen/vmtest/cache"
)

func uapiInitCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented configuration to start from",
		ArgsUsage: "[FILE]",
		Description: "FILE is uapi.toml by default; - prints it. A file that exists stays.\n\n" +
			"Example:\n" +
			"  xpsgen uapi init\n" +
			"  xpsgen uapi --file uapi.toml --include /usr/include --out .",
		Action: env.uapiInit,
	}
}

func (env *environment) uapiInit(c *cli.Context) error {
	if c.Args().Len() > 1 {
		return &usageError{text: fmt.Sprintf("unexpected argument %q", c.Args().Get(1)), command: c.Command.HelpName}
	}
	name := c.Args().First()
	switch name {
	case "-":
		if _, err := fmt.Fprint(env.stdout, uapi.Template); err != nil {
			return fmt.Errorf("print the configuration: %w", err)
		}
		return nil
	case "":
		name = "uapi.toml"
	}
	switch _, err := os.Lstat(name); {
	case err == nil:
		return &usageError{text: name + " exists; name another file, or - to print", command: c.Command.HelpName}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write a configuration: %w", err)
	}
	if err := cache.WriteFile(name, []byte(uapi.Template), 0o644); err != nil {
		return fmt.Errorf("write a configuration: %w", err)
	}
	env.ui.Printf("%s: edit it, then run: xpsgen uapi --file %s", filepath.Clean(name), name)
	return nil
}

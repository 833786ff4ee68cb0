// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"strings"

	"xpsgen/vmtest/prepare"

	"github.com/urfave/cli/v2"
)

func buildsCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "builds",
		Usage: "compile the kernel series where what it needs is missing",
		Description: "Compiles what the series touches without each of\n" +
			strings.Join(prepare.Withouts(), ", ") + ". Nothing is booted.\n\n" +
			"Examples:\n" +
			"  xpsgen builds\n" +
			"  xpsgen builds --base all",
		Flags:  sourceFlags(),
		Action: env.builds,
	}
}

func (env *environment) builds(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	bases, _, err := env.bases(c)
	if err != nil {
		return err
	}
	src, err := env.anySource(c)
	if err != nil {
		return err
	}
	var failed error
	for _, base := range bases {
		src.Base = base
		err := prepare.CheckBuilds(c.Context, src)
		if err != nil && !prepare.IsVerdict(err) {
			return errors.Join(failed, err)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		env.ui.Verdict(true, fmt.Sprintf("%s: builds without %s", src.Name(), strings.Join(prepare.Withouts(), ", ")))
	}
	return failed
}

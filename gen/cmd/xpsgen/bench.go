// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"github.com/urfave/cli/v2"

	"xpsgen/vmtest/bench"
)

func benchCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "count what choosing a queue costs",
		Description: "Instructions per packet, for the hook and for the other ways to choose a queue,\n" +
			"on the base kernel and on the one with the series. Counts do not depend on how\n" +
			"busy the machine is.\n\n" +
			"Examples:\n" +
			"  xpsgen bench\n" +
			"  xpsgen bench --run 'xps-*/pick'",
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "run", Usage: "only measurements that match `CONTENDER/PATH`, both shell patterns"},
			&cli.IntFlag{Name: "rounds", Usage: "`N` rounds without an interrupt for each figure", Value: 8},
		),
		Action: func(c *cli.Context) error {
			src, err := env.source(c)
			if err != nil {
				return err
			}
			r, err := bench.Run(c.Context, bench.Options{Source: src, Rounds: c.Int("rounds"), Only: c.String("run")})
			if err != nil {
				return err
			}
			return r.Table(env.stdout)
		},
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"

	"xpsgen/vmtest/guest/suite"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// suite runs the tests. Tests wait for the processes that they start. Orphans stay
// zombies until the guest ends, within seconds.
func (g *guest) suite() (int, error) {
	setEnv(g.countsEnv())
	w := ktap.NewWriter(g.ports[wire.PortResult])
	if g.cfg.NoTests {
		w.Plan(0)
		return 0, w.Err()
	}
	opt := g.suiteOptions()
	if p := g.ports[wire.PortCounts]; p != nil {
		opt.Counts = p
	}
	failed, err := suite.Run(context.Background(), w, opt)
	if err == nil {
		err = w.Err()
	}
	return failed, err
}

// countsEnv returns variables for programs that count their lines. With them, the programs
// write the counts to one directory, not to the one where they were built.
func (g *guest) countsEnv() []string {
	if !g.cfg.Counts {
		return nil
	}
	return []string{"GCOV_PREFIX=" + wire.CountsDir, "GCOV_PREFIX_STRIP=99"}
}

// mutate runs the suite's tests with mutants.
func (g *guest) mutate() (int, error) {
	setEnv(nil)
	if g.cfg.Mutate == nil {
		return 0, errors.New("no mutants to run")
	}
	w := ktap.NewWriter(g.ports[wire.PortResult])
	if err := suite.Mutate(context.Background(), w, g.suiteOptions(), g.cfg.Mutate); err != nil {
		return 0, err
	}
	return 0, w.Err()
}

func (g *guest) suiteOptions() suite.Options {
	return suite.Options{
		Run: g.cfg.Run, Unpatched: g.cfg.Unpatched, Races: g.cfg.Races, Seed: g.cfg.Seed, Long: g.cfg.Long, Loader: g.cfg.Loader, IP: wire.IPPath,
		Selftest: wire.SelftestPath, YNL: wire.YNLPath,
		Scratch: wire.ScratchDir, TimeoutScale: g.cfg.TimeoutScale,
	}
}

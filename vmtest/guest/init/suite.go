// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"

	"xpsgen/vmtest/guest/suite"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// suite runs the tests. Tests wait for the processes that they start. Orphans stay
// zombies until the guest ends, within seconds.
func (g *guest) suite() (int, error) {
	setEnv(nil)
	w := ktap.NewWriter(g.ports[wire.PortResult])
	if g.cfg.NoTests {
		w.Plan(0)
		return 0, w.Err()
	}
	failed, err := suite.Run(context.Background(), w, suite.Options{
		Run: g.cfg.Run, Unpatched: g.cfg.Unpatched, Debug: g.cfg.Debug, Seed: g.cfg.Seed, Long: g.cfg.Long, IP: wire.IPPath,
		Selftest: wire.SelftestPath, YNL: wire.YNLPath,
		Scratch: wire.ScratchDir, TimeoutScale: g.cfg.TimeoutScale,
	})
	if err == nil {
		err = w.Err()
	}
	return failed, err
}

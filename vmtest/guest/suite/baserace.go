// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"sync/atomic"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/suite/rtnl"
)

// Races that the base has by itself. A run without the series stores what the checkers of
// its kernel report here, see package known. Otherwise the tests of the hook, which make
// the same calls, would show these reports first.

// baselineMapsRace writes xps_cpus and xps_rxqs under traffic. In the end the maps must
// work.
func (e baselineTests) baselineMapsRace(t *check.T) {
	const queues = 4
	n := e.dummy(t, "dummy0", queues)
	b := newBackground(t)
	writeMaps(t, b, n, queues)
	pauses := e.count(t, "pauses while maps are written", times{100, 10_000})
	for i := range pauses {
		breathe()
		t.Alive("%d of %d pauses", i, pauses)
	}
	b.end()
	expectMapsWork(t, n)
}

// baselineDeleteRace deletes devices while packets are sent. The packets do not bypass the
// qdisc: the base divides by the number of queues there, which is 0 by then.
func (e baselineTests) baselineDeleteRace(t *check.T) {
	c := dial(t)
	var sent atomic.Int64
	b := newBackground(t)
	sender := sendAimed(t, b, false, &sent)
	n := e.count(t, "devices deleted under traffic", times{8, 200})
	for i := range n {
		t.Must(c.Add(rtnl.Link{Name: "dummy0", Kind: "dummy", TxQueues: 4}), "add")
		dev := index(t, "dummy0")
		t.Must(c.SetUp(dev, true), "bring up")
		before := sent.Load()
		sender.aim(dev)
		t.Eventually(ioPatience, "packets on the new device", func() bool { return sent.Load() > before })
		t.Must(c.Delete(dev), "delete")
		t.Alive("%d of %d devices", i, n)
	}
	b.end()
	t.Notef("packets: %d", sent.Load())
}

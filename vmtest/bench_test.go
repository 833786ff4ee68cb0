// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vmtest

import (
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"xpsgen/vmtest/build/image"
	"xpsgen/vmtest/guest/wire"
)

// BenchmarkBootToVerdict boots the same kernel and image in pairs: once with an
// init that only powers off, once with an empty suite, its results read and
// judged. It reports the medians and their ratio. Run it as
//
//	XPS_TEST_REQUIRE=vm go test ./vmtest -run '^$' -bench BootToVerdict -benchtime 10x
func BenchmarkBootToVerdict(b *testing.B) {
	src := requireVM(b)
	a, err := Prepare(b.Context(), src)
	if err != nil {
		b.Fatal(err)
	}
	spec, err := a.suiteSpec()
	if err != nil {
		b.Fatal(err)
	}
	file, _, _, err := image.Cached(b.Context(), filepath.Join(src.Cache, "image"), spec)
	if err != nil {
		b.Fatal(err)
	}
	machine := Machine{Accel: "tcg"}
	bare := func() time.Duration {
		m := machine.describe(&src, a, file)
		m.Config = wire.Config{Mode: wire.ModeBarePoweroff}
		m.Console = io.Discard
		start := time.Now()
		// It powers off without a word, which is an error to vm.
		_, _ = m.Run(b.Context())
		return time.Since(start)
	}
	suite := func() time.Duration {
		o := &Outcome{}
		opt := SuiteOptions{Source: src, Machine: machine, NoTests: true, Out: b.TempDir()}
		start := time.Now()
		lost, err := o.boot(b.Context(), &opt, a)
		d := time.Since(start)
		if err != nil || lost != nil || !o.Passed() {
			b.Fatal(err, lost, o.Reasons)
		}
		return d
	}
	var bares, suites []time.Duration
	for i := range b.N {
		// Neither always goes second.
		if i%2 == 0 {
			bares, suites = append(bares, bare()), append(suites, suite())
		} else {
			suites, bares = append(suites, suite()), append(bares, bare())
		}
	}
	b.ReportMetric(median(bares).Seconds()*1000, "bare-ms")
	b.ReportMetric(median(suites).Seconds()*1000, "verdict-ms")
	b.ReportMetric(float64(median(suites))/float64(median(bares)), "ratio")
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}

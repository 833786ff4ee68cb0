// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/verdict"
)

// maxPage is how big the page of the sample may be, in bytes.
const maxPage = 1 << 20

var now = time.Date(2026, 11, 29, 21, 0, 0, 0, time.UTC)

// sample is a workbench with recorded runs.
type sample struct {
	t     *testing.T
	root  string
	store *runs.Store
}

const patch = `From 1 Mon Sep 17 00:00:00 2001
From: xpsgen <xpsgen@workbench.invalid>
Subject: [PATCH net-next 1/2] net: xps: let a <b>program</b>
 choose

Why, & how.
---
 net/core/dev.c | 2 +-

diff --git a/net/core/dev.c b/net/core/dev.c
--- a/net/core/dev.c
+++ b/net/core/dev.c
@@ -1,2 +1,2 @@
 same
-old
+new <script>
-- 
2.0
`

func newSample(t *testing.T) *sample {
	t.Helper()
	s := &sample{t: t, root: testenv.Root(t)}
	s.store = &runs.Store{Dir: runs.Dir(s.root)}
	s.write("kernel-patches/queue/net-next/0001-hook.patch", patch)
	s.write("kernel-patches/queue/6.12/0001-hook.patch", patch)
	s.write("iproute2-patches/ip/6.1/0001-xps.patch", patch)
	return s
}

func (s *sample) write(path, text string) {
	s.t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.root, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// run records a run with the current inputs, with files by their names.
func (s *sample) run(kind runs.Kind, subject runs.Subject, hoursAgo int, state runs.State, files map[string]string, change func(*runs.Record)) {
	s.t.Helper()
	in, err := runs.Present(s.t.Context(), s.root, kind, subject, "6.1")
	if err != nil {
		s.t.Fatal(err)
	}
	r := runs.Record{Kind: kind, Subject: subject, Started: now.Add(-time.Duration(hoursAgo) * time.Hour), Inputs: in,
		Command: []string{"xpsgen", string(kind), "<x>"}, Seed: 42}
	if change != nil {
		change(&r)
	}
	run, err := s.store.Begin(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, text := range files {
		s.write(filepath.Join(run.Dir(), name), text)
	}
	if report, err := run.Record.Report(); err == nil {
		c := report.Counts()
		run.Record.Counts = runs.Counts{Pass: c.Pass, Fail: c.Fail, Skip: c.Skip, Planned: c.Pass + c.Fail + c.Skip}
	}
	if err := run.End(state); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sample) collect() *Data {
	s.t.Helper()
	all, err := s.store.List()
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := Collect(s.t.Context(), s.root, all, now)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const (
	good = "KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: hook\n  1..2\n  # elapsed 3ms\n  ok 1 a01-<b>const\n  ok 2 a02-modulo\nok 1 hook\n"
	bad  = "KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: hook\n  1..2\n  # queue\n  #   expected: 1\n  #   got: 0 & no more\n" +
		"  not ok 1 a01-<b>const # queue is 0\n  ok 2 a02-modulo\nnot ok 1 hook\n"
	mutantsKTAP = "KTAP version 1\n1..2\nok 1 one\nnot ok 2 two # survived\n"
	checksKTAP  = "KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: 1-hook\n  1..1\n  # WARNING: <bad>\n  # rerun: xpsgen series check --only checkpatch\n" +
		"  not ok 1 checkpatch # 1 error\nnot ok 1 1-hook\n"
)

func results(t *testing.T, passed bool, splat bool) string {
	t.Helper()
	v := map[string]any{"verdict": "failed", "started": now, "boot_seconds": 1.5, "total_seconds": 7, "planned": 2, "accel": "tcg",
		"steps": []map[string]any{{"step": "build kernel", "elapsed_ns": 3e9}, {"step": "build ip", "elapsed_ns": 0, "cached": true}}}
	if passed {
		v["verdict"] = "passed"
	}
	if splat {
		v["splats"] = []verdict.Splat{{Pattern: "WARNING: ", Text: []string{"WARNING: at <net/core/dev.c>:1", " dev_xps_prog_run+0x1/0x2"}}}
	}
	return asJSON(t, v)
}

func counts(t *testing.T, constant float64) string {
	t.Helper()
	figure := func(contender, path string, size int, min float64, queues ...int) bench.Figure {
		return bench.Figure{ID: record.ID{Contender: contender, Path: path, Size: size}, Min: min, Median: min, Rounds: 4, Asked: 3, Queues: queues}
	}
	return asJSON(t, &bench.Results{
		Base:      "net-next",
		Unpatched: []bench.Figure{figure("none", "udp", 0, 4000), figure("none", "xmit", 0, 300)},
		Patched: []bench.Figure{
			figure("none", "udp", 0, 4001), figure("xps-const", "udp", 0, 3800, 3), figure("tcx", "udp", 0, 4090, 5),
			figure("none", "xmit", 0, 301), figure("xps-const", "xmit", 0, constant, 3), figure("tcx", "xmit", 0, 390, 3),
			figure("xps-const", "dump-by-devices", 1, 900), figure("xps-const", "dump-by-devices", 64, 901),
		},
	})
}

// full has a cell of each verdict, and all sections of the page.
func full(t *testing.T) *sample {
	t.Helper()
	s := newSample(t)
	netNext, carry := runs.Subject{Base: "net-next"}, runs.Subject{Base: "6.12"}
	console := strings.Repeat("console & more\n", 50_000)
	s.run(runs.Suite, netNext, 30, runs.Passed, map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)}, nil)
	s.run(runs.Suite, netNext, 2, runs.Failed, map[string]string{
		runs.KTAPFile: bad, verdict.JSONFile: results(t, false, true), verdict.ConsoleFile: console, verdict.ConfigFile: "CONFIG_XPS=y\n",
	}, func(r *runs.Record) {
		r.Reasons = []string{"1 failed: hook/a01", "the kernel reported: WARNING: <x>"}
		r.Versions = map[string]string{"kernel": "7.3.4"}
	})
	s.run(runs.Suite, netNext, 1, runs.Interrupted, nil, nil)
	s.run(runs.Suite, runs.Subject{Base: "net-next", Unpatched: true}, 3, runs.Passed, map[string]string{runs.KTAPFile: bad, verdict.JSONFile: results(t, true, false)}, nil)
	s.run(runs.Suite, carry, 4, runs.Passed, map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)}, func(r *runs.Record) {
		r.Inputs["suite"] = "another"
	})
	s.run(runs.Suite, runs.Subject{Base: "6.12", Config: []string{"debug"}}, 5, runs.Passed, map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)},
		func(r *runs.Record) { r.Selection = "--run a01 (1 of 2 tests)" })
	s.run(runs.Mutants, netNext, 6, runs.Failed, map[string]string{runs.KTAPFile: mutantsKTAP}, nil)
	s.run(runs.Check, runs.Subject{Base: "net-next", Series: "queue"}, 7, runs.Failed, map[string]string{runs.KTAPFile: checksKTAP}, nil)
	s.run(runs.Builds, carry, 8, runs.Passed, map[string]string{runs.NotesFile: asJSON(t, []runs.Note{
		{Patch: "kernel-patches/queue/6.12/0001-hook.patch", Line: 16, Text: "on another base"},
	})}, nil)
	s.run(runs.Mutate, netNext, 8, runs.Passed, map[string]string{runs.NotesFile: asJSON(t, []runs.Note{
		{Patch: "kernel-patches/queue/net-next/0001-hook.patch", Line: 16, Text: "of other patches"},
	})}, func(r *runs.Record) { r.Inputs["suite"] = "another" })
	s.run(runs.Prove, netNext, 8, runs.Passed, map[string]string{runs.NotesFile: asJSON(t, []runs.Note{
		{Patch: "kernel-patches/queue/net-next/0001-hook.patch", Line: 16, Text: "reached by 2 tests", Mark: runs.MarkRun},
		{Patch: "kernel-patches/queue/net-next/0001-hook.patch", Line: 16, Text: "mutant <survived>", Bad: true},
	})}, nil)
	// Of two marks the better one counts.
	s.run(runs.Reach, netNext, 8, runs.Passed, map[string]string{runs.NotesFile: asJSON(t, []runs.Note{
		{Patch: "kernel-patches/queue/net-next/0001-hook.patch", Line: 16, Mark: runs.MarkNever},
	})}, nil)
	s.run(runs.Bench, netNext, 60, runs.Passed, map[string]string{runs.BenchFile: counts(t, 333)}, nil)
	s.run(runs.Bench, netNext, 9, runs.Passed, map[string]string{runs.BenchFile: counts(t, 340)}, nil)
	s.run(runs.Boots, netNext, 10, runs.Passed, map[string]string{runs.BootsFile: asJSON(t, []boots.Time{
		{Name: "bare", What: "init <powers off>", Min: time.Second, Median: 1100 * time.Millisecond, Ratio: 1},
		{Name: "verdict", Min: 1200 * time.Millisecond, Median: 1210 * time.Millisecond, Ratio: 1.1},
	})}, nil)
	s.run(runs.BuildTimes, netNext, 11, runs.Passed, map[string]string{runs.BuildsFile: asJSON(t, []build.Time{
		{Name: "cold", What: "from <nothing>", Objects: 1081, Elapsed: 380 * time.Second},
	})}, nil)
	return s
}

func render(t *testing.T, d *Data) string {
	t.Helper()
	var page bytes.Buffer
	if err := Write(&page, d); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestPage(t *testing.T) {
	s := full(t)
	page := render(t, s.collect())
	for _, want := range []string{
		// The matrix.
		`<p class="overall failed"><strong>failed</strong> <span>3 failed, 2 stale, 1 partial, 7 passed</span>`,
		`<td class="cell failed" data-kind="suite"><a href="#run-suite-net-next">failed</a> <span class="count">1/2</span>`,
		`<td class="cell stale" data-kind="suite">`, `<td class="cell partial" data-kind="suite">`, `later: interrupted`,
		`<td class="none" data-kind="mutants" title="not run">–</td>`, `2 h ago</time>`,
		// What does not count.
		"stale: suite changed", "partial: --run a01 (1 of 2 tests)",
		`<code>make vmtest BASE=6.12 CONFIG=debug</code>`,
		// Failures.
		`a01-&lt;b&gt;const`, "queue is 0", "got: 0 &amp; no more", "WARNING: at &lt;net/core/dev.c&gt;:1",
		`<code>make vmtest BASE=net-next RUN=&#39;hook/a01&#39; SEED=42</code>`,
		`<code>bin/xpsgen mutants --base net-next two</code>`, "survived", `<code>xpsgen series check --only checkpatch</code>`,
		"passed last in 20261128-150000-net-next-suite",
		// Tests.
		`<tr class="group"><th colspan="4">hook</th></tr>`, `<span class="tag">flaky</span>`, `<span class="past" title="2 runs, 1 failed; the oldest first">▪<b>✗</b></span>`,
		// Cost.
		`<span class="bar negative" style="left:0.0%;width:69.0%"></span>`, "<h4>path xmit</h4>", `<td class="number">&#43;33</td><td class="number"><b>&#43;40</b></td>`,
		"hint only by udp", "init &lt;powers off&gt;", `<td class="number">1210 ms</td>`, `<td class="number">1081</td>`, `<td class="number">380.0 s</td>`,
		// Series.
		`<summary>net: xps: let a &lt;b&gt;program&lt;/b&gt; choose <span class="faint">+1 −1 · 1 run</span>`, `<p class="message">Why, &amp; how.</p>`,
		`<ins class="run" title="run"><span class="mark">○</span>&#43;new &lt;script&gt;</ins> <span class="note">reached by 2 tests</span> <span class="note bad">mutant &lt;survived&gt;</span>`, "<del>-old</del>",
		`<li><ins class="never"><span class="mark">✗</span>never</ins> not run by any test; the note says why</li>`,
		// Runs.
		"(the beginning is left out)", "CONFIG_XPS=y", "<th>kernel</th><td>7.3.4</td>", "  kernel-patches/queue/net-next/0001-hook.patch", "xpsgen suite &lt;x&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("not in the page: %s", want)
		}
	}
	for _, not := range []string{"http-equiv", "<link", "src=", "<b>const", "@import", "url(", "on another base", "of other patches", "ZgotmplZ"} {
		if strings.Contains(page, not) {
			t.Errorf("in the page: %s", not)
		}
	}
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if len(page) > maxPage {
		t.Errorf("%d bytes", len(page))
	}
	if again := render(t, s.collect()); again != page {
		t.Error("a second page differs")
	}
}

// TestAnchors: each link of the page leads somewhere, and to one place only.
func TestAnchors(t *testing.T) {
	page := render(t, full(t).collect())
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]]++; ids[m[1]] > 1 {
			t.Errorf("two places are called %s", m[1])
		}
	}
	links := regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1)
	for _, m := range links {
		if ids[m[1]] == 0 {
			t.Errorf("a link leads to %s, which is nowhere", m[1])
		}
	}
	for _, want := range []string{"matrix", "failures", "tests", "test-hook-a02-modulo", "cost", "series", "runs", "run-suite-6.12"} {
		if ids[want] != 1 {
			t.Errorf("no place is called %s", want)
		}
	}
}

// TestNeverPassed: a page of one run says passed only of a complete run with the
// current inputs.
func TestNeverPassed(t *testing.T) {
	for name, c := range map[string]struct {
		state  runs.State
		change func(*runs.Record)
		want   string
	}{
		"passed":      {runs.Passed, nil, "passed"},
		"partial":     {runs.Passed, func(r *runs.Record) { r.Selection = "--run x" }, "incomplete"},
		"stale":       {runs.Passed, func(r *runs.Record) { r.Inputs["suite"] = "x" }, "incomplete"},
		"edited":      {runs.Passed, func(r *runs.Record) { r.Changed = []string{"suite changed while it ran"} }, "incomplete"},
		"no inputs":   {runs.Passed, func(r *runs.Record) { r.Inputs = nil }, "incomplete"},
		"failed":      {runs.Failed, nil, "failed"},
		"broken":      {runs.Broken, nil, "incomplete"},
		"interrupted": {runs.Interrupted, nil, "incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSample(t)
			s.run(runs.Suite, runs.Subject{Base: "net-next"}, 1, c.state, map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)}, c.change)
			page := render(t, s.collect())
			if !strings.Contains(page, "<title>"+c.want+": ") || !strings.Contains(page, "<strong>"+c.want+"</strong>") {
				t.Errorf("the page does not say %s", c.want)
			}
			if c.want != "passed" && (strings.Contains(page, `class="cell passed"`) || strings.Contains(page, "<strong>passed")) {
				t.Error("the page says passed")
			}
			if (c.want == "incomplete") != strings.Contains(page, "Runs that do not count") {
				t.Error("the list of runs that do not count does not go with the verdict")
			}
		})
	}
}

func TestUnreadableResults(t *testing.T) {
	for _, name := range []string{verdict.JSONFile, runs.NotesFile, runs.RecordFile} {
		s := newSample(t)
		s.run(runs.Suite, runs.Subject{Base: "net-next"}, 1, runs.Passed, map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)}, nil)
		all, err := s.store.List()
		if err != nil {
			t.Fatal(err)
		}
		s.write(filepath.Join(all[0].Dir, name), "{")
		if again, err := s.store.List(); err == nil {
			if _, err = Collect(t.Context(), s.root, again, now); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	}
}

// TestLegend explains the marks only on a page that has some, and each mark has a sign of
// its own, which tells it without colour.
func TestLegend(t *testing.T) {
	s := newSample(t)
	s.run(runs.Suite, runs.Subject{Base: "net-next"}, 1, runs.Passed, map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)}, nil)
	if page := render(t, s.collect()); strings.Contains(page, `class="legend"`) {
		t.Error("a legend without marks")
	}
	signs := map[string]bool{}
	for _, m := range marks {
		if m.Sign == "" || signs[m.Sign] || !strings.Contains(style, ".diff ins."+m.Name) {
			t.Errorf("mark %+v", m)
		}
		signs[m.Sign] = true
	}
	p := Patch{Marks: map[string]int{runs.MarkNever: 1, runs.MarkKilled: 20}}
	if got := markCounts(p); got != "20 killed, 1 never" {
		t.Errorf("counts %q", got)
	}
	if sign("other") != "" {
		t.Error("an unknown mark has a sign")
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 min ago", 119 * time.Minute: "119 min ago",
		2 * time.Hour: "2 h ago", 47 * time.Hour: "47 h ago", 48 * time.Hour: "2 days ago",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%s) = %q, want %q", d, got, want)
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package report

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/bench"
	"xpsgen/vmtest/boots"
	"xpsgen/vmtest/build"
	"xpsgen/vmtest/guest/bench/record"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/verdict"
)

// maxPage is how big a page may be, in bytes.
const maxPage = 1 << 20

// sample has everything that a page can show, with what must not be taken for
// markup.
func sample() Data {
	figure := func(contender, path string, size int, min float64, queues ...int) bench.Figure {
		return bench.Figure{ID: record.ID{Contender: contender, Path: path, Size: size}, Min: min, Median: min,
			Rounds: 4, Asked: 3, Queues: queues}
	}
	failed := Run{Name: "net-next", Results: &verdict.Results{
		Reasons: []string{"test hook/a01 failed", "the console shows a splat"},
		Counts:  ktap.Counts{Pass: 1, Fail: 1, Skip: 1}, Planned: 3, Seed: 42,
		Started: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Accel: "tcg",
		Boot: time.Second, Total: 7 * time.Second,
		Steps:   []progress.StepTime{{Step: "build kernel 7.3.4", Elapsed: 250 * time.Second}, {Step: "build ip", Cached: true}},
		Inputs:  verdict.Inputs{KernelRelease: "7.3.4", KernelVersion: "7.3.4", KernelPatches: []string{"0123  0001-a.patch"}, IPRoute2Patches: []string{"4567  0001-b.patch"}},
		Splats:  []verdict.Splat{{Pattern: "WARNING: ", Text: []string{"WARNING: at <net/core/dev.c>:1", " dev_xps_prog_run+0x1/0x2"}}},
		Console: strings.Repeat("console & more\n", 50_000), Config: "CONFIG_XPS=y\n",
		Report: &ktap.Report{Tests: []ktap.Test{
			{Name: "hook", Status: ktap.Fail, Subtests: []ktap.Test{
				{Name: "a01-<b>const</b>", Status: ktap.Fail, Diag: []string{"queue\n  expected: 1", "  got: 0 & no more"}},
				{Name: "a02-modulo", Status: ktap.Pass, Duration: 3 * time.Millisecond},
			}},
			{Name: "query", Status: ktap.Skip, Subtests: []ktap.Test{{Name: "a19", Status: ktap.Skip, Reason: "no hook"}}},
		}},
	}}
	return Data{
		Runs: []Run{failed, {Name: "6.12", Results: &verdict.Results{Passed: true, Report: &ktap.Report{}}}},
		Bench: []*bench.Results{{
			Base:      "net-next",
			Unpatched: []bench.Figure{figure("none", "udp", 0, 4000), figure("none", "xmit", 0, 300)},
			Patched: []bench.Figure{
				figure("none", "udp", 0, 4001), figure("xps-const", "udp", 0, 3800, 3), figure("tcx", "udp", 0, 4090, 5),
				figure("none", "xmit", 0, 301), figure("xps-const", "xmit", 0, 340, 3), figure("tcx", "xmit", 0, 390, 3),
				figure("xps-const", "dump-by-devices", 1, 900), figure("xps-const", "dump-by-devices", 64, 901),
			},
		}},
		Boots: []boots.Time{
			{Name: "bare", What: "init <powers off>", Min: time.Second, Median: 1100 * time.Millisecond, Ratio: 1},
			{Name: "verdict", Min: 1200 * time.Millisecond, Median: 1210 * time.Millisecond, Ratio: 1.1},
		},
		Builds: []build.Time{{Name: "cold", What: "from <nothing>", Objects: 1081, Elapsed: 380 * time.Second}},
	}
}

func render(t *testing.T, d Data) string {
	var page bytes.Buffer
	if err := Write(&page, d); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestPage(t *testing.T) {
	page := render(t, sample())
	for _, want := range []string{
		`class="verdict fail">FAILED`, `class="verdict pass">PASSED`,
		"1 passed, 1 failed, 1 skipped of 3 planned, on Linux 7.3.4 under tcg in 7.0 s; 2026-11-22 12:00 UTC, seed 42",
		"the console shows a splat", "WARNING: at &lt;net/core/dev.c&gt;:1",
		"a01-&lt;b&gt;const&lt;/b&gt;", "got: 0 &amp; no more", "no hook",
		"0001-a.patch", "0001-b.patch", "(the beginning is left out)", "CONFIG_XPS=y",
		"<td class=\"number\">&#43;90</td>", "as asked", "hint only by udp", `<span class="bar negative" style="left:0.0%;width:69.0%"></span>`,
		"init &lt;powers off&gt;", "<td class=\"number\">1210 ms</td>", "<td class=\"number\">1.10</td>",
		"from &lt;nothing&gt;", "<td class=\"number\">1081</td>", "<td class=\"number\">380.0 s</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("not in the page: %s", want)
		}
	}
	for _, not := range []string{"<script", "http-equiv", "<link", "src=", "<b>const", "@import", "url("} {
		if strings.Contains(page, not) {
			t.Errorf("in the page: %s", not)
		}
	}
	if len(page) > maxPage {
		t.Errorf("%d bytes", len(page))
	}
	if again := render(t, sample()); again != page {
		t.Error("a second page differs")
	}
}

// requireProgram skips where the machine lacks a program, and fails where it
// was promised: make report-test installs it.
func requireProgram(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("XPS_TEST_REQUIRE") == "report" {
		t.Fatalf("%v (xpsgen deps --for report)", err)
	}
	t.Skipf("%v (xpsgen deps --for report)", err)
	return ""
}

func TestValidator(t *testing.T) {
	tidy := requireProgram(t, "tidy")
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(render(t, sample())), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tidy, "-quiet", "-errors", "-utf8", "--drop-empty-elements", "no", file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// browser runs headless Chromium on a page and returns what it prints.
func browser(t *testing.T, args ...string) []byte {
	chromium := requireProgram(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir=" + t.TempDir()}, args...)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, chromium, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", chromium, args, err, stderr.String())
	}
	return out
}

// probe makes the page tell how it is laid out, as text that a dump of its
// document shows. The script is the test's and not the page's.
const probe = `<script>
addEventListener("load", () => {
	const shown = e => e.getClientRects().length > 0;
	const tell = [
		"wide=" + (document.documentElement.scrollWidth > document.documentElement.clientWidth),
		"verdicts=" + [...document.querySelectorAll(".verdict")].filter(shown).map(e => e.textContent).join(),
		"charts=" + [...document.querySelectorAll(".chart")].filter(shown).length,
		"bars=" + [...document.querySelectorAll(".chart .bar")].every(e => {
			const bar = e.getBoundingClientRect(), track = e.parentElement.getBoundingClientRect();
			return bar.width >= 1 && bar.height > 5 && bar.left >= track.left - 1 && bar.right <= track.right + 1;
		}),
		"failure=" + [...document.querySelectorAll("pre")].some(e => shown(e) && e.textContent.includes("got: 0 & no more")),
		"console=" + [...document.querySelectorAll("details.long")].some(e => e.open),
		"dark=" + (getComputedStyle(document.body).backgroundColor !== "rgb(255, 255, 255)"),
	];
	document.body.setAttribute("data-seen", tell.join(" "));
});
</script>`

func TestBrowser(t *testing.T) {
	requireProgram(t, "chromium")
	dir := t.TempDir()
	page := render(t, sample())
	plain, probed := filepath.Join(dir, "report.html"), filepath.Join(dir, "probed.html")
	for file, text := range map[string]string{plain: page, probed: strings.Replace(page, "</body>", probe+"</body>", 1)} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const seen = "verdicts=FAILED,PASSED charts=5 bars=true failure=true console=false"
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"desk":  {[]string{"--window-size=1280,900"}, "wide=false " + seen + " dark=false"},
		"phone": {[]string{"--window-size=390,844"}, "wide=false " + seen + " dark=false"},
		"dark":  {[]string{"--window-size=1280,900", "--blink-settings=preferredColorScheme=0"}, "wide=false " + seen + " dark=true"},
	} {
		t.Run(name, func(t *testing.T) {
			out := browser(t, append(tt.args, "--dump-dom", "file://"+probed)...)
			if want := `data-seen="` + tt.want + `"`; !bytes.Contains(out, []byte(want)) {
				_, after, _ := strings.Cut(string(out), "data-seen=")
				t.Errorf("want %s, seen %.200s", want, after)
			}
		})
	}
	t.Run("screenshot", func(t *testing.T) {
		shot := filepath.Join(dir, "report.png")
		browser(t, "--window-size=900,1200", "--screenshot="+shot, "file://"+plain)
		image, err := os.ReadFile(shot)
		if err != nil || !bytes.HasPrefix(image, []byte("\x89PNG")) {
			t.Errorf("%v, %d bytes", err, len(image))
		}
	})
}

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

	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/testenv"
	"xpsgen/vmtest/verdict"
)

// requireProgram skips where the machine lacks a program, and fails where it
// was promised: make report-test installs it.
func requireProgram(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if testenv.Offers("report") {
		t.Fatalf("%v (xpsgen deps --for report)", err)
	}
	t.Skipf("%v (xpsgen deps --for report)", err)
	return ""
}

func TestValidator(t *testing.T) {
	tidy := requireProgram(t, "tidy")
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(render(t, full(t).collect())), 0o644); err != nil {
		t.Fatal(err)
	}
	// The bars of a chart are empty elements.
	out, err := exec.Command(tidy, "-quiet", "-errors", "-utf8", "--drop-empty-elements", "no", file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// browser runs headless Chromium on a page and returns what it prints.
func browser(t *testing.T, args ...string) []byte {
	t.Helper()
	chromium := requireProgram(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir=" + dir}, args...)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, chromium, args...)
	// Crash reports and caches go to the user's directories otherwise.
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
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
	const all = s => [...document.querySelectorAll(s)];
	const shown = e => e.checkVisibility();
	const style = s => getComputedStyle(document.querySelector(s));
	const tell = [
		"wide=" + (document.documentElement.scrollWidth > document.documentElement.clientWidth),
		"overall=" + all(".overall strong").filter(shown).map(e => e.textContent),
		"cells=" + all(".matrix .cell a").filter(shown).map(e => e.textContent),
		"charts=" + all(".chart").filter(shown).length,
		"bars=" + all(".chart .bar").filter(shown).every(e => {
			const bar = e.getBoundingClientRect(), track = e.parentElement.getBoundingClientRect();
			return bar.width >= 1 && bar.height > 3 && bar.left >= track.left - 1 && bar.right <= track.right + 1;
		}),
		"failure=" + all("#failures pre").some(e => shown(e) && e.textContent.includes("got: 0 & no more")),
		"console=" + all("details.long").some(e => e.open),
		"dark=" + (style("body").backgroundColor === "rgb(18, 22, 27)"),
		"filter=" + all(".filter").filter(shown).length,
		"tests=" + all(".tests tr[data-group]").filter(shown).length,
		"open=" + all("details.run[open], details.patch[open]").map(e => e.id),
	];
	document.body.setAttribute("data-seen", tell.join(" "));
});
</script>`

// typed filters the tests as a reader would.
const typed = `<script>
{
	const search = document.querySelector(".filter input");
	search.value = "hook modulo";
	search.dispatchEvent(new Event("input", {bubbles: true}));
}
</script>`

func TestBrowser(t *testing.T) {
	requireProgram(t, "chromium")
	dir := t.TempDir()
	page := render(t, full(t).collect())
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return "file://" + path
	}
	before := func(more string) string { return strings.Replace(page, "</body>", more+"</body>", 1) }
	script := page[strings.LastIndex(page, "<script>"):strings.LastIndex(page, "</script>")]
	plain, probed := write("report.html", page), write("probed.html", before(probe))
	filtered := write("filtered.html", before(typed+probe))
	silent := write("silent.html", strings.Replace(before(probe), script, "<script>", 1))
	unfolded := write("unfolded.html", before("<script>document.querySelectorAll('details').forEach(e => { e.open = true; });</script>"+probe))
	partial := newSample(t)
	partial.run(runs.Suite, runs.Subject{Base: "net-next"}, 1, runs.Passed,
		map[string]string{runs.KTAPFile: good, verdict.JSONFile: results(t, true, false)},
		func(r *runs.Record) { r.Selection = "--run x" })
	half := write("partial.html", strings.Replace(render(t, partial.collect()), "</body>", probe+"</body>", 1))

	const rest = " charts=3 bars=true failure=true console=false"
	const cells = "overall=failed cells=failed,failed,stale,passed,passed,passed,passed,passed,passed,stale,passed,partial,failed" + rest
	for name, tt := range map[string]struct {
		url  string
		args []string
		want string
	}{
		"desk":   {probed, []string{"--window-size=1280,900"}, "wide=false " + cells + " dark=false filter=1 tests=2 open="},
		"phone":  {probed, []string{"--window-size=500,844"}, "wide=false " + cells + " dark=false filter=1 tests=2 open="},
		"dark":   {probed, []string{"--window-size=1280,900", "--blink-settings=preferredColorScheme=0"}, "wide=false " + cells + " dark=true filter=1 tests=2 open="},
		"filter": {filtered, []string{"--window-size=500,844"}, "wide=false " + cells + " dark=false filter=1 tests=1 open="},
		"link":   {probed + "#run-suite-6.12", nil, "wide=false " + cells + " dark=false filter=1 tests=2 open=run-suite-6.12"},
		// Everything is there without the page's script.
		"no script": {silent, nil, "wide=false " + cells + " dark=false filter=0 tests=2 open="},
		"unfolded":  {unfolded, []string{"--window-size=500,844"}, "wide=false "},
		"partial":   {half, nil, "wide=false overall=incomplete cells=partial charts=0 bars=true failure=false console=false dark=false filter=1 tests=2 open="},
	} {
		t.Run(name, func(t *testing.T) {
			out := browser(t, append(tt.args, "--dump-dom", tt.url)...)
			want := `data-seen="` + tt.want
			if !strings.HasSuffix(want, " ") { // else it is the beginning
				want += `"`
			}
			if !bytes.Contains(out, []byte(want)) {
				_, after, _ := strings.Cut(string(out), "data-seen=")
				t.Errorf("want %s, seen %.300s", want, after)
			}
		})
	}
	t.Run("print", func(t *testing.T) {
		file := filepath.Join(dir, "report.pdf")
		browser(t, "--no-pdf-header-footer", "--print-to-pdf="+file, plain)
		if pdf, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF")) {
			t.Errorf("%v, %d bytes", err, len(pdf))
		}
	})
	t.Run("screenshot", func(t *testing.T) {
		shot := filepath.Join(dir, "report.png")
		browser(t, "--window-size=900,1200", "--screenshot="+shot, plain)
		image, err := os.ReadFile(shot)
		if err != nil || !bytes.HasPrefix(image, []byte("\x89PNG")) {
			t.Errorf("%v, %d bytes", err, len(image))
		}
	})
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/gen/series"
	"xpsgen/vmtest/tree/manifest"
)

// bench is a workbench with small projects: a kernel with the bases old and new, and an
// iproute2 with one base.
type bench struct {
	tb               testing.TB
	root, cache      string
	kernel, iproute2 string // upstream repositories
	oldBase, newBase string // commits of kernel
}

func mustWrite(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// git runs git in dir with the configuration of a user.
func (w *bench) git(dir string, args ...string) string {
	w.tb.Helper()
	return w.script(dir, nil, args...)
}

// script runs git with an environment, for editors.
func (w *bench) script(dir string, env []string, args ...string) string {
	w.tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_EDITOR=true", "LC_ALL=C",
		"GIT_AUTHOR_NAME=A Developer", "GIT_AUTHOR_EMAIL=dev@example.org", "GIT_AUTHOR_DATE=2026-11-22T13:00:00+0000",
		"GIT_COMMITTER_NAME=A Developer", "GIT_COMMITTER_EMAIL=dev@example.org", "GIT_COMMITTER_DATE=2026-11-22T13:00:00+0000")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.tb.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func lines(n int, prefix string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "%s %d\n", prefix, i)
	}
	return b.String()
}

// newBench creates a workbench. The kernel's series has three patches: hook and link change
// net/core/dev.c and include/uapi/linux/if_link.h, tun changes drivers/net/tun.c.
func newBench(tb testing.TB) *bench {
	tb.Helper()
	w := &bench{tb: tb, root: tb.TempDir(), cache: filepath.Join(tb.TempDir(), "cache")}
	w.kernel, w.iproute2 = filepath.Join(tb.TempDir(), "linux"), filepath.Join(tb.TempDir(), "iproute2")
	w.upstream(w.kernel, map[string]string{
		"Kbuild": "# nothing\n", "net/core/dev.c": lines(60, "line"), "drivers/net/tun.c": lines(30, "tun"),
		"include/uapi/linux/if_link.h": uapiHeader(""), ".gitattributes": "*.c diff=cpp\n",
	})
	w.oldBase = w.git(w.kernel, "rev-parse", "HEAD")
	mustWrite(tb, filepath.Join(w.kernel, "net/core/dev.c"), "first\n"+strings.Replace(lines(60, "line"), "line 50\n", "line fifty\n", 1))
	w.git(w.kernel, "commit", "-qam", "newer")
	w.newBase = w.git(w.kernel, "rev-parse", "HEAD")
	w.git(w.kernel, "branch", "newer")
	w.upstream(w.iproute2, map[string]string{"ip/iplink.c": "int main;\n"})

	mustWrite(tb, filepath.Join(w.root, "kernel-patches/series.toml"), manifestOf("linux", "queue", w.kernel,
		[2]string{"old", w.oldBase}, [2]string{"new", w.newBase}))
	mustWrite(tb, filepath.Join(w.root, "iproute2-patches/series.toml"), manifestOf("iproute2", "iplink", w.iproute2,
		[2]string{"ip", w.git(w.iproute2, "rev-parse", "HEAD")}))

	dir := w.clone(w.kernel, w.oldBase)
	w.edit(dir, "net/core/dev.c", "line 20\n", "line 20\nhook\n")
	w.commit(dir, "net: xps: add the hook\n\nBecause.\n\nLink: https://example.org/1")
	w.edit(dir, "net/core/dev.c", "line 40\n", "line 40\nlink\n")
	w.edit(dir, "include/uapi/linux/if_link.h", "\t__IFLA_MAX\n", "\tIFLA_XPS,\n\t__IFLA_MAX\n")
	w.commit(dir, "rtnetlink: attach it\n\n# Not a comment.")
	w.edit(dir, "drivers/net/tun.c", "tun 15\n", "tun 15\nask\n")
	w.commit(dir, "tun: ask it")
	w.export(dir, w.oldBase, "kernel-patches/queue/old", "hook", "link", "tun")

	dir = w.clone(w.iproute2, "HEAD")
	w.edit(dir, "ip/iplink.c", "int main;\n", "int main;\nint xps;\n")
	w.commit(dir, "ip: link: xps")
	w.export(dir, "HEAD^", "iproute2-patches/iplink/ip", "xps")
	return w
}

// uapiHeader returns an enum of attributes. more may have another attribute.
func uapiHeader(more string) string {
	return "enum {\n\tIFLA_UNSPEC,\n\tIFLA_ADDRESS,\n" + more + "\t__IFLA_MAX\n};\n"
}

func manifestOf(project, key, url string, bases ...[2]string) string {
	text := fmt.Sprintf("[project]\nname = %q\n", project)
	for i, b := range bases {
		role := "submit"
		if i > 0 {
			role = "carry"
		}
		text += fmt.Sprintf("\n[[base]]\nname = %q\nrole = %q\n\n[[base.source]]\nkind = \"git\"\nurl = %q\nref = %q\n", b[0], role, url, b[1])
	}
	return text + fmt.Sprintf("\n[[series]]\nkey = %q\ntitle = \"t\"\nprefix = \"RFC net-next\"\n", key)
}

func (w *bench) upstream(dir string, files map[string]string) {
	w.tb.Helper()
	for name, text := range files {
		mustWrite(w.tb, filepath.Join(dir, name), text)
	}
	w.git(dir, "init", "-q", "--initial-branch=main")
	w.git(dir, "config", "uploadpack.allowAnySHA1InWant", "true")
	w.git(dir, "add", "-A")
	w.git(dir, "commit", "-qm", "start")
}

func (w *bench) clone(from, commit string) string {
	w.tb.Helper()
	dir := filepath.Join(w.tb.TempDir(), "clone")
	w.git(w.tb.TempDir(), "clone", "-q", from, dir)
	w.git(dir, "checkout", "-q", "--detach", commit)
	return dir
}

// edit replaces the first occurrence of a text in a file.
func (w *bench) edit(dir, name, old, text string) {
	w.tb.Helper()
	path := filepath.Join(dir, name)
	have := mustRead(w.tb, path)
	if !strings.Contains(have, old) {
		w.tb.Fatalf("%s has no %q", name, old)
	}
	mustWrite(w.tb, path, strings.Replace(have, old, text, 1))
}

func (w *bench) commit(dir, message string) {
	w.tb.Helper()
	w.git(dir, "add", "-A")
	w.git(dir, "commit", "-q", "--cleanup=verbatim", "-m", message)
}

// export writes commits as the patches of a base, and lists them.
func (w *bench) export(dir, from, to string, keys ...string) {
	w.tb.Helper()
	out := filepath.Join(w.root, to)
	names := strings.Fields(w.git(dir, "format-patch", "-o", out, "--zero-commit", "--no-signature", "--full-index", "-N", from))
	if len(names) != len(keys) {
		w.tb.Fatalf("%d patches, %d keys", len(names), len(keys))
	}
	var list string
	for i, n := range names {
		list += fmt.Sprintf("\n[[series.base.patch]]\nkey = %q\nfile = %q\n", keys[i], filepath.Base(n))
	}
	path := filepath.Join(filepath.Dir(filepath.Dir(out)), manifest.Name)
	mustWrite(w.tb, path, mustRead(w.tb, path)+fmt.Sprintf("\n[[series.base]]\nname = %q\n", filepath.Base(to))+list)
}

func (w *bench) load() *series.Change {
	w.tb.Helper()
	c, err := series.Load(w.root)
	if err != nil {
		w.tb.Fatal(err)
	}
	return c
}

// checkout creates the tree of a base.
func (w *bench) checkout(base string) *Tree {
	w.tb.Helper()
	t, err := Checkout(w.tb.Context(), Options{Change: w.load(), What: base, Cache: w.cache})
	if err != nil {
		w.tb.Fatal(err)
	}
	return t
}

// rebaseDir returns the directory in which a rebase happens.
func (w *bench) rebaseDir(base string) string {
	w.tb.Helper()
	dir, err := RebaseDir(w.load(), base)
	if err != nil {
		w.tb.Fatal(err)
	}
	return dir
}

// rebaseTodo runs git rebase -i, with the todo list changed by sed.
func (w *bench) rebaseTodo(dir, sed string) {
	w.tb.Helper()
	w.script(dir, []string{"GIT_SEQUENCE_EDITOR=sed -i -e '" + sed + "'"}, "rebase", "-q", "-i", "base")
}

// report formats an outcome as lines without leading spaces.
func report(out *Outcome) string {
	var b strings.Builder
	for _, s := range out.Steps {
		b.WriteString(strings.Join(strings.Fields(s.String()), " ") + "\n")
	}
	return b.String()
}

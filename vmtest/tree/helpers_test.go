// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"xpsgen/vmtest/progress"
)

// events collects progress events.
type events struct {
	mu  sync.Mutex
	all []progress.Event
}

func (e *events) add(ev progress.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// notices is the text of all notices, one per line.
func (e *events) notices() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	for _, ev := range e.all {
		if ev.State == progress.Notice || ev.State == progress.Waiting {
			b.WriteString(ev.Text + "\n")
		}
	}
	return b.String()
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

// mustGit runs the git a user would run, in dir.
func mustGit(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=u", "-c", "user.email=u@example.org",
		"-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// sourceFiles is a kernel as far as these tests care.
func sourceFiles() map[string]string {
	long := ""
	for i := 1; i <= 60; i++ {
		long += fmt.Sprintf("line %d\n", i)
	}
	return map[string]string{
		"Kbuild":         "# nothing\n",
		"Makefile":       "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\nEXTRAVERSION =\n\nall:\n",
		"net/core/dev.c": long,
		"net/other.c":    "int other;\n",
		".gitignore":     "*.o\nnet/ignored.c\n",
		"net/ignored.c":  "int ignored;\n",
	}
}

// mustSource writes the files into a new directory and returns it.
func mustSource(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "src")
	for name, text := range sourceFiles() {
		mustWrite(tb, filepath.Join(dir, name), text)
	}
	return dir
}

const manifestHead = `[project]
name = "linux"
variable = "KERNEL"
mark = "Kbuild"
version-file = "Makefile"
version-pattern = '(?m)^VERSION *= *(\d*)\nPATCHLEVEL *= *(\d*)\nSUBLEVEL *= *(\d*)\nEXTRAVERSION *= *(\S*)$'

[[series]]
key = "a"
title = "test"

[[base]]
name = "6.12"
role = "carry"

[[base.source]]
kind = "deb"
package = "linux-source-6.12"
suites = ["trixie"]
`

// mustSeries makes a series directory with the given patches in order.
func mustSeries(tb testing.TB, patches ...string) *Project {
	tb.Helper()
	dir := tb.TempDir()
	mustWrite(tb, filepath.Join(dir, ManifestName), manifestHead)
	for i, p := range patches {
		mustWrite(tb, filepath.Join(dir, "a/6.12", fmt.Sprintf("%04d-patch.patch", i+1)), p)
	}
	s, err := Load(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// mailOf is a patch as git format-patch writes it, with the given diff.
func mailOf(subject, diff string) string {
	return "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n" +
		"From: xpsgen <xpsgen@workbench.invalid>\nDate: Sun, 22 Nov 2026 12:00:00 +0000\n" +
		"Subject: [PATCH] " + subject + "\n\nWhy it is so.\n---\n file | 1 +\n\n" + diff + "-- \n2.39.5\n"
}

const diffFirst = `diff --git a/net/core/dev.c b/net/core/dev.c
--- a/net/core/dev.c
+++ b/net/core/dev.c
@@ -9,5 +9,6 @@ line 8
 line 9
 line 10
 line 11
+first
 line 12
 line 13
@@ -39,5 +40,6 @@ line 38
 line 39
 line 40
 line 41
+second
 line 42
 line 43
`

const diffSecond = `diff --git a/net/other.c b/net/other.c
--- a/net/other.c
+++ b/net/other.c
@@ -1 +1,2 @@
 int other;
+int more;
diff --git a/net/new.c b/net/new.c
new file mode 100644
--- /dev/null
+++ b/net/new.c
@@ -0,0 +1 @@
+int fresh;
`

// mustTar makes a tarball of the files below top.
func mustTar(tb testing.TB, top string, files map[string]string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: top + name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func mustXz(tb testing.TB, data []byte) []byte {
	tb.Helper()
	cmd := exec.Command("xz", "-0")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("xz: %v", err)
	}
	return out
}

// mustDeb makes a Debian package that holds a source tarball.
func mustDeb(tb testing.TB, path string, files map[string]string) {
	tb.Helper()
	inner := mustXz(tb, mustTar(tb, "linux-source-6.12/", files))
	mustPackage(tb, path, map[string]string{"usr/src/linux-source-6.12.tar.xz": string(inner)})
}

// mustPackage makes a Debian package of files.
func mustPackage(tb testing.TB, path string, files map[string]string, fields ...string) {
	tb.Helper()
	control := []byte("odd")
	if len(fields) > 0 {
		text := "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: Test <test@example.org>\n" + strings.Join(fields, "\n") + "\nDescription: test\n"
		control = mustXz(tb, mustTar(tb, "./", map[string]string{"control": text}))
	}
	data := mustXz(tb, mustTar(tb, "./", files))
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, m := range []struct {
		name string
		data []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar.xz", control}, {"data.tar.xz", data}} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.data))
		b.Write(m.data)
		if len(m.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	mustWrite(tb, path, b.String())
}

func mustLookPath(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"xpsgen/vmtest/testenv"
)

// TestBareDebian runs the commands of docs/bindings.md in a new Debian that has
// gcc and linux-libc-dev, and no C library, as a user without rights. It installs
// that Debian from the mirror of this machine, which takes minutes and needs
// root.
func TestBareDebian(t *testing.T) {
	testenv.Require(t, "debian", "installs a Debian with debootstrap")
	root := filepath.Join(t.TempDir(), "debian")
	suite, mirror := debianMirror(t)
	output(t, "debootstrap", "--variant=minbase", "--include=gcc,linux-libc-dev", suite, root, mirror)
	if isFile(filepath.Join(root, "usr/include/stdio.h")) {
		t.Fatal("libc6-dev is there: the test is to show that it is not needed")
	}
	build := exec.Command("go", "build", "-o", filepath.Join(root, "usr/local/bin/xpsgen"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	work := filepath.Join(root, "work")
	for _, dir := range []string{work, filepath.Join(root, "usr/local/go")} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	writeAll(t, work, map[string]string{"go.mod": "module example.com/bare\n\ngo 1.26\n", "run": bareScript(t, work)})
	output(t, "chown", "-R", "65534:65534", work)
	goroot := strings.TrimSpace(output(t, "go", "env", "GOROOT"))
	// The mount ends with its namespace.
	out, err := exec.Command("unshare", "-m", "sh", "-ec",
		`mount --bind -o ro "$1" "$2/usr/local/go"; mount -t proc proc "$2/proc"; exec chroot --userspec=65534:65534 "$2" env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin HOME=/work sh /work/run`,
		"sh", goroot, root).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`all: (\d+) constants.*, (\d+) of \d+ files changed`).FindSubmatch(out)
	if m == nil {
		t.Fatal("no summary of the whole tree")
	}
	constants, _ := strconv.Atoi(string(m[1]))
	files, _ := strconv.Atoi(string(m[2]))
	if constants < 30000 || files < 600 {
		t.Errorf("%d constants in %d files of linux/**/*.h", constants, files)
	}
	// Each header left out has a line with the reason.
	left := regexp.MustCompile(`(?m)^(linux/\S+\.h)\s+(\S.*)$`).FindAllSubmatch(out, -1)
	if len(left) > 5 {
		t.Errorf("%d headers are left out", len(left))
	}
}

// debianMirror returns the release of this machine and where apt has it from.
func debianMirror(t *testing.T) (suite, mirror string) {
	t.Helper()
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\w+)$`).FindSubmatch(release)
	if m == nil {
		t.Fatal("/etc/os-release names no release of Debian")
	}
	suite = string(m[1])
	for line := range strings.Lines(output(t, "apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages")) {
		if f := strings.Fields(line); len(f) == 3 && f[1] == suite && f[2] == "main" {
			return suite, f[0]
		}
	}
	t.Fatalf("apt has no source of %s", suite)
	return "", ""
}

// bareScript writes the files of docs/bindings.md into dir, and returns its
// commands as a script. A header that this Debian cannot compile makes the
// command for the whole tree exit with 1.
func bareScript(t *testing.T, dir string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/bindings.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -ex\ncd /work\n"
	files := make(map[string]string)
	for _, m := range docsBlock.FindAllStringSubmatch(string(page), -1) {
		language, word, text := m[1], m[2], m[3]
		switch {
		case language != "sh" && word != "":
			files[word] = text
		case word == "stranger":
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); strings.Contains(line, "--keep-going") {
					line += " || test $? = 1"
				}
				script += line + "\n"
			}
		}
	}
	if n := strings.Count(script, "xpsgen uapi"); n < 8 {
		t.Fatalf("only %d commands", n)
	}
	writeAll(t, dir, files)
	return script
}

func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// output runs a command and returns its output.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("%v: %w\n%s", args, err, out))
	}
	return string(out)
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// kernelTree is the smallest kernel tree for the checks: a Makefile that compiles single
// objects, and fakes of scripts. The fakes print what the real ones print, and report words
// such as BADSTYLE.
var kernelTree = map[string]string{
	"Makefile": `MAKEFLAGS += -r
Makefile: ;
allmodconfig:
	@! grep -nv "^config" net/Kconfig | sed 's|:.*|: unknown statement "THIS"|; s|^|net/Kconfig:|' | grep . >&2
prepare:
	@! grep -n UNPREPARED include/uapi/linux/if_link.h | sed 's|:.*|:1: error: cannot be prepared|; s|^|include/uapi/linux/if_link.h:|' | grep . >&2
include net/core/Makefile
%.o: prepare FORCE
	@mkdir -p $(O)/$(dir $@)
	@$(if $(C),cd $(O) && $(CHECK) $(CURDIR)/$*.c)
	@cd $(O) && $(CC) -Wall -I$(CURDIR)/include/uapi -MMD -MF $(dir $@).$(notdir $@).cmd -c -o $@ $(CURDIR)/$*.c
headers:
	@mkdir -p $(O)/usr/include
FORCE:
.PHONY: FORCE prepare allmodconfig headers
`,
	"tools/lib/bpf/Makefile":                 "$(OUTPUT)libbpf.so: $(OUTPUT)libbpf.o libbpf.map\n\t$(CC) -shared -Wl,--version-script=libbpf.map -o $@ $<\n$(OUTPUT)libbpf.o: libbpf.c\n\t$(CC) -Wall -MMD -MF $@.d -c -o $@ $<\n",
	"tools/lib/bpf/libbpf.c":                 "#include \"libbpf.h\"\nint f(void) { return 0; }\n",
	"tools/lib/bpf/libbpf.map":               "LIBBPF_1.0 {\n\tglobal:\n\t\tf;\n};\n",
	"tools/testing/selftests/net/Makefile":   "all: $(OUTPUT)/old\n$(OUTPUT)/%: %.c\n\t$(CC) -Wall $(KHDR_INCLUDES) -o $@ $<\n",
	"tools/testing/selftests/net/old.c":      "int main(void) { return 0; }\n",
	"tools/testing/selftests/net/.gitignore": "old\n",
	"tools/testing/selftests/net/lib.sh":     "#!/bin/sh\nhelper() { true; }\n",
	"net/Kconfig":                            "config NET\n",
	"net/core/Makefile":                      "obj-y := dev.o\n",
	"Documentation/page.rst":                 "Page\n====\n\n=== ===\na   b\n=== ===\nc   d\n=== ===\n",

	"scripts/checkpatch.pl": `my $t = join("", <STDIN>);
my $n = () = $t =~ /BADSTYLE/g;
my $long = $t =~ /^[a-z ]{76,}$/m && "@ARGV" !~ /COMMIT_LOG_LONG_LINE/ ? 1 : 0;
print "ERROR:FAKE: bad style\n" if $n;
print "WARNING:COMMIT_LOG_LONG_LINE: long line\n" if $long;
printf "total: %d errors, %d warnings, 0 checks, 10 lines checked\n", $n, $long;
exit($n || $long ? 1 : 0);
`,
	"scripts/get_maintainer.pl": `open(my $f, "<", $ARGV[-1]) or die "file '$ARGV[-1]' not found";
my $t = join("", <$f>);
print "Net Maintainer <net\@kernel.test> (maintainer:NETWORKING)\n" unless $t =~ /ORPHAN/;
print "netdev\@vger.kernel.org (open list:NETWORKING)\n";
print "bpf\@vger.kernel.org (open list:BPF:Keyword:bpf)\n" if $t =~ /bpf/;
`,
	"scripts/kernel-doc": `#!/bin/sh
shift 2
for f; do grep -n '@brief' "$f" | sed "s|^\([0-9]*\):\(.*\)|Warning: $f:\1 This comment starts with '/**', but isn't a kernel-doc comment. Refer to Documentation\n\2|" >&2; done
for f; do grep -n KDOC "$f" | sed "s|^\([0-9]*\):.*|warning: $f:\1 not described|" >&2; done
exit 0
`,
	"tools/net/ynl/ynl-regen.sh": `#!/bin/bash
cd "$(dirname "$0")/../../.."
sed -n 's/^ *name: xps$/#define GENERATED_XPS/p' Documentation/netlink/specs/rt-link.yaml > net/core/gen.h
`,
	"tools/net/ynl/generated/Makefile": `%-user.o:
	@! grep -q INVALID ../../../../Documentation/netlink/specs/$*.yaml
`,
	"Documentation/netlink/specs/rt-link.yaml": "name: rt-link\nattributes:\n  -\n    name: xdp\n",
	"Kbuild":                       "",
	"tools/lib/bpf/libbpf.h":       "/* Ours. */\n",
	"tools/lib/other.h":            "/* Others. */\n",
	"MAINTAINERS":                  "NETWORKING\nM:\tNet Maintainer <net@kernel.test>\nF:\tnet/\n",
	"include/uapi/linux/if_link.h": "enum {\n\tIFLA_UNSPEC,\n\tIFLA_XDP,\n};\n",
	"net/core/gen.h":               "",
	"net/core/dev.c": `#include <linux/if_link.h>
#include "gen.h"

int first(void)
{
	return IFLA_XDP;
}

int second(int a)
{
	int sum = 0;

	sum += a;
	return sum;
}
`,
}

// step is a commit of the fixture's series: the title and the new content of files.
type step struct {
	title string
	files map[string]string
}

const goodLocals = "\tint long_name = 1;\n\tint b = 2;\n"

// goodSteps is a series that passes all checks.
func goodSteps() []step {
	dev := kernelTree["net/core/dev.c"]
	dev1 := dev + "\nint third(void)\n{\n" + goodLocals + "\n\treturn long_name + b;\n}\n"
	dev2 := strings.Replace(dev1, "return IFLA_XDP;", "return IFLA_XPS;", 1)
	return []step{
		{"net: core: add a third", map[string]string{"net/core/dev.c": dev1}},
		{"rtnetlink: add an attribute", map[string]string{
			"include/uapi/linux/if_link.h":             "enum {\n\tIFLA_UNSPEC,\n\tIFLA_XDP,\n\tIFLA_XPS,\n};\n",
			"Documentation/netlink/specs/rt-link.yaml": kernelTree["Documentation/netlink/specs/rt-link.yaml"] + "  -\n    name: xps\n",
			"net/core/gen.h":                           "#define GENERATED_XPS\n",
		}},
		{"net: core: return the attribute", map[string]string{"net/core/dev.c": dev2}},
	}
}

// fixture is a tree and a series of patches for it.
type fixture struct {
	base, dir string
	// signed adds a Signed-off-by to every patch.
	signed bool
	prefix string
	cover  string
	author string
}

func newFixture(t *testing.T) *fixture {
	dir := t.TempDir()
	f := &fixture{base: filepath.Join(dir, "base"), dir: filepath.Join(dir, "series"), signed: true,
		prefix: "RFC net-next", cover: "Why, and how.\n", author: "Some Body <some.body@kernel.test>"}
	f.write(t, f.base, kernelTree)
	f.git(t, "init", "-q", "--initial-branch=base")
	f.git(t, "add", "-A")
	f.git(t, "-c", "user.name=b", "-c", "user.email=b@b.test", "commit", "-q", "-m", "base")
	tools := filepath.Join(dir, "bin")
	for name, text := range map[string]string{
		"codespell": "exit 0", "yamllint": "exit 0", "pylint": "exit 0", "ruff": "exit 0",
		"shellcheck": `for f; do :; done; grep -n BADSHELL "$f" | sed "s|^\([0-9]*\):.*|$f:\1:1: error: bad|"; ! grep -q BADSHELL "$f"`,
		"sparse":     `for f; do :; done; grep -n ENDIAN "$f" | sed "s|^\([0-9]*\):.*|$f:\1:1: warning: incorrect type|" >&2; exit 0`,
		"clang-22":   `exec gcc "$@"`,
	} {
		f.write(t, tools, map[string]string{name: "#!/bin/sh\n" + text + "\n"})
		if err := os.Chmod(filepath.Join(tools, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	return f
}

func (f *fixture) write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fixture) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = f.base
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_DATE=1795348800 +0000", "GIT_COMMITTER_DATE=1795348800 +0000")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// commit creates patches from steps, on top of the tree.
func (f *fixture) commit(t *testing.T, steps []step) {
	t.Helper()
	name, email, _ := strings.Cut(f.author, " <")
	for _, s := range steps {
		f.write(t, f.base, s.files)
		message := s.title + "\n\nBecause."
		if f.signed {
			message += "\n\nSigned-off-by: " + f.author
		}
		f.git(t, "add", "-A")
		f.git(t, "-c", "user.name="+name, "-c", "user.email="+strings.TrimSuffix(email, ">"), "commit", "-q", "-m", message)
	}
	out := filepath.Join(f.dir, "a/net-next")
	f.git(t, "format-patch", "-q", "--zero-commit", "--no-signature", "--full-index", "-N", "-o", out, fmt.Sprintf("HEAD~%d", len(steps)))
	f.git(t, "reset", "-q", "--hard", fmt.Sprintf("HEAD~%d", len(steps)))
}

// patches returns the patch files.
func (f *fixture) patches(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(f.dir, "a/net-next", "*.patch"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no patches: %v", err)
	}
	return found
}

// edit changes the patch files.
func (f *fixture) edit(t *testing.T, change func(n int, text string) string) {
	t.Helper()
	for i, file := range f.patches(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(change(i+1, string(data))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// check writes the manifest and runs all checks.
func (f *fixture) check(t *testing.T, cache string, opt Options) []Row {
	t.Helper()
	rows, err := f.run(t, t.Context(), cache, opt)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// run is check, but returns the error.
func (f *fixture) run(t *testing.T, ctx context.Context, cache string, opt Options) ([]Row, error) {
	t.Helper()
	f.write(t, f.dir, map[string]string{manifest.Name: fmt.Sprintf(`[project]
name = "linux"
build = "kbuild"
[[target]]
name = "net-next"
list = "netdev@vger.kernel.org"
max-patches = 15
line-length = 80
rules = ["netdev"]
[[base]]
name = "net-next"
role = "submit"
[[base.source]]
kind = "deb"
package = "none"
[[series]]
key = "a"
title = "net: a series"
target = "net-next"
prefix = %q
`, f.prefix)})
	if f.cover != "" {
		f.write(t, f.dir, map[string]string{"a/" + CoverName: f.cover})
	}
	m, err := manifest.Load(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	thread := manifest.Thread{Project: m, Series: m.Find("a"), Base: &m.Bases[0]}
	opt.Thread, err = Load(t.Context(), LoadOptions{Thread: thread, Tree: tree.Options{Dir: f.base, Cache: cache}})
	if err != nil {
		t.Fatal(err)
	}
	opt.Cache, opt.Jobs = cache, 2
	return Run(ctx, opt)
}

// failed returns the names of the checks that failed, each once.
func failed(rows []Row) (names []string) {
	for _, r := range rows {
		if r.Code.Failed() && !slices.Contains(names, r.Check) {
			names = append(names, r.Check)
		}
	}
	return names
}

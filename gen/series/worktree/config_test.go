// SPDX-License-Identifier: GPL-2.0-only OR MIT

package worktree

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile are settings of git that change what git format-patch, git log, git
// diff or git patch-id write.
var hostile = [][2]string{
	{"format.signOff", "true"}, {"format.filenameMaxLength", "20"}, {"format.attach", "xyz"}, {"format.headers", "X-Test: yes"},
	{"format.to", "to@example.org"}, {"format.cc", "cc@example.org"}, {"format.subjectPrefix", "EVIL"}, {"format.suffix", ".txt"},
	{"format.signature", "evil"}, {"format.signatureFile", "/etc/passwd"}, {"format.numbered", "true"}, {"format.thread", "deep"},
	{"format.pretty", "oneline"}, {"format.coverLetter", "true"}, {"format.outputDirectory", "/nowhere"}, {"format.useAutoBase", "true"},
	{"format.from", "true"}, {"format.forceInBodyFrom", "true"}, {"format.encodeEmailHeaders", "false"}, {"format.notes", "*"},
	{"format.mboxrd", "true"}, {"format.noprefix", "true"}, {"format.coverFromDescription", "subject"},
	{"diff.noprefix", "true"}, {"diff.mnemonicPrefix", "true"}, {"diff.srcPrefix", "x/"}, {"diff.dstPrefix", "y/"},
	{"diff.algorithm", "patience"}, {"diff.context", "1"}, {"diff.interHunkContext", "9"}, {"diff.renames", "false"},
	{"diff.renameLimit", "1"}, {"diff.orderFile", "ORDER"}, {"diff.suppressBlankEmpty", "true"}, {"diff.indentHeuristic", "false"},
	{"diff.external", "/bin/false"}, {"diff.statGraphWidth", "1"}, {"diff.statNameWidth", "5"}, {"diff.submodule", "log"},
	{"diff.wordRegex", "."}, {"diff.relative", "true"}, {"diff.colorMoved", "zebra"}, {"diff.wsErrorHighlight", "all"},
	{"diff.ignoreSubmodules", "all"}, {"diff.dirstat", "lines"}, {"diff.cpp.xfuncname", "^line.*$"}, {"diff.cpp.textconv", "rev"},
	{"diff.cpp.command", "/bin/false"}, {"diff.cpp.algorithm", "histogram"}, {"core.abbrev", "5"}, {"core.quotePath", "false"},
	{"core.pager", "/bin/false"}, {"core.attributesFile", "ATTRIBUTES"}, {"core.commentChar", "*"}, {"color.ui", "always"},
	{"color.diff", "always"}, {"i18n.logOutputEncoding", "ISO-8859-1"}, {"i18n.commitEncoding", "ISO-8859-1"},
	{"log.showSignature", "true"}, {"log.decorate", "full"}, {"log.date", "relative"}, {"log.mailmap", "true"}, {"mailmap.file", "MAILMAP"},
	{"log.showRoot", "false"}, {"log.follow", "true"}, {"log.abbrevCommit", "true"}, {"notes.displayRef", "*"}, {"patchid.stable", "false"},
	{"user.name", "Somebody Else"}, {"user.email", "else@example.org"}, {"commit.gpgSign", "true"}, {"commit.verbose", "true"},
	{"rebase.autoSquash", "true"}, {"merge.renames", "false"}, {"merge.conflictStyle", "diff3"}, {"sendemail.to", "x@example.org"},
	{"core.autocrlf", "input"}, {"core.eol", "lf"}, {"apply.whitespace", "fix"}, {"am.threeWay", "true"}, {"alias.log", "!false"},
}

// TestHostileConfiguration: settings of git, global, in the tree, in attributes or in the
// environment, do not change a byte of a patch.
func TestHostileConfiguration(t *testing.T) {
	w := newBench(t)
	tr := w.checkout("old")
	// These are sensitive to settings: a rename, a long title, a name that is not ASCII,
	// empty lines in the context, and trailing text in notes.
	w.git(tr.Dir, "mv", "drivers/net/tun.c", "drivers/net/tap.c")
	w.edit(tr.Dir, "drivers/net/tap.c", "tun 20\n", "\ntun 20\n")
	w.git(tr.Dir, "add", "-A")
	w.script(tr.Dir, []string{"GIT_AUTHOR_NAME=Zoë Größe"}, "commit", "-q",
		"-m", "tap: a title that is as long as it may be and a bit longer than one would like it to be", "-m", "Grüße.")
	if _, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()}); err != nil {
		t.Fatal(err)
	}
	before := w.files("old")
	check := func(t *testing.T, what string) {
		t.Helper()
		out, err := tr.Refresh(t.Context(), RefreshOptions{Change: w.load()})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if d := cmp.Diff(before, w.files("old")); d != "" || len(out.Written) > 0 {
			t.Errorf("%s: %q (-want +got):\n%s", what, out.Written, d)
		}
	}
	// Refresh overwrites its own settings, so restore them each time.
	config := filepath.Join(tr.Dir, ".git", "config")
	own := mustRead(t, config)
	order := filepath.Join(t.TempDir(), "order")
	mustWrite(t, order, "net/*\n*.h\n")
	value := func(kv [2]string) string {
		return map[string]string{"ORDER": order, "ATTRIBUTES": order, "MAILMAP": order}[kv[1]]
	}
	quote := func(list ...[2]string) (text string) {
		for _, kv := range list {
			section, name := kv[0][:strings.IndexByte(kv[0], '.')], kv[0][strings.LastIndexByte(kv[0], '.')+1:]
			if middle := strings.TrimSuffix(strings.TrimPrefix(kv[0], section+"."), "."+name); middle != name {
				section += fmt.Sprintf(" %q", middle)
			}
			v := kv[1]
			if f := value(kv); f != "" {
				v = f
			}
			text += fmt.Sprintf("[%s]\n\t%s = %q\n", section, name, v)
		}
		return text
	}
	for _, kv := range hostile {
		mustWrite(t, config, own+quote(kv))
		check(t, "local "+kv[0])
	}
	mustWrite(t, config, own+quote(hostile...))
	check(t, "all, in the tree")
	mustWrite(t, config, own)
	global := filepath.Join(t.TempDir(), "gitconfig")
	mustWrite(t, global, quote(hostile...))
	t.Setenv("GIT_CONFIG_GLOBAL", global)
	t.Setenv("XDG_CONFIG_HOME", filepath.Dir(global))
	t.Setenv("HOME", filepath.Dir(global))
	mustWrite(t, filepath.Join(filepath.Dir(global), ".gitconfig"), quote(hostile...))
	check(t, "all, globally")
	for name, v := range map[string]string{"GIT_DIFF_OPTS": "-u1", "GIT_EXTERNAL_DIFF": "/bin/false", "GIT_PAGER": "/bin/false",
		"GIT_NOTES_REF": "refs/notes/x", "GIT_INDEX_FILE": "/nowhere", "LC_ALL": "de_DE.UTF-8", "COLUMNS": "20"} {
		t.Setenv(name, v)
	}
	check(t, "the environment")
	mustWrite(t, filepath.Join(tr.Dir, ".git", "info", "attributes"), "*.c -diff\n*.h binary\n")
	check(t, "attributes of the repository")
	if len(hostile) < 40 {
		t.Errorf("%d settings", len(hostile))
	}
	if err := os.Remove(global); err != nil {
		t.Fatal(err)
	}
}

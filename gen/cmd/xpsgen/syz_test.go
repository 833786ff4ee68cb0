// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/prepare"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/syz"
	"xpsgen/vmtest/testenv"
)

// syzMutant releases a refused program twice.
const syzMutant = "puts-a-refused-program-twice"

// TestSyzkaller uses the checkout of syzkaller that XPS_TEST_SYZKALLER names: make syz.
func TestSyzkaller(t *testing.T) {
	testenv.Require(t, "syz", "builds syzkaller and kernels, and fuzzes for minutes")
	checkout := os.Getenv("XPS_TEST_SYZKALLER")
	if checkout == "" {
		t.Fatal("XPS_TEST_SYZKALLER names no checkout of syzkaller")
	}
	limit := os.Getenv("XPS_TEST_SYZTIME")
	if limit == "" {
		limit = defaultSyzTime.String()
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	store, err := cache.Dir()
	if err != nil {
		t.Fatal(err)
	}
	call := func(t *testing.T, args ...string) (code int, stdout string) {
		t.Helper()
		var out, log bytes.Buffer
		code = xpsgen(append([]string{"xpsgen", "--root", root, "--cache", store}, args...), os.Stdin, &out, &log)
		t.Logf("xpsgen %s: exit code %d\n%s%s", strings.Join(args, " "), code, log.String(), out.String())
		return code, out.String()
	}

	bases, err := prepare.Bases(root, prepare.AllBases)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range bases {
		t.Run("descriptions of "+base, func(t *testing.T) {
			if code, _ := call(t, "vm", "syz", "--syzkaller", checkout, "--describe", "--base", base); code != exitPassed {
				t.Fatal("the descriptions do not compile")
			}
		})
	}
	t.Run("wrong description", func(t *testing.T) {
		src := prepare.Source{Root: root, Cache: store}
		files, err := describeSource(context.Background(), src)
		if err != nil {
			t.Fatal(err)
		}
		c := syz.Checkout{Dir: checkout, Cache: t.TempDir()}
		for _, f := range files {
			c.Descriptions = append(c.Descriptions, syz.File{Name: f.Name, Text: bytes.ReplaceAll(f.Text, []byte("fd_bpf_prog]"), []byte("fd_nosuch]"))})
		}
		if _, err := c.Describe(context.Background()); err == nil {
			t.Error("a resource of an unknown kind compiles")
		}
	})
	t.Run("patched kernel", func(t *testing.T) {
		out := t.TempDir()
		if code, _ := call(t, "vm", "syz", "--syzkaller", checkout, "--time", limit, "--out", out); code != exitPassed {
			t.Fatal("the kernel reported a bug, or nothing was executed")
		}
	})
	t.Run("mutant", func(t *testing.T) {
		out := t.TempDir()
		start := time.Now()
		if code, _ := call(t, "vm", "syz", "--syzkaller", checkout, "--time", limit, "--mutant", syzMutant, "--out", out); code != exitFailed {
			t.Fatal("not found")
		}
		t.Logf("found and reproduced in %s, builds included", time.Since(start).Round(time.Second))
		r := readSyzRecord(t, out)
		if len(r.Reasons) == 0 || !strings.Contains(strings.Join(r.Reasons, "\n"), "KASAN") {
			t.Errorf("reasons %q: want a report of KASAN", r.Reasons)
		}
		rerunSyz(t, out)
	})
}

func readSyzRecord(t *testing.T, dir string) *runs.Record {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r runs.Record
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// rerunSyz runs the command that the results name: the kernel must report a bug
// again.
func rerunSyz(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, runs.KTAPFile))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "rerun: xpsgen ")
	if !ok {
		t.Fatal("no program reproduces the panic or warning")
	}
	line, _, _ := strings.Cut(after, "\n")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test program is xpsgen under that name, see TestMain.
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "xpsgen")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "xpsgen "+line)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitKernel {
		t.Errorf("%s\nexit code %d, want %d: %v\n%s", line, code, exitKernel, err, out)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package verdict

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/ktap"
)

func TestLockOnOutDirectory(t *testing.T) {
	cache, out := t.TempDir(), t.TempDir()
	first, err := Lock(t.Context(), out, cache, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, out, cache, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second run in the same directory: %v, want it to wait", err)
	}
	other, err := Lock(t.Context(), t.TempDir(), cache, nil)
	if err != nil {
		t.Errorf("run in another directory: %v", err)
	}
	other.Release()
	first.Release()
	next, err := Lock(t.Context(), out, cache, nil)
	if err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
	next.Release()
}

// The files must agree with the outcome. No file of an earlier run may remain.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("CONFIG_XPS=y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{KTAPFile, JSONFile, ConsoleFile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clear(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	o := &Outcome{
		Reasons: []string{"guest hangs"},
		Ended:   errors.New("guest hangs"),
		Report:  &ktap.Report{Plan: 1, Tests: []ktap.Test{{Name: "one", Status: ktap.Pass}}},
		Planned: []string{"one"},
		Accel:   "tcg",
		Inputs:  Inputs{KernelRelease: "6.12.0", KernelPatches: []string{"abc  0001.patch"}},
	}
	if err := o.Write(dir, config); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Verdict string
		Reasons []string
		Inputs  Inputs
		Counts  ktap.Counts
	}
	data, err := os.ReadFile(filepath.Join(dir, JSONFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Verdict != "failed" || len(got.Reasons) != 1 || got.Counts.Pass != 1 || got.Inputs.KernelPatches[0] != "abc  0001.patch" {
		t.Errorf("results.json says %+v", got)
	}
	junit, err := os.ReadFile(filepath.Join(dir, JUnitFile))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(junit), "guest hangs") || !strings.Contains(string(junit), `errors="1"`) {
		t.Errorf("junit.xml does not show the hang: %s", junit)
	}
	kept, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	if err != nil || string(kept) != "CONFIG_XPS=y\n" {
		t.Errorf("kernel.config is %q, %v", kept, err)
	}
}

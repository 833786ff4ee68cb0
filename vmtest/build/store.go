// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
)

const (
	// recordName is the file in a result that records its inputs. It is
	// written last.
	recordName = "build.json"
	// keepResults is how many results of a kind stay in the cache; the ones
	// used longest ago go first.
	keepResults = 24
)

// hashOf identifies a result by the parts that make it.
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d\n%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}

// readRecord fills record from the result in dir, and notes that it was used.
// It reports whether the result exists.
func readRecord(dir string, record any, files ...string) bool {
	data, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil || json.Unmarshal(data, record) != nil {
		return false
	}
	for _, f := range files {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() == 0 {
			return false
		}
	}
	now := time.Now()
	_ = os.Chtimes(dir, now, now) // only the order of pruning depends on it
	return true
}

// publish stores a result: what fill puts there, and the record of it.
// needBytes is the needed space to report when the disk is full.
func publish(dir string, record any, needBytes int64, fill func(tmp string) error) error {
	err := cache.Publish(dir, func(tmp string) error {
		if err := fill(tmp); err != nil {
			return err
		}
		data, err := json.MarshalIndent(record, "", "\t")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, recordName), append(data, '\n'), 0o644)
	})
	if err != nil {
		return cache.Explain(err, dir, needBytes)
	}
	return prune(filepath.Dir(dir), keepResults)
}

// prune removes all but the n results of dir that were used last. Results
// younger than an hour stay: a run may be about to boot one.
func prune(dir string, n int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type result struct {
		path string
		used time.Time
	}
	var all []result
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, result{filepath.Join(dir, e.Name()), info.ModTime()})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].used.After(all[j].used) })
	for i := n; i < len(all); i++ {
		if time.Since(all[i].used) < time.Hour {
			continue
		}
		if err := os.RemoveAll(all[i].path); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file; where the file system can share the blocks it does.
func copyFile(dst, src string) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}

// toolVersion returns the first line of a tool's version output.
func toolVersion(ctx context.Context, step, tool string, args ...string) (string, error) {
	if len(args) == 0 {
		args = []string{"--version"}
	}
	out, err := (&proc.Cmd{Args: append([]string{tool}, args...), Env: buildEnv()}).Output(ctx)
	if errors.Is(err, exec.ErrNotFound) {
		remedy := "install it, or run xpsgen deps"
		if strings.Contains(tool, "-linux-gnu-") {
			remedy += " --for all"
		}
		return "", &BreakdownError{Step: step, Err: err, Cause: "a tool is missing: " + tool, Remedy: remedy, Log: "none"}
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", step, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}

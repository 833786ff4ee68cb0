// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// Increment memoVersion when all cached results become invalid.
const memoVersion = 1

// memo caches results under the hash of their inputs.
type memo struct{ dir string }

func (m *memo) path(key string) string { return filepath.Join(m.dir, key+".json") }

func (m *memo) get(key string) (r Result, ok bool) {
	data, err := os.ReadFile(m.path(key))
	return r, err == nil && json.Unmarshal(data, &r) == nil
}

func (m *memo) put(key string, r Result) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return cache.WriteFile(m.path(key), data, 0o644)
}

// memoKey returns a hash of all inputs of a check.
func (j *job) memoKey(c *Check, p *Patch) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %d %s %s\n", memoVersion, c.Name, c.version, j.Project, j.scripts.BaseCommit)
	for _, t := range c.tools {
		io.WriteString(h, toolID(t))
	}
	if p != nil {
		fmt.Fprintf(h, "%s %s %s\n%d %s", p.Before, p.BeforeTree, p.AfterTree, len(p.Text), p.Text)
	} else {
		fmt.Fprintf(h, "%q %d %q %+v %q %q %q %q\n", j.Title, j.Version, j.Prefix, j.Target, j.Commit, j.Base, j.Origin, j.Cover)
		fmt.Fprintf(h, "%s %v\n", j.BaseCommit, j.ApplyErr)
		for _, p := range j.Patches {
			fmt.Fprintf(h, "%q %d %s", p.File, len(p.Text), p.Text)
		}
	}
	if c.builds {
		fmt.Fprintf(h, "%v %v %q %q %q", j.opt.Full, j.opt.Narrow, j.targets(), j.changed(), kernelConfig)
	}
	fmt.Fprintf(h, "%q %q %d %q", j.opt.To, j.opt.Cc, j.Target.LineLength, j.Target.List)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// toolID identifies an installed program without running it.
func toolID(name string) string {
	if name == "clang" {
		name = Clang()
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return name + " none\n"
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	if err != nil {
		return name + " none\n"
	}
	return fmt.Sprintf("%s %s %d %d\n", name, path, info.Size(), info.ModTime().UnixNano())
}

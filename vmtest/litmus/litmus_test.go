// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"xpsgen/vmtest/deps"
	"xpsgen/vmtest/prepare/preparetest"
	"xpsgen/vmtest/testenv"
)

func TestModel(t *testing.T) {
	files := map[string]string{}
	for _, f := range modelFiles {
		files[path.Join(modelDir, f)] = f
	}
	dir := t.TempDir()
	if err := writeModel(t.Context(), reads(files), dir); err != nil {
		t.Fatal(err)
	}
	for _, f := range modelFiles {
		if got, err := os.ReadFile(filepath.Join(dir, f)); err != nil || string(got) != f {
			t.Errorf("%s: %q, %v", f, got, err)
		}
	}
	delete(files, "tools/memory-model/lock.cat")
	if err := writeModel(t.Context(), reads(files), dir); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "lock.cat") {
		t.Errorf("%v", err)
	}
}

// The tests fail where the memory model allows more: with a publication that orders
// nothing, and with grace periods that wait for nothing.
func TestWeakerModel(t *testing.T) {
	testenv.Require(t, "prove", "runs herd7")
	for _, base := range preparetest.Bases(t) {
		source := preparetest.Source(t, base)
		command, root, err := deps.Herd7().Get(t.Context(), source.Cache, source.Progress)
		if err != nil {
			t.Fatal(err)
		}
		src, err := source.OpenKernel(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			// edits are what to replace in linux-kernel.def, and by what.
			edits *strings.Replacer
			fails string
		}{
			"as it is": {nil, ""},
			"plain publication": {strings.NewReplacer("rcu_assign_pointer(X,V) { __store{release}", "rcu_assign_pointer(X,V) { __store{once}",
				"rcu_assign_pointer(X,V) { __store{RELEASE}", "rcu_assign_pointer(X,V) { __store{ONCE}"), "publish replace"},
			"no grace period":      {strings.NewReplacer("synchronize_rcu() { __fence{sync-rcu}; }", "synchronize_rcu() { __fence{barrier}; }"), "replace detach shrink"},
			"no RCU reader":        {strings.NewReplacer("__fence{rcu-lock}", "__fence{barrier}", "__fence{rcu-unlock}", "__fence{barrier}"), "replace detach shrink"},
			"locks without effect": {strings.NewReplacer("{ __lock(X); }", "{ __fence{barrier}; }", "{ __unlock(X); }", "{ __fence{barrier}; }"), "key writers link"},
		} {
			t.Run(base+"/"+name, func(t *testing.T) {
				dir := t.TempDir()
				if err := writeModel(t.Context(), treeFile(src), dir); err != nil {
					t.Fatal(err)
				}
				if c.edits != nil {
					def := filepath.Join(dir, "linux-kernel.def")
					text, err := os.ReadFile(def)
					if err != nil {
						t.Fatal(err)
					}
					weaker := c.edits.Replace(string(text))
					if weaker == string(text) {
						t.Fatal("linux-kernel.def has nothing to replace")
					}
					if err := os.WriteFile(def, []byte(weaker), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				h := &herd{command: command, library: filepath.Join(root, libraryDir), dir: dir, limit: limit}
				var failed []string
				for i := range tests {
					j := tests[i].jobs()[0]
					if err := j.run(t.Context(), h); err != nil {
						t.Fatal(err)
					}
					if len(j.check.Why) > 0 {
						failed = append(failed, tests[i].Name)
					}
				}
				if got := strings.Join(failed, " "); got != c.fails {
					t.Errorf("%q fail, want %q", got, c.fails)
				}
			})
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mustModule compiles an object with the information that a module has.
func mustModule(t *testing.T, path, needs string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	source := fmt.Sprintf("static const char d[] __attribute__((section(\".modinfo\"), used)) = \"license=GPL\\0depends=%s\";\n", needs)
	cmd := exec.CommandContext(t.Context(), "gcc", "-c", "-x", "c", "-o", path, "-")
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestModuleClosure(t *testing.T) {
	dir := t.TempDir()
	for name, needs := range map[string]string{
		"fs/9p/9p": "9pnet,netfs", "net/9p/9pnet": "", "net/9p/9pnet_virtio": "9pnet,virtio_ring", "fs/netfs/netfs": "fscache", "fs/fscache/fs-cache": "",
		"drivers/net/broken": "nowhere",
	} {
		mustModule(t, filepath.Join(dir, "kernel", name+".ko"), strings.ReplaceAll(needs, "fscache", "fs-cache"))
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.builtin"), []byte("kernel/drivers/virtio/virtio-ring.ko\nkernel/fs/overlayfs/overlay.ko\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := readModules(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := m.closure([]string{"9pnet_virtio", "overlay", "9p", "9p"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	if want := []string{"9pnet.ko", "9pnet_virtio.ko", "fs-cache.ko", "netfs.ko", "9p.ko"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for name, want := range map[string]string{"veth": "no module veth", "broken": "broken: the kernel has no module nowhere"} {
		if _, err := m.closure([]string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel/net/text.ko"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if m, err = readModules(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := m.closure([]string{"text"}); err == nil || !strings.Contains(err.Error(), "text.ko") {
		t.Errorf("got %v", err)
	}
	if _, err := readModules(t.TempDir()); err == nil {
		t.Error("a directory without modules is read")
	}
}

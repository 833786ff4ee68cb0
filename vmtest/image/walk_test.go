// SPDX-License-Identifier: GPL-2.0-only OR MIT

package image

import (
	"os"
	"path/filepath"
	"testing"
)

// A directory of the host keeps its modes in the image, also without a file in it. A
// directory or link that the image already has stays. The root is never replaced.
func TestWalk(t *testing.T) {
	host := t.TempDir()
	for name, mode := range map[string]os.FileMode{"empty": 0o700, "sub": 0o750, "sub/deep": 0o711, "tmp": 0o700, "mtab": 0o700} {
		path := filepath.Join(host, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(host, "sub", "deep", "file"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub", filepath.Join(host, "link")); err != nil {
		t.Fatal(err)
	}
	for _, guest := range []string{"/", "/srv"} {
		prefix := guest
		if guest == "/" {
			prefix = ""
		}
		image := tree{prefix + "/tmp": {mode: 0o1777}, prefix + "/mtab": {kind: linkNode, target: "/proc"}}
		if err := image.walk(File{Host: host, Guest: guest}); err != nil {
			t.Fatal(err)
		}
		for name, mode := range map[string]uint32{"/empty": 0o700, "/sub": 0o750, "/sub/deep": 0o711, "/tmp": 0o1777} {
			if n, ok := image[prefix+name]; !ok || n.kind != dirNode || n.mode != mode {
				t.Errorf("%s in %s: %+v, expected a directory with mode %o", name, guest, n, mode)
			}
		}
		if n := image[prefix+"/mtab"]; n.kind != linkNode || n.target != "/proc" {
			t.Errorf("a directory replaced the link: %+v", n)
		}
		if n := image[prefix+"/link"]; n.kind != linkNode || n.target != "sub" {
			t.Errorf("link: %+v", n)
		}
		if n := image[prefix+"/sub/deep/file"]; n.kind != fileNode || n.host != filepath.Join(host, "sub", "deep", "file") {
			t.Errorf("file: %+v", n)
		}
		if _, ok := image["/"]; ok {
			t.Error("the root was replaced")
		}
	}
	if err := (tree{}).walk(File{Host: filepath.Join(host, "nosuch"), Guest: "/"}); err == nil {
		t.Error("no such directory: no error")
	}
}

// Errors name what is already at a path.
func TestOrigin(t *testing.T) {
	for want, n := range map[string]node{
		"/bin/ip": {host: "/bin/ip"}, "a link to /usr": {kind: linkNode, target: "/usr"}, "a directory": {kind: dirNode},
	} {
		if got := n.origin(); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}

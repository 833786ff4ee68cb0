// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestMachineIP(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	ip := filepath.Join(dir, "ip")
	if err := os.WriteFile(ip, []byte("#!/bin/sh\necho ip utility, iproute2-9.9.0, libbpf 1.1.0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := MachineIP(t.Context())
	if err != nil || r.Version != "9.9.0" || r.IP != ip || r.Hash == "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := os.WriteFile(ip, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := MachineIP(t.Context()); err == nil || errors.Is(err, ErrNoIP) {
		t.Errorf("one that fails: %v", err)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"xpsgen/vmtest/proc"
)

// ErrNoIP is returned if this machine has no ip.
var ErrNoIP = errors.New("no ip on this machine")

// MachineIP returns the ip of this machine, for a change that does not patch iproute2.
// The error wraps [ErrNoIP] if the machine has no ip.
func MachineIP(ctx context.Context) (*IPRoute2Result, error) {
	path, err := findIP()
	if err != nil {
		return nil, fmt.Errorf("find ip: %w: install iproute2 (make deps)", ErrNoIP)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	out, err := (&proc.Cmd{Args: []string{path, "-V"}}).Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("run %s -V: %w", path, err)
	}
	r := &IPRoute2Result{Dir: filepath.Dir(path), IP: path, Origin: "this machine's " + path, Cached: true}
	r.Version = strings.TrimSpace(string(out))
	if _, v, ok := strings.Cut(r.Version, "iproute2-"); ok {
		r.Version, _, _ = strings.Cut(v, ",")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read ip: %w", err)
	}
	r.Hash = hashOf("ip", string(data))
	return r, nil
}

// findIP also searches the directories in which distributions put ip outside of a
// user's PATH.
func findIP() (path string, err error) {
	for _, name := range []string{"ip", "/usr/sbin/ip", "/sbin/ip", "/bin/ip"} {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", err
}

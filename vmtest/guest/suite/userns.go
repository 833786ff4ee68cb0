// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// bpffs mounts a BPF file system for the test and returns its directory.
func (e isolation) bpffs(t *check.T) string {
	dir := filepath.Join(e.scratch, "pins")
	t.Must(os.MkdirAll(dir, 0o755), "make directory")
	t.Must(unix.Mount("bpf", dir, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""), "mount bpffs")
	return dir
}

// ipInUserNS runs the commands in batch with ip -batch, as root in a new user namespace.
// flags selects other new namespaces.
func (e ipTool) ipInUserNS(t *check.T, flags uintptr, batch string) output {
	cmd := e.ipCommand(t, "ip -batch -")
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(batch), &stdout, &stderr
	root := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | flags,
		UidMappings: root,
		GidMappings: root,
	}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run ip in a user namespace: %v", err)
	}
	out := output{
		line:   "unshare -U ip -batch - <<< " + strings.TrimSpace(batch),
		stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode(),
	}
	t.Logf("%v", out)
	return out
}

// containsFold is strings.Contains for any case.
func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

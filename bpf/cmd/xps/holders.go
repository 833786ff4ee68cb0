// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder is a process that has a descriptor of a program or of its link.
type holder struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// holders returns the processes that have the program or the link open. It skips
// processes whose descriptors it may not read, and its own.
func holders(prog, link uint32) []holder {
	var found []holder
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, proc := range procs {
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil || pid == os.Getpid() {
			continue
		}
		infos, err := filepath.Glob(filepath.Join(proc, "fdinfo/*"))
		if err != nil {
			continue
		}
		for _, info := range infos {
			b, err := os.ReadFile(info)
			if err == nil && refers(b, prog, link) {
				comm, _ := os.ReadFile(filepath.Join(proc, "comm"))
				found = append(found, holder{PID: pid, Command: strings.TrimSpace(string(comm))})
				break
			}
		}
	}
	return found
}

// refers reports whether a descriptor refers to the program, or to the link if link is
// not 0.
func refers(fdinfo []byte, prog, link uint32) bool {
	wanted := []string{fmt.Sprintf("prog_id:\t%d", prog)}
	if link != 0 {
		wanted = append(wanted, fmt.Sprintf("link_id:\t%d", link))
	}
	for sc := bufio.NewScanner(bytes.NewReader(fdinfo)); sc.Scan(); {
		for _, w := range wanted {
			if sc.Text() == w {
				return true
			}
		}
	}
	return false
}

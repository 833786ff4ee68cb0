// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"xpsgen/vmtest/proc"
)

// manager is a running syz-manager.
type manager struct {
	tools   *Tools
	workdir string
	calls   []string
	procs   int
	// log receives its output.
	log io.Writer
}

// config is the configuration of syz-manager. Its servers listen on the loopback device
// only.
func (m *manager) config(proxy net.Addr) ([]byte, error) {
	return json.MarshalIndent(map[string]any{
		"name": "xpsgen", "target": "linux/amd64", "type": "proxyapp", "http": "", "rpc": "127.0.0.1:0",
		"workdir": m.workdir, "syzkaller": m.tools.Dir, "sandbox": "none", "procs": m.procs,
		"cover": true, "reproduce": false, "enable_syscalls": m.calls,
		"vm": map[string]any{"rpc_server_uri": proxy.String(), "security": "none"},
	}, "", "\t")
}

// run runs syz-manager until ctx ends. An early end is an error.
func (m *manager) run(ctx context.Context, proxy net.Addr, progress *counter) error {
	text, err := m.config(proxy)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.workdir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(m.workdir, "manager.cfg")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	out := io.MultiWriter(m.log, progress)
	cmd := &proc.Cmd{Args: []string{m.tools.Manager, "-config", file}, Dir: m.workdir, Stdout: out, Stderr: out}
	if err := cmd.Run(ctx); ctx.Err() == nil {
		if err == nil {
			err = fmt.Errorf("it ended early")
		}
		return fmt.Errorf("syz-manager: %w%s", err, progress.lastLines())
	}
	return nil
}

// Stats are numbers of a run.
type Stats struct {
	// Executed counts program executions; Corpus the programs that are kept because they
	// reach new code; Coverage the edges reached.
	Executed, Corpus, Coverage int
}

// counter reads the numbers that syz-manager prints every ten seconds.
type counter struct {
	// each is called with new numbers.
	each func(Stats)
	// calls are the calls that must not be disabled.
	calls []string

	mu    sync.Mutex
	buf   []byte
	last  Stats
	lines []string
	// broken are seeds that syz-manager cannot read, disabled are calls that it does not
	// use. Both have the reason.
	broken, disabled []string
	listing          bool
}

var (
	statForm   = regexp.MustCompile(`(?:^| )(exec total|corpus|coverage)=(\d+)`)
	brokenForm = regexp.MustCompile(`seed (\S+) is broken: (.*)`)
	// A list of calls with reasons follows, and ends with an empty line.
	disabledForm = regexp.MustCompile(`disabled the following syscalls`)
	reasonForm   = regexp.MustCompile(`^(\S+) *: (.*)`)
)

// keptLines is how many lines of output an error of syz-manager contains.
const keptLines = 5

func (c *counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = append(c.buf, p...)
	for {
		line, rest, ok := bytes.Cut(c.buf, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		c.buf = rest
		c.line(string(line))
	}
}

func (c *counter) line(line string) {
	if c.lines = append(c.lines, line); len(c.lines) > keptLines {
		c.lines = c.lines[1:]
	}
	if m := brokenForm.FindStringSubmatch(line); m != nil {
		c.broken = append(c.broken, filepath.Base(m[1])+": "+m[2])
	}
	if m := reasonForm.FindStringSubmatch(line); c.listing && m != nil && slices.Contains(c.calls, m[1]) {
		c.disabled = append(c.disabled, m[1]+": "+m[2])
	}
	switch {
	case disabledForm.MatchString(line):
		c.listing = true
	case line == "":
		c.listing = false
	}
	found := false
	for _, m := range statForm.FindAllStringSubmatch(line, -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		found = true
		switch m[1] {
		case "exec total":
			c.last.Executed = n
		case "corpus":
			c.last.Corpus = n
		case "coverage":
			c.last.Coverage = n
		}
	}
	if found && c.each != nil {
		c.each(c.last)
	}
}

func (c *counter) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// brokenSeeds returns the seeds that syz-manager could not read, with the reason.
func (c *counter) brokenSeeds() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.broken...)
}

// disabledCalls returns the calls that the kernel or the descriptions lack.
func (c *counter) disabledCalls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.disabled...)
}

// lastLines are the last lines of the output, for an error.
func (c *counter) lastLines() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b bytes.Buffer
	for _, l := range c.lines {
		b.WriteString("\n  " + l)
	}
	return b.String()
}

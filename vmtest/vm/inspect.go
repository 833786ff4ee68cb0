// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"xpsgen/vmtest/lazyregexp"
)

// inspectTime limits the time of QEMU's answer about its vCPUs. A QEMU that hangs does
// not answer.
const inspectTime = 3 * time.Second

// inspect asks QEMU for the states of the vCPUs. It returns nil if QEMU does not
// answer: the states only complete an error message.
func (r *Running) inspect() []CPUState {
	text, err := monitor(r.proc.qmp, "info registers -a", time.Now().Add(inspectTime))
	if err != nil {
		return nil
	}
	cpus := parseRegisters(text)
	if syms, err := kernelSymbols(r.m.Vmlinux); err == nil {
		for i := range cpus {
			cpus[i].Symbol = syms.lookup(cpus[i].RIP)
		}
	}
	return cpus
}

// deadliner is the part of net.Conn that monitor needs.
type deadliner interface {
	io.ReadWriter
	SetDeadline(time.Time) error
}

// monitor runs one command of QEMU's human monitor through QMP.
func monitor(c deadliner, command string, deadline time.Time) (string, error) {
	if err := c.SetDeadline(deadline); err != nil {
		return "", fmt.Errorf("qmp: %w", err)
	}
	in := json.NewDecoder(bufio.NewReader(io.LimitReader(c, 1<<20)))
	// QEMU sends the greeting unasked, and may send events in between.
	if _, err := answer(in, "QMP"); err != nil {
		return "", err
	}
	for _, req := range []any{
		map[string]any{"execute": "qmp_capabilities"},
		map[string]any{"execute": "human-monitor-command", "arguments": map[string]string{"command-line": command}},
	} {
		b, err := json.Marshal(req)
		if err != nil {
			return "", fmt.Errorf("qmp: %w", err)
		}
		if _, err := c.Write(append(b, '\n')); err != nil {
			return "", fmt.Errorf("qmp: %w", err)
		}
		raw, err := answer(in, "return")
		if err != nil {
			return "", err
		}
		var text string
		if json.Unmarshal(raw, &text) == nil {
			return text, nil
		}
	}
	return "", errors.New("qmp: the monitor did not answer with a text")
}

// answer reads up to an object with the given key.
func answer(in *json.Decoder, key string) (json.RawMessage, error) {
	for {
		var m map[string]json.RawMessage
		if err := in.Decode(&m); err != nil {
			return nil, fmt.Errorf("qmp: %w", err)
		}
		if e, ok := m["error"]; ok {
			return nil, fmt.Errorf("qmp: %s", e)
		}
		if v, ok := m[key]; ok {
			return v, nil
		}
	}
}

var (
	cpuLine = lazyregexp.New(`(?m)^CPU#(\d+)`)
	// ripWord matches the instruction pointer of x86, arm64 and s390x.
	ripWord = lazyregexp.New(`\b(?:[RE]IP=|PC=|PSW=mask [0-9a-f]+ addr )([0-9a-f]+)`)
	hltWord = lazyregexp.New(`\bHLT=1`)
)

// parseRegisters parses the answer to "info registers -a".
func parseRegisters(text string) []CPUState {
	var out []CPUState
	heads := cpuLine.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		part := text[h[0]:]
		if i+1 < len(heads) {
			part = text[h[0]:heads[i+1][0]]
		}
		m := ripWord.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		// The expressions match only digits, so the only error is a number out of
		// range.
		cpu, err1 := strconv.Atoi(text[h[2]:h[3]])
		at, err2 := strconv.ParseUint(m[1], 16, 64)
		if err1 == nil && err2 == nil {
			out = append(out, CPUState{CPU: cpu, RIP: at, Halted: hltWord.MatchString(part)})
		}
	}
	return out
}

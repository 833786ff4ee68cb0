// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
)

// traceLine is the part of a line of trace_pipe that is the same in each run.
type traceLine struct {
	comm string
	cpu  int
	text string
}

// String formats the line without the parts that differ between runs.
func (l traceLine) String() string { return fmt.Sprintf("%s [%03d] %s", l.comm, l.cpu, l.text) }

// traceFormat matches comm-pid, an optional (tgid), [cpu], flags, time, function (0 on
// older kernels), and the text.
var traceFormat = regexp.MustCompile(`^\s*(.+)-\d+\s+(?:\([^)]*\)\s+)?\[(\d+)\]\s+\S+\s+\d+\.\d+: \w+: (.*)$`)

// parseTrace parses lines of trace_pipe. Other lines, such as a note about lost events,
// are an error, because the comparison would be wrong.
func parseTrace(text string) ([]traceLine, error) {
	var lines []traceLine
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\r\n")
		m := traceFormat.FindStringSubmatch(l)
		if m == nil {
			return nil, fmt.Errorf("trace_pipe: unexpected line %q", l)
		}
		cpu, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, fmt.Errorf("trace_pipe: line %q: %w", l, err)
		}
		lines = append(lines, traceLine{comm: m[1], cpu: cpu, text: strings.TrimRight(m[3], " ")})
	}
	return lines, nil
}

// tracePipe is an open trace_pipe.
type tracePipe struct {
	fd int
}

// openTrace empties the trace buffer and opens trace_pipe. It enables the event of
// bpf_trace_printk. Loading a program that uses it also does that, but from a work
// queue, possibly after the first packets.
func openTrace(t *check.T) *tracePipe {
	return openTraceAt(t, filepath.Join(tracing(t), "trace_pipe"))
}

// openTraceAt is openTrace with the path of trace_pipe.
func openTraceAt(t *check.T, path string) *tracePipe {
	dir := filepath.Dir(path)
	t.Must(os.WriteFile(filepath.Join(dir, "events/bpf_trace/bpf_trace_printk/enable"), []byte("1"), 0), "enable trace event")
	t.Must(os.Truncate(filepath.Join(dir, "trace"), 0), "empty the trace")
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	t.Must(err, "open trace_pipe")
	p := &tracePipe{fd: fd}
	t.Cleanup(p.close)
	return p
}

// close lets another reader open trace_pipe, which takes one reader at a time.
func (p *tracePipe) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
	p.fd = -1
}

// tracing is where tracefs is mounted.
func tracing(t *check.T) string {
	places := []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}
	for _, dir := range places {
		if _, err := os.Stat(filepath.Join(dir, "trace_pipe")); err == nil {
			return dir
		}
	}
	t.Fatalf("no trace_pipe in %s: mount tracefs there", strings.Join(places, " or "))
	return ""
}

// drain returns the lines written since the last call. It does not wait: the program's
// output is written before its packet is sent.
func (p *tracePipe) drain(t *check.T) []traceLine {
	var text strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(p.fd, buf)
		if errors.Is(err, unix.EAGAIN) || err == nil && n == 0 {
			break
		}
		if errors.Is(err, unix.EINTR) {
			continue
		}
		t.Must(err, "read trace_pipe")
		text.Write(buf[:n])
	}
	lines, err := parseTrace(text.String())
	t.Must(err, "read trace_pipe")
	return lines
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"xpsgen/vmtest/guest/suite/check"
)

// letterText is the session in the cover letter of the 2019 RFC, as sent:
// https://lore.kernel.org/netdev/20190919224542.91488-1-matthew.cover@stackpath.com/
//
//go:embed letter.txt
var letterText string

// letterStep is one command of the session, with its output.
type letterStep struct {
	// ip is the ip command without sudo, or "" if there is none.
	ip string
	// tracePipe is the file that the command reads.
	tracePipe string
	// queues are the queue mappings by cpu.
	queues [cpus]int
	// trace are the lines of the program, in the form of [traceLine].
	trace string
}

var (
	letterIP    = regexp.MustCompile(`\bip link set [^&;]*`)
	letterCat   = regexp.MustCompile(`\bcat (\S*/trace_pipe)`)
	letterQueue = regexp.MustCompile(`^cpu(\d): qm(\d):`)
)

// parseLetter reads the steps of a session.
func parseLetter(text string) ([]letterStep, error) {
	var steps []letterStep
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if _, command, ok := strings.Cut(line, "]$ "); ok {
			cat := letterCat.FindStringSubmatch(command)
			if cat == nil {
				return nil, fmt.Errorf("letter: %q reads no trace_pipe", command)
			}
			steps = append(steps, letterStep{
				ip:        strings.TrimSpace(letterIP.FindString(command)),
				tracePipe: cat[1],
			})
			continue
		}
		if len(steps) == 0 {
			return nil, fmt.Errorf("letter: %q before the first prompt", line)
		}
		s := &steps[len(steps)-1]
		if m := letterQueue.FindStringSubmatch(line); m != nil {
			cpu, _ := strconv.Atoi(m[1])
			if cpu >= cpus {
				return nil, fmt.Errorf("letter: %q names a CPU that does not exist", line)
			}
			s.queues[cpu], _ = strconv.Atoi(m[2])
			continue
		}
		if traceFormat.MatchString(line) {
			lines, err := parseTrace(line)
			if err != nil {
				return nil, fmt.Errorf("letter: %w", err)
			}
			s.trace += lines[0].String() + "\n"
		}
	}
	return steps, nil
}

// letter runs the whole session of the letter on one tap, with the suite's sender
// instead of nstxq. Without a program, and with one that falls back, tun uses its flow
// table and not xps_cpus, unless the patch tun-maps is applied. So these two steps are
// compared with each other and not with the letter. c01 and c05 compare them with xps_cpus.
func (e demoTests) letter(t *check.T) {
	steps, err := parseLetter(letterText)
	t.Must(err, "read the letter")
	check.Equal(t, "steps of the letter", 5, len(steps))
	s := e.tapStation(t)
	s.trace.close()
	s.trace = openTraceAt(t, steps[0].tracePipe)
	var without pinged
	for i, step := range steps {
		what := fmt.Sprintf("step %d, %q", i+1, step.ip)
		if step.ip != "" {
			e.ipOK(t, step.ip)
			if attached(t, s.nic) == 0 {
				t.Errorf("program after %s\n  expected: one\n  seen:     none", what)
			}
		}
		got := s.pings()
		check.Equal(t, what+": trace_pipe", step.trace, got.trace)
		switch {
		case step.ip == "":
			without = got
		case strings.Contains(step.trace, "RET -"):
			check.Equal(t, what+": queues as without a program", without.fanout, got.fanout)
			check.Equal(t, what+": queues at the tap as without a program", without.wire, got.wire)
		default:
			check.Equal(t, what+": queue seen with PACKET_FANOUT_QM, by cpu", step.queues, got.fanout)
			check.Equal(t, what+": queue seen at the tap, by cpu", step.queues, got.wire)
		}
	}
	last := attached(t, s.nic)
	check.Equal(t, "program in ip link show", shownFor(last), e.show(t, s.nic))
	for _, what := range []string{"off", "off again"} {
		e.ipOK(t, "ip link set dev tap0 xps off")
		expectAttached(t, s.nic, "after "+what, 0)
		check.Equal(t, "program in ip link show after "+what, shownFor(0), e.showBriefly(t, s.nic))
		got := s.pings()
		check.Equal(t, what+": queues as without a program", without.fanout, got.fanout)
		check.Equal(t, what+": trace_pipe", "", got.trace)
	}
	expectGone(t, last, "off")
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"

	"xpsgen/vmtest/guest/suite/check"
)

// shown is the program of a device in each output format of ip.
type shown struct {
	flagged, flaggedDetailed bool
	plain, detailed          uint32
	json, jsonDetailed       uint32
}

// show runs ip in each output format.
func (e ipTool) show(t *check.T, n *nic) shown {
	s := e.showBriefly(t, n)
	s.flaggedDetailed, s.detailed = e.showText(t, n, "ip -d link show dev")
	s.json = e.showJSON(t, n, "ip -j link show dev")
	return s
}

// showBriefly runs ip in one text and one JSON format and assumes that the others
// agree. Starting ip is the largest cost of these tests.
func (e ipTool) showBriefly(t *check.T, n *nic) (s shown) {
	s.flagged, s.plain = e.showText(t, n, "ip link show dev")
	s.flaggedDetailed, s.detailed = s.flagged, s.plain
	s.jsonDetailed = e.showJSON(t, n, "ip -d -j link show dev")
	s.json = s.jsonDetailed
	return s
}

// showText runs the command line on n. It reports whether the text output has the word
// "xps", and returns the program id.
func (e ipTool) showText(t *check.T, n *nic, line string) (flagged bool, id uint32) {
	x := parseIPText(e.ipOK(t, line+" "+n.name).stdout)
	return x.flagged, x.id
}

// showJSON runs the command line on n and returns the program id in its JSON output.
func (e ipTool) showJSON(t *check.T, n *nic, line string) uint32 {
	links, err := parseIPLinks(e.ipOK(t, line+" "+n.name).stdout)
	t.Must(err, "read JSON")
	if len(links) != 1 || links[0].Ifname != n.name {
		t.Fatalf("%s %s\n  expected: one link of that name\n  seen:     %+v", line, n.name, links)
	}
	return links[0].id()
}

// shownFor returns the expected output of ip for a program, or for none if id is 0.
func shownFor(id ebpf.ProgramID) shown {
	n := uint32(id)
	return shown{id != 0, id != 0, n, n, n, n}
}

// ipAgrees compares ip with the kernel on a device with and without program.
func (e queryTests) ipAgrees(t *check.T) {
	n := e.dummy(t, "dummy0", 2)
	watched := e.ipMonitor(t)
	check.Equal(t, "ip without a program", shownFor(0), e.showBriefly(t, n))
	prog, id := bigID(t)
	attach(t, n, prog)
	check.Equal(t, "ip with a program", shownFor(id), e.show(t, n))
	watched.expect("attach", n, uint32(id))
	detach(t, n)
	check.Equal(t, "ip after the program was detached", shownFor(0), e.showBriefly(t, n))
	watched.expect("detach", n, 0)
}

// ipMonitor is a running `ip monitor link`.
type ipMonitor struct {
	t     *check.T
	mu    sync.Mutex
	lines []string
}

// ipMonitor starts `ip monitor link` and waits until it has subscribed.
func (e ipTool) ipMonitor(t *check.T) *ipMonitor {
	m := &ipMonitor{t: t}
	cmd := e.ipCommand(t, "ip monitor link")
	stdout, err := cmd.StdoutPipe()
	t.Must(err, "pipe")
	t.Must(cmd.Start(), "start ip monitor")
	read := make(chan struct{})
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-read
		cmd.Wait()
	})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			m.mu.Lock()
			m.lines = append(m.lines, s.Text())
			m.mu.Unlock()
		}
	}()
	t.Eventually(2*time.Second, "ip monitor subscribing", func() bool { return subscribed(t, cmd.Process.Pid) })
	return m
}

// subscribed reports whether a process has joined RTNLGRP_LINK.
func subscribed(t *check.T, pid int) bool {
	table, err := os.ReadFile("/proc/thread-self/net/netlink")
	t.Must(err, "read list of netlink sockets")
	for line := range strings.Lines(string(table)) {
		// sk, protocol, port id, groups
		var (
			sk     string
			proto  int
			portID int
			groups uint32
		)
		if n, _ := fmt.Sscanf(line, "%s %d %d %x", &sk, &proto, &portID, &groups); n == 4 && portID == pid && groups&1 != 0 {
			return true
		}
	}
	return false
}

// expect waits until ip prints one notification. It fails the test unless that is about
// n with this program, and is all that ip printed.
func (m *ipMonitor) expect(what string, n *nic, id uint32) {
	var lines []string
	m.t.Eventually(2*time.Second, "ip monitor printing the "+what, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		lines = m.lines
		// The last line of an entry has the link layer.
		if !strings.Contains(strings.Join(lines, "\n"), "link/") {
			return false
		}
		m.lines = nil
		return true
	})
	text := strings.Join(lines, "\n")
	m.t.Logf("ip monitor link:\n%s", text)
	x := parseIPText(text)
	check.Equal(m.t, "id in ip monitor after "+what, id, x.id)
	check.Equal(m.t, `"xps" in ip monitor after `+what, id != 0, x.flagged)
	if count := strings.Count(text, n.name+":"); count != 1 {
		m.t.Errorf("entries of ip monitor after %s\n  expected: 1, for %s\n  seen:     %d\n%s", what, n.name, count, text)
	}
}

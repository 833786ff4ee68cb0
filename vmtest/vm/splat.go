// SPDX-License-Identifier: GPL-2.0-only OR MIT

package vm

import (
	"fmt"
	"slices"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// Splat is one warning or crash of the kernel on the console.
type Splat struct {
	// Pattern is the string that began it.
	Pattern string
	// Lines are the splat and the lines after it, from "cut here" on if there was one.
	Lines []string
	// Frames are the top functions of its call trace.
	Frames []string
	// Functions are all functions of its call traces, each once.
	Functions []string
}

// Limits of the part that is kept.
const (
	maxSplats     = 256
	maxSplatLines = 80
	maxFrames     = 5
)

// splatScanner finds splats in a console read line by line.
type splatScanner struct {
	splats []Splat
	// lost counts the splats beyond maxSplats.
	lost int
	open bool
	// quiet counts lines since the last line that belongs to the open splat.
	quiet int
	// ended is set after the last line of a splat. Registers may still follow.
	ended bool
	cut   string
}

const cutHere = "------------[ cut here ]------------"

// line takes the next line of the console.
func (s *splatScanner) line(l string) {
	if s.open {
		s.more(l)
		return
	}
	if strings.Contains(l, cutHere) {
		s.cut = l
		return
	}
	if p := match(l); p != "" {
		s.begin(p, l)
	} else if s.cut != "" && strings.TrimSpace(bare(l)) != "" {
		// The text of a warning, if it has one, is between the cut and "WARNING:".
		s.cut += "\n" + l
		if strings.Count(s.cut, "\n") > 3 {
			s.cut = ""
		}
	}
}

func (s *splatScanner) begin(pattern, l string) {
	if last := len(s.splats) - 1; (pattern == patternOOMKilled || pattern == patternOOMCgroup) && last >= 0 && s.splats[last].Pattern == patternOOM {
		// This line ends the report. The lines in between list all tasks.
		s.splats[last].Pattern = pattern
		s.splats[last].Lines = append(s.splats[last].Lines, l)
		return
	}
	if len(s.splats) == maxSplats {
		s.lost++
		return
	}
	var lines []string
	if s.cut != "" {
		lines = strings.Split(s.cut, "\n")
		s.cut = ""
	}
	s.splats = append(s.splats, Splat{Pattern: pattern, Lines: append(lines, l)})
	s.open, s.ended, s.quiet = true, false, 0
}

// more adds l to the open splat, or closes it.
func (s *splatScanner) more(l string) {
	cur := &s.splats[len(s.splats)-1]
	p := match(l)
	if strings.Contains(l, cutHere) || s.ended && p != "" && p != patternRIP && !isTrace(p) {
		s.close()
		s.line(l)
		return
	}
	cur.Lines = append(cur.Lines, l)
	if cur.Pattern == patternOOM && (p == patternOOMKilled || p == patternOOMCgroup) {
		cur.Pattern = p // says who was killed
	}
	switch {
	case isEnder(l):
		s.ended, s.quiet = true, 0
	case p != "" || partOfTrace(bare(l)):
		s.quiet = 0
	default:
		s.quiet++
	}
	patience := 12
	if s.ended {
		patience = 2
	}
	if len(cur.Lines) >= maxSplatLines || s.quiet >= patience {
		s.close()
	}
}

func isEnder(l string) bool {
	for _, e := range enders {
		if strings.Contains(l, e) {
			return true
		}
	}
	return false
}

// isTrace reports whether a pattern is the headline of a call trace.
func isTrace(pattern string) bool { return pattern == patternTrace || pattern == patternTraceARM }

func (s *splatScanner) close() {
	if !s.open {
		return
	}
	s.open = false
	cur := &s.splats[len(s.splats)-1]
	// The last quiet lines do not belong to it.
	cur.Lines = cur.Lines[:len(cur.Lines)-min(s.quiet, len(cur.Lines)-1)]
	cur.Frames, cur.Functions = frames(cur.Lines), functions(cur.Lines)
	if isTrace(cur.Pattern) || cur.Pattern == patternRIP {
		// The pattern of a splat that begins with a trace is in its lines.
		for _, l := range cur.Lines {
			if p := match(l); p != "" && p != cur.Pattern {
				cur.Pattern = p
				break
			}
		}
	}
}

// done finishes the console and returns the splats.
func (s *splatScanner) done() []Splat {
	s.close()
	if s.lost > 0 {
		const pattern = "more splats than are kept"
		line := fmt.Sprintf("%s: %d lines that begin one were not read after the first %d splats", pattern, s.lost, maxSplats)
		return append(s.splats, Splat{Pattern: pattern, Lines: []string{line}})
	}
	return s.splats
}

func match(l string) string {
	for _, p := range patterns {
		if strings.Contains(l, p) {
			return p
		}
	}
	return ""
}

// stamp matches the time and, with CONFIG_PRINTK_CALLER, the task at the beginning of a
// line.
var stamp = lazyregexp.New(`^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?`)

func bare(l string) string { return stamp.ReplaceAllString(l, "") }

// detail matches lines with details of a splat: registers, code, the machine.
var detail = lazyregexp.New(`^(?: |(?:R[A-Z0-9]{1,2}|[CDEFGS]S|CR\d|DR\d|RIP|Code|CPU|Hardware name|Tainted|Modules linked in|Kernel Offset|note|PKRU): )`)

func partOfTrace(l string) bool { return detail.MatchString(l) }

// frame matches a line of a call trace. A question mark means that the unwinder
// guesses.
var frame = lazyregexp.New(`^ +(?:\[<[0-9a-f]+>\] )?([A-Za-z_.][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+`)

// rip matches the instruction pointer.
var rip = lazyregexp.New(`RIP: [0-9a-f]{4}:([A-Za-z_.][\w.]*)\+0x`)

// plumbing are functions that are part of every splat's trace.
var plumbing = map[string]bool{
	"dump_stack": true, "dump_stack_lvl": true, "show_stack": true, "panic": true, "__warn": true,
	"report_bug": true, "handle_bug": true, "exc_invalid_op": true, "asm_exc_invalid_op": true,
	"warn_slowpath_fmt": true, "__warn_printk": true, "__die": true, "__die_body": true, "die": true,
	"page_fault_oops": true, "exc_page_fault": true, "asm_exc_page_fault": true, "kasan_report": true,
	"print_report": true, "print_address_description": true, "no_context": true,
}

// functions returns all functions of a splat's traces, each once.
func functions(lines []string) []string {
	var out []string
	add := func(f string) {
		f, _, _ = strings.Cut(f, ".")
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	for _, l := range lines {
		l = bare(l)
		if m := rip.FindStringSubmatch(l); m != nil {
			add(m[1])
		} else if m := frame.FindStringSubmatch(l); m != nil {
			add(m[1])
		}
	}
	return out
}

// frames returns the top functions of a splat, callers last.
func frames(lines []string) []string {
	var out []string
	add := func(f string) {
		f, _, _ = strings.Cut(f, ".")
		if !plumbing[f] && len(out) < maxFrames && (len(out) == 0 || out[len(out)-1] != f) {
			out = append(out, f)
		}
	}
	seenRIP := false
	for _, l := range lines {
		l = bare(l)
		if m := rip.FindStringSubmatch(l); m != nil && !seenRIP {
			seenRIP = true
			if len(out) == 0 {
				add(m[1])
			}
			continue
		}
		if m := frame.FindStringSubmatch(l); m != nil {
			add(m[1])
		}
	}
	return out
}

// panicReason returns the kernel's reason for a panic.
func panicReason(splats []Splat, tail []string) (string, bool) {
	const mark = "Kernel panic - not syncing: "
	find := func(lines []string) (string, bool) {
		for _, l := range lines {
			if _, r, ok := strings.Cut(l, mark); ok {
				return strings.TrimSpace(r), true
			}
		}
		return "", false
	}
	for _, s := range splats {
		if r, ok := find(s.Lines); ok {
			return r, true
		}
	}
	return find(tail)
}

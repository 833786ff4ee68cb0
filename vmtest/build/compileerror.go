// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"fmt"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// CompileError says that a compiler, linker or other tool refused its input.
type CompileError struct {
	// Step is the step that failed.
	Step string
	// Lines are the tool's own words about the first error, or the first few.
	Lines []string
	// Log is the path of the complete output.
	Log string
	// Err is how make ended.
	Err error
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("%s:\n%s\n(complete log: %s)", e.Step, strings.Join(e.Lines, "\n"), e.Log)
}

func (e *CompileError) Unwrap() error { return e.Err }

// BreakdownError says that a build failed for a reason that is not in the
// source, such as a compiler that was killed or is missing.
type BreakdownError struct {
	// Step is the step that failed.
	Step string
	// Cause is the cause. Remedy is the advice to the user.
	Cause, Remedy string
	// Log is the path of the complete output.
	Log string
	// Err is how make ended.
	Err error
}

func (e *BreakdownError) Error() string {
	return fmt.Sprintf("%s: %s; %s (log: %s)", e.Step, e.Cause, e.Remedy, e.Log)
}

func (e *BreakdownError) Unwrap() error { return e.Err }

const (
	// maxErrors is how many errors of a log are shown, maxLines how many
	// lines of context one may have.
	maxErrors = 3
	maxLines  = 24
)

var (
	// These messages report that a tool failed, not its input. The driver of
	// gcc and make print them when the kernel's out-of-memory killer killed a
	// child.
	logKilled = lazyregexp.New(`(?m)^.*(?:fatal error: Killed signal terminated program \w+|` +
		`internal compiler error: Killed|\*\*\* \[.*\] (?:Killed|Error 137)$|` +
		`ld terminated with signal 9).*$|^.*: Killed$`)
	logNoTool = lazyregexp.New(`(?m)^(?:/bin/)?(?:sh|bash|dash): (?:line )?\d+: (\S+): (?:command )?not found$|` +
		`^make(?:\[\d+\])?: (\S+): No such file or directory$`)
	logNoHead = lazyregexp.New(`(?m)^.*fatal error: ((?:gelf|libelf|stdlib|stdio)\.h|(?:openssl|libmnl|bpf|elfutils)/\S+|sys/(?:capability|types)\.h): No such file or directory$`)

	// The first line of an error.
	logError = lazyregexp.New(
		`^[^\s:][^:]*:(?:\d+:)?(?:\d+:)? ?(?:[Ff]atal )?error: |` + // gcc, clang, kconfig, objtool
			`^[^\s:][^:]*:\d+: Error: |` + // as
			`: undefined reference to |: multiple definition of |` + // ld
			`^\S*ld(?:\.\w+)?: (?:error: |cannot )|` +
			`^ERROR: modpost: |` +
			`^[^\s:]*Kconfig[^:]*:\d+: (?:syntax error|unknown |invalid |can't |unexpected )|` +
			`^error: |^\*\*\* |` +
			`^[^\s:]+:\d+: \*\*\* |` + // make, about a Makefile
			`^make(?:\[\d+\])?: \*\*\* No rule to make target `)
	// Skip a diagnostic that is not an error, and the lines after it.
	logWarning = lazyregexp.New(`(?:: ?|^)[Ww](?:arning|ARNING): `)
	// Lines that stand before a diagnosis and belong to it.
	logBefore = lazyregexp.New(`^In file included from |^ +from \S+:\d+|: In function |: At top level:$|: in function |: Assembler messages:$`)
	// Summaries, which add nothing to earlier messages.
	logSummary = lazyregexp.New(`^(?:\d+ (?:warning|error)s?(?: and \d+ errors?)? generated\.|compilation terminated\.|collect2: error: ld returned .*|cc1: all warnings .*)$`)
	// Lines of make and kbuild. With several jobs they can appear anywhere.
	logMake = lazyregexp.New(`^make(?:\[\d+\])?: |^# make |^ {2,4}[A-Z][A-Z0-9_]{1,11} +(?:\[M\] +)?[\w./+-]+$`)
)

// Why returns the first line of a build's output that says why it failed. It is
// the last line if none does, and empty if there is no output.
func Why(text []byte) string {
	for _, line := range compilerLines(text) {
		if logError.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	if lines := lastLines(text, 1); len(lines) > 0 {
		return strings.TrimSpace(lines[0])
	}
	return ""
}

// parseLog returns an error that describes the output of a make that failed with err.
func parseLog(step, log string, text []byte, err error) error {
	if m := logKilled.Find(text); m != nil {
		return &BreakdownError{Step: step, Log: log, Err: err,
			Cause:  "a program of the build was killed: " + string(bytes.TrimSpace(m)),
			Remedy: "most often memory ran out: build with fewer jobs (J=1) or free some"}
	}
	if m := logNoHead.FindSubmatch(text); m != nil {
		return &BreakdownError{Step: step, Log: log, Err: err,
			Cause: "a header of the system is missing: " + string(m[1]), Remedy: "run xpsgen deps"}
	}
	if m := logNoTool.FindSubmatch(text); m != nil {
		return &BreakdownError{Step: step, Log: log, Err: err,
			Cause: "a tool is missing: " + string(m[1]) + string(m[2]), Remedy: "run xpsgen deps"}
	}
	lines := compilerLines(text)
	if len(lines) == 0 {
		lines = lastLines(text, 10)
	}
	return &CompileError{Step: step, Lines: lines, Log: log, Err: err}
}

// compilerLines takes the first errors with their context out of a log.
func compilerLines(text []byte) []string {
	var out, before []string
	seen := map[string]bool{}
	in, context := false, 0
	for raw := range bytes.Lines(text) {
		line := strings.TrimRight(string(raw), "\r\n")
		switch {
		case logSummary.MatchString(line):
			in = false
		case logError.MatchString(line):
			if in = !seen[line]; !in {
				before = nil
				continue
			}
			if len(seen) == maxErrors {
				return out
			}
			seen[line] = true
			out = append(append(out, before...), line)
			before, context = nil, 0
		case logMake.MatchString(line):
		case logWarning.MatchString(line):
			in, before = false, nil
		case logBefore.MatchString(line):
			before, in = append(before, line), false
			before = before[max(0, len(before)-maxLines):]
		case in && context < maxLines:
			out = append(out, line)
			context++
		}
	}
	return out
}

// lastLines returns the last n lines that are not make's own.
func lastLines(text []byte, n int) []string {
	var all []string
	for raw := range bytes.Lines(text) {
		line := strings.TrimRight(string(raw), "\r\n")
		if strings.TrimSpace(line) != "" && !logMake.MatchString(line) {
			all = append(all, line)
		}
	}
	return all[max(0, len(all)-n):]
}

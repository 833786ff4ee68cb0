// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// CompileError says that a compiler, linker or other tool refused its input.
type CompileError struct {
	// Step is what was being built.
	Step string
	// Lines are the tool's own words about the first error, or the first few.
	Lines []string
	// Log is the path of the whole output.
	Log string
	// Err is how make ended.
	Err error
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("%s:\n%s\n(whole log: %s)", e.Step, strings.Join(e.Lines, "\n"), e.Log)
}

func (e *CompileError) Unwrap() error { return e.Err }

// BreakdownError says that a build could not be done for a reason that is not
// in the source: a compiler that was killed or is missing.
type BreakdownError struct {
	// Step is what was being built.
	Step string
	// Cause says what happened, Remedy what to do about it.
	Cause, Remedy string
	// Log is the path of the whole output.
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
	// What says that a tool broke down, not its input. gcc's driver and make
	// report it when the kernel's out-of-memory killer took a child.
	logKilled = regexp.MustCompile(`(?m)^.*(?:fatal error: Killed signal terminated program \w+|internal compiler error: Killed|: Killed$|\[.*\] (?:Killed|Terminated)$|Error 137$|collect2: fatal error: ld terminated with signal 9.*)`)
	logNoTool = regexp.MustCompile(`(?m)^.*?([\w./+-]+): (?:command )?not found$|^make(?:\[\d+\])?: (\S+): No such file or directory$`)
	logNoHead = regexp.MustCompile(`fatal error: (gelf\.h|libelf\.h|openssl/\S+|libmnl/\S+|bpf/\S+|sys/capability\.h|\S+): No such file or directory`)

	// The first line of an error.
	logError = regexp.MustCompile(`^[^\s:][^:]*:(?:\d+:)?(?:\d+:)? (?:fatal )?error: |` + // gcc, clang
		`^[^\s:][^:]*:\d+: Error: |` + // as
		`undefined reference to |multiple definition of |` + // ld
		`^\S*ld(?:\.\w+)?: (?:error: |cannot |.*undefined symbol)|^collect2: error|` +
		`^ERROR: modpost: |^\S*error: objtool: |^\S+: error: objtool: |` +
		`^\S*[Kk]config[^:]*:\d+: .*(?:error|invalid|unknown)|` +
		`: error: |^error: |^\*\*\* |^make.*: \*\*\* No rule to make target `)
	// Lines that stand before an error and belong to it.
	logBefore = regexp.MustCompile(`^In file included from |^ +from |: In function |: At top level:|^\S+: in function |^\S*ld: \S+: in function `)
	// Lines that follow one and belong to it.
	logAfter = regexp.MustCompile(`^\s+(?:\d+ )?\||^\s+\d+ \| |: note: |^ +from |^\s{2,}[~^|]`)
	// Lines of make and kbuild, which end an error.
	logMake = regexp.MustCompile(`^(?:make(?:\[\d+\])?: |\s+[A-Z][A-Z0-9_]+ {1,}\S)`)
)

// parseLog makes an error of the output of a make that failed with err.
func parseLog(step, log string, text []byte, err error) error {
	if m := logKilled.Find(text); m != nil {
		return &BreakdownError{Step: step, Log: log, Err: err,
			Cause:  "a program of the build was killed: " + string(bytes.TrimSpace(m)),
			Remedy: "most often memory ran out: build with fewer jobs (J=1) or free some"}
	}
	lines := compilerLines(text)
	if len(lines) == 0 {
		if m := logNoTool.FindSubmatch(text); m != nil {
			tool := string(m[1]) + string(m[2])
			return &BreakdownError{Step: step, Log: log, Err: err,
				Cause: "a tool is missing: " + tool, Remedy: "see what xpsgen doctor says"}
		}
		lines = lastLines(text, 10)
	}
	return &CompileError{Step: step, Lines: lines, Log: log, Err: err}
}

// compilerLines takes the first errors with their context out of a log.
func compilerLines(text []byte) []string {
	var out, before []string
	found, seen := 0, map[string]bool{}
	in := false
	for raw := range bytes.Lines(text) {
		line := strings.TrimRight(string(raw), "\r\n")
		switch {
		case logError.MatchString(line) && !strings.HasPrefix(line, "make"), strings.Contains(line, "*** No rule to make target"):
			in = false
			if seen[line] {
				before = nil
				continue
			}
			seen[line] = true
			if found++; found > maxErrors {
				return out
			}
			out = append(append(out, before...), line)
			before, in = nil, true
		case in && logAfter.MatchString(line):
			if len(out) < maxErrors*maxLines {
				out = append(out, line)
			}
		case logBefore.MatchString(line):
			before, in = append(before, line), false
			if len(before) > maxLines {
				before = before[1:]
			}
		default:
			// A warning and its context, a line of make: neither belongs to
			// what comes next.
			in = false
			before = nil
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

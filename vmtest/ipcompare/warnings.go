// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipcompare

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// warning is a compiler's warning. It has no line number, since other changes move the line.
type warning struct {
	file, function, text string
}

func (w warning) String() string { return w.file + ": " + w.function + ": " + w.text }

// flags are the compiler flags for the touched files.
const flags = "-Wall -Wextra"

// warnings compiles the touched C files of one side, and returns the warnings in touched
// files with how often each occurs.
func (t trees) warnings(ctx context.Context, side, compiler string, libbpf bool, touched []string) (map[warning]int, error) {
	all := map[warning]int{}
	cc := "CC=" + compiler
	if err := t.configure(ctx, side, libbpf, cc); err != nil {
		return nil, err
	}
	for _, dir := range []string{"lib", "ip", "testsuite/tools"} {
		var objects []string
		for _, file := range touched {
			if path.Dir(file) == dir && path.Ext(file) == ".c" && t.has(side, file) {
				objects = append(objects, strings.TrimSuffix(path.Base(file), ".c"))
			}
		}
		if len(objects) == 0 {
			continue
		}
		args := []string{cc, "CCOPTS=-O2 " + flags, "SUBDIRS=" + dir}
		switch dir {
		case "ip":
			args = append(args, "SCRIPTS=", "TARGETS="+strings.Join(objects, ".o ")+".o")
		case "testsuite/tools":
			args = append([]string{cc, "CFLAGS=-O2 " + flags, "-C", dir}, objects...)
		}
		out, err := t.make(ctx, side, libbpf, args...)
		if err != nil {
			return nil, err
		}
		if err := t.count(side, dir, out, touched, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t trees) has(side, file string) bool {
	_, err := os.Stat(filepath.Join(t[side], file))
	return err == nil
}

var warningLine = regexp.MustCompile(`(?m)^(\S+?):(\d+):(?:\d+:)? warning: (.*)$`)

// count adds the warnings that a compiler printed in dir.
func (t trees) count(side, dir string, out []byte, touched []string, all map[warning]int) error {
	lines := map[string][]string{}
	for _, m := range warningLine.FindAllSubmatch(out, -1) {
		file := path.Join(dir, string(m[1]))
		if !slices.Contains(touched, file) {
			continue
		}
		if lines[file] == nil {
			data, err := os.ReadFile(filepath.Join(t[side], file))
			if err != nil {
				return fmt.Errorf("read the compiler warnings: %w", err)
			}
			lines[file] = strings.Split(string(data), "\n")
		}
		line, err := strconv.Atoi(string(m[2]))
		if err != nil || line < 1 || line > len(lines[file]) {
			return fmt.Errorf("read the compiler warnings: %s has no line %s", file, m[2])
		}
		all[warning{file, function(lines[file][:line]), string(m[3])}]++
	}
	return nil
}

var (
	definition     = regexp.MustCompile(`^[A-Za-z_].*[^:]$`)
	definitionName = regexp.MustCompile(`(\w+)\(`)
)

// function returns the definition that contains the last line: the name of a function,
// or the first line of another definition.
func function(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if !definition.MatchString(line) {
			continue
		}
		if m := definitionName.FindStringSubmatch(line); m != nil {
			return m[1]
		}
		return strings.TrimSpace(line)
	}
	return ""
}

// added returns the warnings that occur more often after than before.
func added(before, after map[warning]int) []string {
	var all []string
	for w, n := range after {
		for range n - before[w] {
			all = append(all, w.String())
		}
	}
	slices.Sort(all)
	return all
}

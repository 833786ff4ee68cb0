// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// TableOptions say how to format rows.
type TableOptions struct {
	// Paint colours the word for a code; nil means no colour.
	Paint func(c Code, word string) string
	// Logs shows the complete log of each row that did not pass, instead of its beginning.
	Logs bool
}

// logLines is how many lines of a log the table shows.
const logLines = 8

// WriteTable writes rows as text. A check that passed everywhere takes one line. Other rows
// have their own lines, with the command that runs the check alone.
func WriteTable(w io.Writer, rows []Row, opt TableOptions) error {
	b := bufio.NewWriter(w)
	paint := opt.Paint
	if paint == nil {
		paint = func(_ Code, word string) string { return word }
	}
	thread := ""
	for i := 0; i < len(rows); {
		if t := rows[i].Thread(); t != thread {
			if thread != "" {
				fmt.Fprintln(b)
			}
			thread = t
			fmt.Fprintln(b, t)
		}
		// Group the rows of a thread by check.
		end := i
		for end < len(rows) && rows[end].Thread() == rows[i].Thread() {
			end++
		}
		for _, name := range checkOrder(rows[i:end]) {
			writeCheck(b, name, rows[i:end], paint, opt.Logs)
		}
		i = end
	}
	return b.Flush()
}

// checkOrder returns the names of the checks in rows, in the order of the registry.
func checkOrder(rows []Row) (names []string) {
	there := map[string]bool{}
	for _, r := range rows {
		there[r.Check] = true
	}
	for _, c := range All() {
		if there[c.Name] {
			names = append(names, c.Name)
			delete(there, c.Name)
		}
	}
	return names
}

func writeCheck(b *bufio.Writer, name string, rows []Row, paint func(Code, string) string, logs bool) {
	var bad []Row
	passed := 0
	summary := ""
	for _, r := range rows {
		switch {
		case r.Check != name:
		case r.Code == Pass:
			passed++
			summary = r.Summary
		default:
			bad = append(bad, r)
		}
	}
	if passed > 1 {
		summary = fmt.Sprintf("%d patches", passed)
	}
	if passed > 0 {
		fmt.Fprintf(b, "  %s  %-17s %s\n", paint(Pass, "pass"), name, summary)
	}
	for i, n := 0, 0; i < len(bad); i += n {
		r := bad[i]
		if n = alike(bad[i:]); n > 1 {
			fmt.Fprintf(b, "  %s  %-17s %s: %s\n", paint(r.Code, mark(r.Code)), name, patches(bad[i:i+n], n == len(bad)), r.Summary)
			fmt.Fprintf(b, "        %s\n", strings.Replace(r.Command, fmt.Sprintf(" --patch %d", r.Patch), "", 1))
			continue
		}
		where := ""
		if r.Patch > 0 {
			where = fmt.Sprintf("patch %d (%s): ", r.Patch, r.Key)
		}
		fmt.Fprintf(b, "  %s  %-17s %s%s\n", paint(r.Code, mark(r.Code)), name, where, r.Summary)
		if r.Code == Blocked {
			continue
		}
		writeLog(b, r.Log, logs)
		fmt.Fprintf(b, "        %s\n", r.Command)
	}
}

// patches names the patches of several rows. all says that these are all the rows that
// did not pass.
func patches(rows []Row, all bool) string {
	if all {
		return fmt.Sprintf("%d patches", len(rows))
	}
	var numbers []string
	for _, r := range rows {
		numbers = append(numbers, strconv.Itoa(r.Patch))
	}
	return "patches " + strings.Join(numbers, ", ")
}

// alike returns the number of rows, from the first on, that have the same result and no
// log.
func alike(rows []Row) int {
	n := 1
	for n < len(rows) && rows[n].Code == rows[0].Code && rows[n].Summary == rows[0].Summary &&
		rows[n].Log == "" && rows[0].Log == "" {
		n++
	}
	return n
}

func mark(c Code) string {
	switch c {
	case Warning:
		return "warn"
	case Blocked:
		return "----"
	}
	return "FAIL"
}

func writeLog(b *bufio.Writer, log string, all bool) {
	n := 0
	for line := range strings.Lines(strings.TrimSpace(log)) {
		if line = strings.TrimRight(line, "\n"); strings.TrimSpace(line) == "" {
			continue
		}
		if n++; n > logLines && !all {
			fmt.Fprintln(b, "        ... (-v or the command below shows all)")
			return
		}
		fmt.Fprintf(b, "        | %s\n", line)
	}
}

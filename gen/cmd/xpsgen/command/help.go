// SPDX-License-Identifier: GPL-2.0-only OR MIT

package command

import (
	"fmt"
	"io"
	"strings"
)

// width is the maximum width of help in columns.
const width = 80

// Help writes the help of c.
func (c *Command) Help(w io.Writer) error {
	var b strings.Builder
	writeWrapped(&b, c.Path()+": "+c.Short, "", "")
	fmt.Fprintf(&b, "\nUsage: %s\n", c.Synopsis())
	for _, p := range paragraphs(c.Long) {
		b.WriteString("\n")
		writeWrapped(&b, p, "", "")
	}
	if len(c.Commands) > 0 {
		b.WriteString("\nCommands:\n")
		var rows [][2]string
		for _, sub := range c.Commands {
			rows = append(rows, [2]string{sub.Name, sub.Short})
		}
		writeRows(&b, rows)
	}
	if len(c.Args) > 0 {
		b.WriteString("\nArguments:\n")
		var rows [][2]string
		for _, a := range c.Args {
			rows = append(rows, [2]string{a.String(), a.Help})
		}
		writeRows(&b, rows)
	}
	c.helpFlags(&b)
	b.WriteString("\nExamples:\n")
	for _, e := range c.Examples {
		line := c.typed(e)
		if e.Note == "" {
			fmt.Fprintf(&b, "  %s\n", line)
			continue
		}
		if len(line) > 40 {
			fmt.Fprintf(&b, "  %s\n", line)
			line = ""
		}
		writeWrapped(&b, e.Note, fmt.Sprintf("  %-42s ", line), strings.Repeat(" ", 45))
	}
	b.WriteString("\nExit codes:\n")
	for _, e := range c.exits() {
		writeWrapped(&b, e.Meaning, fmt.Sprintf("  %3d  ", e.Code), "       ")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Command) helpFlags(b *strings.Builder) {
	write := func(title string, flags []Flag) {
		if len(flags) == 0 {
			return
		}
		fmt.Fprintf(b, "\n%s:\n", title)
		var rows [][2]string
		for _, f := range flags {
			rows = append(rows, [2]string{f.String(), f.Text()})
		}
		writeRows(b, rows)
	}
	if c.parent == nil {
		write("Flags of every command", c.Flags)
		return
	}
	write("Flags", c.Flags)
	fmt.Fprintf(b, "\nFlags of every command: see %s --help\n", c.root().Name)
}

// Synopsis returns the usage line of c.
func (c *Command) Synopsis() string {
	line := c.Path()
	switch {
	case len(c.Commands) > 0 && c.Run != nil:
		return line + " [COMMAND] [FLAG]... [ARGUMENT]..."
	case len(c.Commands) > 0:
		return line + " COMMAND [FLAG]... [ARGUMENT]..."
	}
	if len(c.Flags) > 0 {
		line += " [FLAG]..."
	}
	if c.Program {
		line += " --"
	}
	for _, a := range c.Args {
		line += " " + a.String()
	}
	return line
}

// String formats the argument for a synopsis: "[BASE]...".
func (a Arg) String() string {
	s := a.Name
	if a.Optional {
		s = "[" + s + "]"
	}
	if a.Repeat {
		s += "..."
	}
	return s
}

// String formats the flag for help: "-j, --jobs N".
func (f Flag) String() string {
	s := "--" + f.Name
	if f.Letter != "" {
		s = "-" + f.Letter + ", " + s
	}
	if f.Arg != "" {
		s += " " + f.Arg
	}
	return s
}

// Text is the flag's help, with the default, the choices and the variable.
func (f Flag) Text() string {
	var extra []string
	if words := f.To.choices(); words != nil {
		extra = append(extra, "one of "+strings.Join(words, ", "))
	}
	if d := f.To.String(); d != "" {
		extra = append(extra, "default "+d)
	}
	if _, many := f.To.(*list); many {
		extra = append(extra, "may be repeated")
	}
	if f.Env != "" {
		extra = append(extra, "$"+f.Env)
	}
	if len(extra) == 0 {
		return f.Help
	}
	return f.Help + " (" + strings.Join(extra, "; ") + ")"
}

// typed returns the command line of the example.
func (c *Command) typed(e Example) string {
	if line, other := strings.CutPrefix(e.Line, "$ "); other {
		return line
	}
	return strings.TrimRight(c.root().Name+" "+e.Line, " ")
}

// exits returns the common exit codes. Those of c replace them. A command that declares
// no meaning of 1 does not return it.
func (c *Command) exits() []Exit {
	var all []Exit
	own := map[int]string{}
	for _, e := range c.Exits {
		own[e.Code] = e.Meaning
	}
	for _, e := range Exits() {
		m, ok := own[e.Code]
		if e.Code == 1 && !ok && c.Run != nil {
			continue
		}
		if ok {
			e.Meaning = m
			delete(own, e.Code)
		}
		all = append(all, e)
	}
	for _, e := range c.Exits {
		if _, left := own[e.Code]; left {
			all = insert(all, e)
		}
	}
	return all
}

// insert adds e in the order of codes.
func insert(all []Exit, e Exit) []Exit {
	i := 0
	for i < len(all) && all[i].Code < e.Code {
		i++
	}
	return append(all[:i], append([]Exit{e}, all[i:]...)...)
}

// paragraphs splits a description. An indented paragraph stays whole.
func paragraphs(text string) []string {
	var all []string
	for p := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		if p = strings.Trim(p, "\n"); p != "" {
			all = append(all, p)
		}
	}
	return all
}

// List formats rows of two columns as a paragraph of [Command.Long].
func List(rows [][2]string) string {
	var b strings.Builder
	writeRows(&b, rows)
	return strings.TrimRight(b.String(), "\n")
}

// writeRows writes a table of two columns.
func writeRows(b *strings.Builder, rows [][2]string) {
	const most = 26
	left := 0
	for _, r := range rows {
		if len(r[0]) <= most {
			left = max(left, len(r[0]))
		}
	}
	indent := strings.Repeat(" ", left+4)
	for _, r := range rows {
		first := fmt.Sprintf("  %-*s  ", left, r[0])
		if len(r[0]) > left {
			fmt.Fprintf(b, "  %s\n", r[0])
			first = indent
		}
		writeWrapped(b, r[1], first, indent)
	}
}

// writeWrapped wraps text, with the prefix first before its first line and rest before
// the others. It does not wrap indented text.
func writeWrapped(b *strings.Builder, text, first, rest string) {
	if strings.HasPrefix(text, " ") {
		b.WriteString(text + "\n")
		return
	}
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		if !empty && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"go/token"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Config says which headers become which Go package.
type Config struct {
	// Package is the name of the Go package. Required.
	Package string `toml:"package"`
	// Arch lists targets, as in GOARCH. Definitions that differ between them go into
	// separate files. Default: [HostArch].
	Arch []string `toml:"arch"`
	// Types maps C types to Go types of the same size, such as "struct in6_addr" to
	// "[16]byte". The C type is a typedef, or a tag with struct or union before it. The Go
	// type is an integer type or an array of one.
	Types map[string]string `toml:"types"`
	// Naming applies to all headers.
	Naming
	// Alias is the import path of a package with constants, such as
	// "golang.org/x/sys/unix". A generated constant refers to the constant there if that
	// has the same name and value. The module that the generated package is in must require
	// the module of that package.
	Alias string `toml:"alias"`
	// Headers are the headers to translate. A name that several of them define goes to the
	// first one. Required.
	Headers []HeaderConfig `toml:"header"`
	// Attributes are the netlink attribute tables to generate.
	Attributes []AttributesConfig `toml:"attributes"`

	file   string
	line   func(key string, index int) int
	origin []int // by header, after expansion: its place in the file
}

// HeaderConfig selects from one header, or from all that a pattern matches. Patterns have
// the syntax of [path.Match]. A pattern other than "*" that matches nothing is an error.
type HeaderConfig struct {
	// Path is the header as a program includes it: "linux/if_link.h". It may
	// be a pattern, in which "**" matches any number of directories. It does
	// not match a header that has another entry. Required.
	Path string `toml:"path"`
	// Except lists patterns of headers that Path shall not match.
	Except []string `toml:"except"`
	// With lists headers to include before this one, which is not complete
	// without them.
	With []string `toml:"with"`
	// Include lists patterns of constants to take. Empty takes all.
	Include []string `toml:"include"`
	// Exclude lists patterns of constants to leave out, after Include.
	Exclude []string `toml:"exclude"`
	// Structs lists patterns of struct and union tags to take, or of
	// typedef names where there is no tag. Empty takes none.
	Structs []string `toml:"structs"`
	// Typedefs lists patterns of typedefs of numbers to take. Fields then
	// have those types. Empty takes none.
	Typedefs []string `toml:"typedefs"`
	// Strings generates types with a String method. It maps the name of a type to
	// patterns of constants. String returns the name of the constant with that value.
	Strings map[string][]string `toml:"strings"`
	// Naming of this header.
	Naming
}

// AttributesConfig selects attribute sets from one netlink specification.
type AttributesConfig struct {
	// Spec is the file below Documentation/netlink/specs, without its
	// suffix: "rt-link". Required.
	Spec string `toml:"spec"`
	// Sets are the names of attribute sets in it. Required.
	Sets []string `toml:"sets"`
	// Prefix maps a set to the prefix of its constants, if the spec has another one:
	// "xdp-attrs" to "ifla-xdp-".
	Prefix map[string]string `toml:"prefix"`
}

// A ConfigError is a mistake in the configuration file.
type ConfigError struct {
	// File is the name given to [ParseConfig].
	File string
	// Line counts from 1; 0 means the file as a whole.
	Line int
	// Msg describes the error.
	Msg string
}

// Error returns file, line and message.
func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// LoadConfig reads a configuration file. See [ParseConfig].
func LoadConfig(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("uapi config: %w", err)
	}
	return ParseConfig(file, text)
}

// ParseConfig reads a configuration in TOML; file is its name in messages. Every error in
// it is a [*ConfigError].
func ParseConfig(file string, text []byte) (*Config, error) {
	cfg := &Config{file: file, line: keyLines(string(text))}
	md, err := toml.Decode(string(text), cfg)
	if err != nil {
		return nil, cfg.tomlError(err)
	}
	if unknown := md.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return nil, &ConfigError{file, cfg.line(key, 0), fmt.Sprintf("unknown key %q", key)}
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// tomlPosition matches the beginning of the TOML library's messages. Only its syntax errors
// have a field for the line.
var tomlPosition = pattern(`^toml: line (\d+)(?: \(last key "[^"]*"\))?: `)

// tomlError converts an error of the TOML library.
func (c *Config) tomlError(err error) error {
	msg, line := err.Error(), 0
	if m := tomlPosition().FindStringSubmatch(msg); m != nil {
		msg = msg[len(m[0]):]
		line, _ = strconv.Atoi(m[1]) // digits
	}
	return &ConfigError{c.file, line, strings.TrimPrefix(msg, "toml: ")}
}

func (c *Config) validate() error {
	if c.Package == "" {
		return &ConfigError{c.file, 0, "package is not set"}
	}
	if !token.IsIdentifier(c.Package) {
		return &ConfigError{c.file, c.line("package", 0), fmt.Sprintf("package %q is not a Go identifier", c.Package)}
	}
	if len(c.Headers) == 0 {
		return &ConfigError{c.file, 0, "no [[header]]"}
	}
	if key, msg := c.Naming.validate(); msg != "" {
		return &ConfigError{c.file, c.line(key, 0), msg}
	}
	if strings.ContainsAny(c.Alias, " \t\"\\`") || strings.HasPrefix(c.Alias, "-") {
		return &ConfigError{c.file, c.line("alias", 0), fmt.Sprintf("alias %q is not an import path", c.Alias)}
	}
	for i, a := range c.Arch {
		if KernelArch(a) == "" {
			return &ConfigError{c.file, c.line("arch", 0), fmt.Sprintf("arch %q: want one of %s", a, strings.Join(Arches(), ", "))}
		}
		if slices.Contains(c.Arch[:i], a) {
			return &ConfigError{c.file, c.line("arch", 0), fmt.Sprintf("arch %q is listed twice", a)}
		}
	}
	for _, t := range sortedKeys(c.Types) {
		if _, ok := parseGoType(c.Types[t]); !ok {
			return &ConfigError{c.file, c.line("types."+t, 0), fmt.Sprintf("types: %q: want an integer type of Go or an array of one, not %q", t, c.Types[t])}
		}
	}
	seen := make(map[string]bool)
	for i, h := range c.Headers {
		if h.Path == "" {
			return c.headerError(i, "", "header without path")
		}
		if seen[h.Path] {
			return c.headerError(i, "path", fmt.Sprintf("header %q is listed twice", h.Path))
		}
		seen[h.Path] = true
		if err := c.validateHeader(i, h); err != nil {
			return err
		}
	}
	if err := c.fileClash(func(h HeaderConfig) bool { return !isGlob(h.Path) }); err != nil {
		return err
	}
	return c.validateAttributes()
}

// includable reports whether a path has the form of an include line, below the
// root.
func includable(p string) bool {
	return path.Clean(p) == p && !path.IsAbs(p) && !strings.HasPrefix(p, "..") && !strings.ContainsAny(p, "<>\"\\\n")
}

func (c *Config) validateHeader(i int, h HeaderConfig) error {
	if !includable(h.Path) {
		return c.headerError(i, "path", fmt.Sprintf("path %q: want the form of an include line, as in \"linux/if_link.h\"", h.Path))
	}
	if len(h.Except) > 0 && !isGlob(h.Path) {
		return c.headerError(i, "except", fmt.Sprintf("except: path %q is not a pattern", h.Path))
	}
	for _, w := range h.With {
		if !includable(w) || w == "" {
			return c.headerError(i, "with", fmt.Sprintf("with %q: want the form of an include line, as in \"linux/if_link.h\"", w))
		}
	}
	if key, msg := h.Naming.validate(); msg != "" {
		return c.headerError(i, key, msg)
	}
	lists := map[string][]string{
		"path": {h.Path}, "except": h.Except, "include": h.Include, "exclude": h.Exclude,
		"structs": h.Structs, "typedefs": h.Typedefs,
	}
	for _, name := range sortedKeys(h.Strings) {
		if !token.IsIdentifier(name) || !token.IsExported(name) {
			return c.headerError(i, "strings", fmt.Sprintf("strings: %q is not an exported Go name", name))
		}
		if len(h.Strings[name]) == 0 {
			return c.headerError(i, "strings", fmt.Sprintf("strings: %q has no pattern", name))
		}
		lists["strings "+name] = h.Strings[name]
	}
	for _, key := range sortedKeys(lists) {
		for _, p := range lists[key] {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				return c.headerError(i, strings.Fields(key)[0], fmt.Sprintf("%s: bad pattern %q", key, p))
			}
		}
	}
	return nil
}

// fileClash fails if two of the headers that pass a filter would become the
// same file.
func (c *Config) fileClash(pass func(HeaderConfig) bool) error {
	files := make(map[string]string)
	for i, h := range c.Headers {
		if !pass(h) {
			continue
		}
		name := goFileName(h.Path)
		if other, ok := files[name]; ok {
			return c.headerError(i, "path", fmt.Sprintf("headers %q and %q would both become %s", other, h.Path, name))
		}
		files[name] = h.Path
	}
	return nil
}

// specName matches the name of a specification. It rejects paths.
var specName = pattern(`^[\w-]+$`)

func (c *Config) validateAttributes() error {
	seen := make(map[string]bool)
	for i, a := range c.Attributes {
		switch {
		case !specName().MatchString(a.Spec):
			return c.tableError("attributes", i, "spec", fmt.Sprintf("spec %q: want the name of a file of Documentation/netlink/specs, as in \"rt-link\"", a.Spec))
		case len(a.Sets) == 0:
			return c.tableError("attributes", i, "", fmt.Sprintf("attributes of %s: no sets", a.Spec))
		}
		for _, s := range a.Sets {
			if seen[s] {
				return c.tableError("attributes", i, "sets", fmt.Sprintf("attribute set %q is listed twice", s))
			}
			seen[s] = true
		}
		for _, s := range sortedKeys(a.Prefix) {
			if !slices.Contains(a.Sets, s) {
				return c.tableError("attributes", i, "prefix", fmt.Sprintf("prefix: %q is not among the sets", s))
			}
		}
	}
	return nil
}

// headerError returns an error about the i-th header, or about key in it if key is not empty.
func (c *Config) headerError(i int, key, msg string) error {
	if c.origin != nil {
		i = c.origin[i]
	}
	return c.tableError("header", i, key, msg)
}

// tableError returns an error about the i-th table called full, or about key in it if key is
// not empty.
func (c *Config) tableError(full string, i int, key, msg string) error {
	if key != "" {
		full += "." + key
	}
	line := 0
	if c.line != nil {
		line = c.line(full, i)
	}
	return &ConfigError{c.name(), line, msg}
}

// name is the name of the configuration in messages.
func (c *Config) name() string {
	if c.file == "" {
		return "config"
	}
	return c.file
}

// lineOf returns the line of a key, or 0.
func (c *Config) lineOf(key string) int {
	if c.line == nil {
		return 0
	}
	return c.line(key, 0)
}

var (
	tableLine = pattern(`^\s*\[\[?\s*([\w."-]+)\s*\]\]?`)
	keyLine   = pattern(`^\s*([\w.-]+|"[^"]*")\s*=`)
)

// keyLines returns a function that finds the line of the index-th occurrence of a table or
// dotted key. If the key is missing, it finds the line of its table. The TOML library keeps
// no positions of keys. A line of a multi-line string may look like a key. Then the line
// number in a message is wrong.
func keyLines(text string) func(key string, index int) int {
	type place struct{ table, line int }
	var (
		found  = make(map[string][]place)
		counts = make(map[string]int)
		table  string
		n      int
	)
	for i, line := range strings.Split(text, "\n") {
		if m := tableLine().FindStringSubmatch(line); m != nil {
			table = strings.ReplaceAll(m[1], "\"", "")
			n = counts[table]
			counts[table]++
			found[table] = append(found[table], place{n, i + 1})
		} else if m := keyLine().FindStringSubmatch(line); m != nil {
			key := strings.ReplaceAll(m[1], "\"", "")
			if table != "" {
				key = table + "." + key
			}
			found[key] = append(found[key], place{n, i + 1})
		}
	}
	return func(key string, index int) int {
		for {
			for _, p := range found[key] {
				if p.table >= index {
					return p.line
				}
			}
			dot := strings.LastIndexByte(key, '.')
			if dot < 0 {
				return 0
			}
			key = key[:dot]
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// aptSource is one entry of apt's sources: some suites of one archive.
type aptSource struct {
	Types, URIs, Suites, Components []string
	// Options are the other fields, in order, as deb822 writes them, with
	// their continuation lines: Signed-By first of all.
	Options []string
}

// readAptSources reads the machine's entries, from sources.list and the files in
// sources.list.d. It skips files that it cannot read: apt reports those itself.
func readAptSources(list, parts string) []aptSource {
	var all []aptSource
	files := []string{list}
	for _, pattern := range []string{"*.list", "*.sources"} {
		found, _ := filepath.Glob(filepath.Join(parts, pattern))
		files = append(files, found...)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if strings.HasSuffix(file, ".sources") {
			all = append(all, parseDeb822(data)...)
		} else {
			all = append(all, parseOneLine(data)...)
		}
	}
	return all
}

// parseOneLine parses the one-line style: deb [options] uri suite component...
func parseOneLine(data []byte) []aptSource {
	var all []aptSource
	for line := range bytes.Lines(data) {
		text, _, _ := strings.Cut(string(line), "#")
		text = strings.TrimSpace(strings.ReplaceAll(text, "\t", " "))
		typ, rest, _ := strings.Cut(text, " ")
		if typ != "deb" && typ != "deb-src" {
			continue
		}
		s := aptSource{Types: []string{typ}}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				continue
			}
			for opt := range strings.FieldsSeq(rest[1:end]) {
				key, value, _ := strings.Cut(opt, "=")
				if field := deb822Field(key); field != "" {
					s.Options = append(s.Options, field+": "+strings.ReplaceAll(value, ",", " "))
				}
			}
			rest = rest[end+1:]
		}
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			continue
		}
		s.URIs, s.Suites, s.Components = fields[:1], fields[1:2], fields[2:]
		all = append(all, s)
	}
	return all
}

// deb822Field returns the deb822 name of an option of the one-line form. It
// leaves out options that choose what is fetched, since the workbench chooses
// that.
func deb822Field(option string) string {
	switch option {
	case "signed-by":
		return "Signed-By"
	case "trusted":
		return "Trusted"
	case "check-valid-until":
		return "Check-Valid-Until"
	case "allow-insecure":
		return "Allow-Insecure"
	case "by-hash":
		return "By-Hash"
	}
	return ""
}

// parseDeb822 reads the form of .sources files.
func parseDeb822(data []byte) []aptSource {
	var all []aptSource
	var s aptSource
	enabled, field := true, ""
	flush := func() {
		if enabled && len(s.URIs) > 0 && len(s.Suites) > 0 {
			all = append(all, s)
		}
		s, enabled, field = aptSource{}, true, ""
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := strings.TrimRight(sc.Text(), " \t\r")
		switch {
		case line == "":
			flush()
			continue
		case strings.HasPrefix(line, "#"):
			continue
		}
		value := line
		if line[0] != ' ' && line[0] != '\t' {
			field, value, _ = strings.Cut(line, ":")
		}
		words := strings.Fields(value)
		switch strings.ToLower(field) {
		case "types":
			s.Types = append(s.Types, words...)
		case "uris":
			s.URIs = append(s.URIs, words...)
		case "suites":
			s.Suites = append(s.Suites, words...)
		case "components":
			s.Components = append(s.Components, words...)
		case "enabled":
			enabled = !slices.ContainsFunc(words, func(w string) bool {
				return slices.Contains([]string{"no", "false", "off", "0", "without", "disable"}, strings.ToLower(w))
			})
		case "signed-by", "trusted", "check-valid-until", "valid-until-max", "allow-insecure", "by-hash":
			s.Options = append(s.Options, line)
		}
	}
	flush()
	return all
}

// debianSuites are the first words of the suites in Debian's own archives.
var debianSuites = []string{
	"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid",
	"bullseye", "bookworm", "trixie", "forky", "duke", "rc-buggy", "experimental",
}

// isDebian guesses whether s is Debian's archive and not a third-party one.
func (s *aptSource) isDebian() bool {
	return slices.Contains(s.Components, "main") && slices.ContainsFunc(s.Suites, func(suite string) bool {
		first, _, _ := strings.Cut(suite, "-")
		first, _, _ = strings.Cut(first, "/")
		return slices.Contains(debianSuites, first)
	})
}

// isSecurity reports whether s is the archive of security updates, which has a separate
// address.
func (s *aptSource) isSecurity() bool {
	return slices.ContainsFunc(s.Suites, func(suite string) bool {
		return strings.Contains(suite, "-security") || strings.HasSuffix(suite, "/updates")
	})
}

// forSuite makes entries for a suite from the machine's entries, with the same mirror
// and keys. It returns nil if the machine has no suitable entry.
func forSuite(have []aptSource, suite string) []aptSource {
	security := strings.HasSuffix(suite, "-security")
	var made []aptSource
	for _, s := range have {
		if !s.isDebian() || s.isSecurity() != security {
			continue
		}
		s.Suites, s.Components = []string{suite}, []string{"main"}
		return []aptSource{s}
	}
	if !security {
		return made
	}
	// No security archive is configured: by convention it is next to the main archive.
	for _, s := range forSuite(have, strings.TrimSuffix(suite, "-security")) {
		var uris []string
		for _, uri := range s.URIs {
			if base, ok := strings.CutSuffix(strings.TrimRight(uri, "/"), "/debian"); ok {
				uris = append(uris, base+"/debian-security")
			}
		}
		if s.URIs = uris; len(uris) > 0 {
			s.Suites = []string{suite}
			made = append(made, s)
		}
	}
	return made
}

// forArch returns the entries limited to packages of one architecture.
func forArch(entries []aptSource, arch string) []aptSource {
	limited := slices.Clone(entries)
	for i := range limited {
		limited[i].Options = append(slices.Clone(limited[i].Options), "Architectures: "+arch)
	}
	return limited
}

// own returns the entries that are Debian's, or all if none is.
func own(have []aptSource) []aptSource {
	var debian []aptSource
	for _, s := range have {
		if s.isDebian() {
			debian = append(debian, s)
		}
	}
	if debian == nil {
		return have
	}
	return debian
}

// formatSources writes entries as a .sources file, all of the given type.
func formatSources(entries []aptSource, typ string) []byte {
	var b bytes.Buffer
	seen := map[string]bool{}
	for _, s := range entries {
		var e bytes.Buffer
		e.WriteString("Types: " + typ + "\n")
		e.WriteString("URIs: " + strings.Join(s.URIs, " ") + "\n")
		e.WriteString("Suites: " + strings.Join(s.Suites, " ") + "\n")
		if len(s.Components) > 0 {
			e.WriteString("Components: " + strings.Join(s.Components, " ") + "\n")
		}
		for _, opt := range s.Options {
			e.WriteString(opt + "\n")
		}
		// A deb and a deb-src line of one suite become the same entry.
		if !seen[e.String()] {
			seen[e.String()] = true
			b.Write(e.Bytes())
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

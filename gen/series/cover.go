// SPDX-License-Identifier: GPL-2.0-only OR MIT

package series

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

const (
	// CoverName is the file with the cover letter's text. Its subject is the
	// series' title.
	CoverName = "cover.md"
	// ChangelogName is the file with the changes of each version.
	ChangelogName = "changelog.md"
)

// Changelog lists the changes of each version, the newest first.
type Changelog []Entry

// Entry lists the changes of one version.
type Entry struct {
	Version int
	// Text is without empty lines at its ends; it may be empty.
	Text string
}

// For returns the text about a version, or "".
func (c Changelog) For(version int) string {
	for _, e := range c {
		if e.Version == version {
			return e.Text
		}
	}
	return ""
}

// leadingComment matches the HTML comments at the top of a text, which are not sent:
// the licence line, and rules for the author.
var leadingComment = lazyregexp.New(`(?s)\A(?:\s*<!--.*?-->)+\s*`)

// loadCover reads a cover letter, or "" if there is none. A first line with the series'
// title is the subject and is not sent again.
func loadCover(dir, title string) (string, error) {
	text, err := readText(filepath.Join(dir, CoverName))
	if body, ok := strings.CutPrefix(text, title+"\n\n"); ok {
		text = strings.TrimLeft(body, "\n")
	}
	return text, err
}

// readText returns a text file without the comments at its top, or "" if there is none.
func readText(path string) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("load series: %w", err)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	return strings.Trim(leadingComment.ReplaceAllString(text, ""), "\n"), nil
}

var entryHead = lazyregexp.New(`^## v([1-9]\d{0,3})$`)

func loadChangelog(dir string) (Changelog, error) {
	path := filepath.Join(dir, ChangelogName)
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	log, err := parseChangelog(text)
	if err != nil {
		return nil, &FileError{File: path, Err: err}
	}
	return log, nil
}

// parseChangelog reads a section per version, "## vN".
func parseChangelog(text string) (Changelog, error) {
	var log Changelog
	for i, line := range strings.Split(text, "\n") {
		if m := entryHead.FindStringSubmatch(strings.TrimRight(line, " \t")); m != nil {
			v, _ := strconv.Atoi(m[1])
			if slices.ContainsFunc(log, func(e Entry) bool { return e.Version == v }) {
				return nil, fmt.Errorf("v%d has two entries", v)
			}
			log = append(log, Entry{Version: v})
			continue
		}
		if len(log) == 0 {
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "# ") {
				return nil, fmt.Errorf("line %d of the text: want a heading \"## vN\" first", i+1)
			}
			continue
		}
		log[len(log)-1].Text += line + "\n"
	}
	for i := range log {
		log[i].Text = strings.Trim(log[i].Text, "\n")
	}
	slices.SortFunc(log, func(a, b Entry) int { return b.Version - a.Version })
	return log, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"xpsgen/gen/series/mail"
	"xpsgen/vmtest/lazyregexp"
)

// maxUnpacked is the maximum size of an unpacked mbox, in bytes.
const maxUnpacked = 1 << 30

// Source is a file of mails: an mbox or a single mail.
type Source struct {
	Name string
	Data []byte
}

// Open reads the file or directory at path. An mbox or a mail is one source.
// A maildir is a source per mail, from cur and new; any other directory is a
// source per file.
func Open(path string) ([]Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read replies: %w", err)
	}
	if !info.IsDir() {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read replies: %w", err)
		}
		return []Source{{path, data}}, nil
	}
	dirs := []string{path}
	if isDir(filepath.Join(path, "cur")) || isDir(filepath.Join(path, "new")) {
		dirs = []string{filepath.Join(path, "cur"), filepath.Join(path, "new")}
	}
	var list []Source
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read replies: %w", err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			// A symbolic link in a maildir is a mail, too.
			name := filepath.Join(dir, e.Name())
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("read replies: %w", err)
			}
			list = append(list, Source{name, data})
		}
	}
	return list, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Read reads all mails of a source. It returns the readable parts of a mail even if
// another part is not: they may have tags, and the headers connect other mails to the
// thread.
func Read(src Source) (list []*Message, unread []Unread) {
	data, err := unpack(src.Data)
	if err != nil {
		return nil, []Unread{{Source: src.Name, Err: err}}
	}
	mails := split(data)
	if len(mails) == 0 {
		return nil, []Unread{{Source: src.Name, Err: ErrNoMail}}
	}
	for i, one := range mails {
		m, err := parse(one)
		m.Source, m.N = src.Name, i+1
		if err != nil {
			unread = append(unread, Unread{src.Name, i + 1, m.ID, m.Subject, err})
			if m.ID == "" && m.Text == "" {
				continue
			}
		}
		list = append(list, m)
	}
	return list, unread
}

// unpack undoes gzip, which lore.kernel.org uses for its mboxes, and CRLF.
func unpack(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		if data, err = io.ReadAll(io.LimitReader(r, maxUnpacked)); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		if len(data) == maxUnpacked {
			return nil, fmt.Errorf("gzip: it unpacks to more than %d MiB", maxUnpacked>>20)
		}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !bytes.ContainsRune(data, '\n') {
		return bytes.ReplaceAll(data, []byte("\r"), []byte("\n")), nil
	}
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), nil
}

var (
	headerLine = lazyregexp.New(`^[!-9;-~]+[ \t]*:`)
	// undated matches the From line of programs that leave out the date.
	undated = lazyregexp.New(`^From (-|\S+@\S+)\s*$`)
	// transport matches a header that begins a mail after an undated line.
	transport = lazyregexp.New(`(?i)^(Return-Path|Received|Delivered-To|From|To|Date|Subject|Message-ID|MIME-Version|X-[!-9;-~]+):`)
)

// split splits an mbox. Between two mails is a line with "From ", a sender and a date. A
// header must follow, because text may have such a line.
func split(data []byte) [][]byte {
	var mails [][]byte
	start, blank := 0, true
	for at := 0; at < len(data); {
		line, after := cutLine(data, at)
		if bytes.HasPrefix(line, []byte("From ")) {
			next, _ := cutLine(data, after)
			begins := mail.IsFromLine(string(line)) && headerLine.Match(next) ||
				blank && undated.Match(line) && transport.Match(next)
			if begins && at > start {
				mails = append(mails, data[start:at])
				start = at
			}
		}
		blank = len(line) == 0
		at = after
	}
	if start < len(data) {
		mails = append(mails, data[start:])
	}
	kept := mails[:0]
	for _, m := range mails {
		if len(bytes.TrimSpace(m)) > 0 {
			kept = append(kept, m)
		}
	}
	return kept
}

// cutLine returns the line at a position without its end, and where the next
// one begins.
func cutLine(data []byte, at int) (line []byte, after int) {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		return data[at : at+i], at + i + 1
	}
	return data[at:], len(data)
}

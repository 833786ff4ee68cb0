// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"bytes"
	"fmt"
	"mime/quotedprintable"
	"slices"
	"strings"
)

// portable makes a mail that programs other than git read the same way, too.
//
// b4 up to 0.12 stops at a subject that is folded, when it reads a thread from
// a file: a subject is one line, however long. And whatever reads an mbox with
// Python's library, b4 among them, takes every line that begins with "From "
// for the beginning of a mail: a mail that has one is sent quoted-printable,
// in which the F can be written otherwise.
func portable(data []byte) ([]byte, error) {
	head, body, _ := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	for i := 1; i < len(lines); i++ {
		if strings.HasPrefix(lines[i-1], "Subject: ") && strings.HasPrefix(lines[i], " ") {
			lines[i-1] += lines[i]
			lines = slices.Delete(lines, i, i+1)
			i--
		}
	}
	if bytes.HasPrefix(body, []byte("From ")) || bytes.Contains(body, []byte("\nFrom ")) {
		var err error
		if body, err = quote(body); err != nil {
			return nil, err
		}
		lines = slices.DeleteFunc(lines, func(l string) bool {
			return strings.HasPrefix(l, "MIME-Version:") || strings.HasPrefix(l, "Content-")
		})
		lines = append(lines, "MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8",
			"Content-Transfer-Encoding: quoted-printable")
	}
	return append([]byte(strings.Join(lines, "\n")+"\n\n"), body...), nil
}

// quote encodes a body, and the F of "From " at the beginning of a line.
func quote(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	var out bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		line = append(bytes.TrimRight(line, "\r\n"), '\n')
		if rest, ok := bytes.CutPrefix(line, []byte("From ")); ok {
			out.WriteString("=46rom ")
			line = rest
		}
		out.Write(line)
	}
	return out.Bytes(), nil
}

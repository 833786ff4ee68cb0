// SPDX-License-Identifier: GPL-2.0-only OR MIT

package export

import (
	"bytes"
	"fmt"
	"mime/quotedprintable"
	"slices"
	"strings"
)

// portable changes a mail so that other programs read it in the same way as git.
//
// b4 up to 0.12 fails at a folded subject when it reads a thread from a file, so a
// subject is always one line. Programs that read an mbox with Python's library, such as
// b4, start a new mail at every line that begins with "From ". A mail with such a line
// is sent as quoted-printable, which can encode the F.
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
		return nil, fmt.Errorf("encode a mail: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode a mail: %w", err)
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

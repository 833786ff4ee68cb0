// SPDX-License-Identifier: GPL-2.0-only OR MIT

package mail

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
)

// decode undoes a transfer encoding. encoded is false if the text was not encoded.
func decode(text, encoding string) (plain string, encoded bool, err error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "7bit", "8bit", "binary":
		return text, false, nil
	case "quoted-printable":
		data, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text)))
		if err != nil {
			return "", true, fmt.Errorf("quoted-printable: %w", err)
		}
		return string(data), true, nil
	case "base64":
		packed := strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, text)
		data, err := base64.StdEncoding.DecodeString(packed)
		if err != nil {
			return "", true, errors.New("base64: it is damaged")
		}
		return string(data), true, nil
	}
	return "", true, fmt.Errorf("unknown encoding %q", encoding)
}

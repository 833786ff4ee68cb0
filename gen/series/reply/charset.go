// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	enc "golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// more are character sets that mail has and the web has not.
var more = map[string]enc.Encoding{
	"cp437": charmap.CodePage437, "ibm437": charmap.CodePage437,
	"cp850": charmap.CodePage850, "ibm850": charmap.CodePage850,
	"cp852": charmap.CodePage852, "ibm852": charmap.CodePage852,
	"cp858": charmap.CodePage858, "ibm00858": charmap.CodePage858,
}

// alias are names by which Python and mail programs call what the web calls
// otherwise.
var alias = map[string]string{
	"cp936": "gbk", "ms936": "gbk", "cp949": "euc-kr", "cp950": "big5", "cp932": "shift_jis", "sjis": "shift_jis",
	"utf_8": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-utf-8": "utf-8", "latin-1": "iso-8859-1", "ansi_x3.4-1968": "us-ascii",
	"iso8859_1": "iso-8859-1", "iso8859_15": "iso-8859-15", "8859_1": "iso-8859-1", "gb_2312-80": "gb2312", "big-5": "big5",
	"x-mac-roman": "macintosh", "default": "utf-8", "unknown-8bit": "utf-8", "x-unknown": "utf-8",
}

// encoding returns a character set, nil if it is unknown.
func encoding(name string) enc.Encoding {
	name = strings.ToLower(strings.Trim(name, " \t\"'"))
	// RFC 2231 puts a language behind it.
	name, _, _ = strings.Cut(name, "*")
	if e := more[name]; e != nil {
		return e
	}
	if other, ok := alias[name]; ok {
		name = other
	}
	e, err := htmlindex.Get(name)
	if err != nil || e == enc.Replacement {
		return nil
	}
	return e
}

// charsetReader decodes an encoded word. Bytes of an unknown character set
// become U+FFFD.
func charsetReader(name string, r io.Reader) (io.Reader, error) {
	if e := encoding(name); e != nil {
		return e.NewDecoder().Reader(r), nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return strings.NewReader(strings.ToValidUTF8(string(data), string(utf8.RuneError))), nil
}

// decodeText makes UTF-8 of a body. A body that is UTF-8 is taken as that if
// its character set is not named, is called ASCII, or is unknown. Otherwise
// bytes that do not belong to the character set become U+FFFD. The error says
// that all of the text is in doubt.
func decodeText(text, charset string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(charset))
	e := encoding(charset)
	ascii := name == "" || strings.Contains(name, "ascii") || e == nil
	if isASCII(text) && (ascii || e == nil) || ascii && utf8.ValidString(text) {
		return text, nil
	}
	if ascii {
		return strings.ToValidUTF8(text, string(utf8.RuneError)), nil
	}
	s, err := e.NewDecoder().String(text)
	if err != nil {
		return strings.ToValidUTF8(text, string(utf8.RuneError)), fmt.Errorf("%w: %q: %w", ErrCharset, charset, err)
	}
	return s, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0x1b {
			return false
		}
	}
	return true
}

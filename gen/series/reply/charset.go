// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// charsets are the character sets of mails. A set that programs confuse with a superset
// is decoded as the superset, as on the web (WHATWG Encoding): Latin-1 as windows-1252,
// GB 2312 as GBK.
//
// golang.org/x/text/encoding/htmlindex lacks the code pages and half of the names
// that programs use, and its tables of languages make the program 100 kB larger.
var charsets = map[string]encoding.Encoding{
	"utf-8": unicode.UTF8, "us-ascii": charmap.Windows1252, "iso-8859-1": charmap.Windows1252, "windows-1252": charmap.Windows1252,
	"iso-8859-2": charmap.ISO8859_2, "iso-8859-3": charmap.ISO8859_3, "iso-8859-4": charmap.ISO8859_4,
	"iso-8859-5": charmap.ISO8859_5, "iso-8859-6": charmap.ISO8859_6, "iso-8859-7": charmap.ISO8859_7,
	"iso-8859-8": charmap.ISO8859_8, "iso-8859-9": charmap.Windows1254, "iso-8859-10": charmap.ISO8859_10,
	"iso-8859-11": charmap.Windows874, "iso-8859-13": charmap.ISO8859_13, "iso-8859-14": charmap.ISO8859_14,
	"iso-8859-15": charmap.ISO8859_15, "iso-8859-16": charmap.ISO8859_16,
	"windows-874": charmap.Windows874, "windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251,
	"windows-1253": charmap.Windows1253, "windows-1254": charmap.Windows1254, "windows-1255": charmap.Windows1255,
	"windows-1256": charmap.Windows1256, "windows-1257": charmap.Windows1257, "windows-1258": charmap.Windows1258,
	"koi8-r": charmap.KOI8R, "koi8-u": charmap.KOI8U, "macintosh": charmap.Macintosh,
	"cp437": charmap.CodePage437, "cp850": charmap.CodePage850, "cp852": charmap.CodePage852, "cp855": charmap.CodePage855,
	"cp858": charmap.CodePage858, "cp866": charmap.CodePage866,
	"gbk": simplifiedchinese.GBK, "gb18030": simplifiedchinese.GB18030, "hz-gb-2312": simplifiedchinese.HZGB2312,
	"big5": traditionalchinese.Big5, "euc-kr": korean.EUCKR, "euc-jp": japanese.EUCJP,
	"iso-2022-jp": japanese.ISO2022JP, "shift_jis": japanese.ShiftJIS,
	"utf-16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
}

// alias are other names of the character sets, of IANA and of programs.
var alias = map[string]string{
	"utf8": "utf-8", "utf_8": "utf-8", "x-utf-8": "utf-8", "unicode-1-1-utf-8": "utf-8", "default": "utf-8",
	"ascii": "us-ascii", "ansi_x3.4-1968": "us-ascii", "646": "us-ascii",
	"latin1": "iso-8859-1", "latin-1": "iso-8859-1", "l1": "iso-8859-1", "8859_1": "iso-8859-1", "iso-ir-100": "iso-8859-1", "ibm819": "iso-8859-1",
	"latin2": "iso-8859-2", "latin5": "iso-8859-9", "latin9": "iso-8859-15", "latin-9": "iso-8859-15", "latin0": "iso-8859-15",
	"iso-8859-8-i": "iso-8859-8", "tis-620": "windows-874",
	"koi8": "koi8-r", "koi": "koi8-r", "koi8-ru": "koi8-u", "mac": "macintosh", "x-mac-roman": "macintosh", "macroman": "macintosh",
	"ibm437": "cp437", "ibm850": "cp850", "ibm852": "cp852", "ibm855": "cp855", "ibm00858": "cp858", "ibm858": "cp858", "ibm866": "cp866",
	"gb2312": "gbk", "gb_2312-80": "gbk", "gb_2312": "gbk", "csgb2312": "gbk", "euc-cn": "gbk", "x-gbk": "gbk", "cp936": "gbk", "ms936": "gbk", "windows-936": "gbk",
	"hz": "hz-gb-2312", "big-5": "big5", "big5-hkscs": "big5", "cp950": "big5", "x-x-big5": "big5", "csbig5": "big5",
	"ks_c_5601-1987": "euc-kr", "ks_c_5601": "euc-kr", "ksc5601": "euc-kr", "cp949": "euc-kr", "windows-949": "euc-kr", "uhc": "euc-kr", "cseuckr": "euc-kr",
	"sjis": "shift_jis", "shift-jis": "shift_jis", "x-sjis": "shift_jis", "cp932": "shift_jis", "ms_kanji": "shift_jis", "windows-31j": "shift_jis",
	"x-euc-jp": "euc-jp", "ujis": "euc-jp", "csiso2022jp": "iso-2022-jp", "iso-2022-jp-ms": "iso-2022-jp", "cp50220": "iso-2022-jp",
}

// charsetOf returns a character set, nil if it is unknown.
func charsetOf(name string) encoding.Encoding {
	name = strings.ToLower(strings.Trim(name, " \t\"'"))
	// In RFC 2231, an asterisk and a language follow.
	name, _, _ = strings.Cut(name, "*")
	if other, ok := alias[name]; ok {
		name = other
	}
	// "iso8859-1", "iso_8859-1", "iso8859_1:1987", "cp1252", "x-cp1252".
	if e := charsets[name]; e != nil {
		return e
	}
	if rest, ok := strings.CutPrefix(strings.ReplaceAll(name, "_", "-"), "iso"); ok {
		rest, _, _ = strings.Cut(strings.TrimPrefix(rest, "-"), ":")
		return charsets["iso-"+rest]
	}
	if rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "x-"), "cp"); ok {
		return charsets["windows-"+strings.TrimPrefix(rest, "-")]
	}
	return nil
}

// charsetReader decodes an encoded word. Bytes of an unknown character set
// become U+FFFD.
func charsetReader(name string, r io.Reader) (io.Reader, error) {
	if e := charsetOf(name); e != nil {
		return e.NewDecoder().Reader(r), nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return strings.NewReader(strings.ToValidUTF8(string(data), string(utf8.RuneError))), nil
}

// decodeText converts a body to UTF-8. It tries UTF-8 if the character set is not named, is
// ASCII, or is unknown. Bytes that do not belong to the character set become U+FFFD. After
// an error, all of the text is in doubt.
func decodeText(text, charset string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(charset))
	e := charsetOf(charset)
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

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package reply

import "testing"

func TestUnflow(t *testing.T) {
	for in, want := range map[string]string{
		"a \nb\nc":                           "a b\nc",
		" From x\n >y\n  z":                  "From x\n>y\n z",
		"> a \n> b\n>> c \n> d":              "> a b\n>> c \n> d",
		"a \n-- \nb":                         "a \n-- \nb",
		"a \r\nb\r\n":                        "a b\n",
		"Acked-by: A <a@b.c> \nb":            "Acked-by: A <a@b.c> \nb",
		"a \nAcked-by: A \n<a@b.c>":          "a \nAcked-by: A <a@b.c>",
		"a \n> b":                            "a \n> b",
		"":                                   "",
		"Acked-by: A <a@b.c>, Acked-by: \nB": "Acked-by: A <a@b.c>, Acked-by: B",
	} {
		if got := unflow(in, false); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := unflow("a  \nb \nc\n-- \n", true); got != "a bc\n-- \n" {
		t.Errorf("delsp: got %q", got)
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConfigErrors(t *testing.T) {
	tests := map[string]struct {
		text string
		want string
	}{
		"empty":             {"", "c.toml: package is not set"},
		"no header":         {`package = "x"`, "c.toml: no [[header]]"},
		"keyword":           {"package = \"func\"\n[[header]]\npath='a.h'", `c.toml:1: package "func" is not a Go identifier`},
		"syntax":            {"package = \"x\"\n[[header\n", "c.toml:3: expected '.' or ']' to end table name, but got '\\n' instead"},
		"wrong type":        {"package = \"x\"\n[[header]]\npath = 3\n", "c.toml:3: incompatible types: TOML value has type int64; destination has type string"},
		"unknown key":       {"package = \"x\"\nheadr = 1\n", `c.toml:2: unknown key "headr"`},
		"unknown in header": {"package = \"x\"\n[[header]]\npath = \"a.h\"\n[[header]]\npath = \"b.h\"\ninclde = [\"X\"]\n", `c.toml:6: unknown key "header.inclde"`},
		"unknown table":     {"package = \"x\"\n[tpyes]\nfoo = 1\n", `c.toml:2: unknown key "tpyes"`},
		"no path":           {"package = \"x\"\n[[header]]\npath = \"a.h\"\n\n[[header]]\n", "c.toml:5: header without path"},
		"absolute path":     {"package = \"x\"\n[[header]]\npath = \"/a.h\"\n", `c.toml:3: path "/a.h": want the form of an include line, as in "linux/if_link.h"`},
		"path out of root":  {"package = \"x\"\n[[header]]\npath = \"../a.h\"\n", `c.toml:3: path "../a.h": want the form of an include line, as in "linux/if_link.h"`},
		"injection":         {"package = \"x\"\n[[header]]\npath = \"a.h>\\n#include <b.h\"\n", `c.toml:3: path "a.h>\n#include <b.h": want the form of an include line, as in "linux/if_link.h"`},
		"twice":             {"package = \"x\"\n[[header]]\npath = \"a.h\"\n[[header]]\npath = \"a.h\"\n", `c.toml:5: header "a.h" is listed twice`},
		"same file":         {"package = \"x\"\n[[header]]\npath = \"linux/a_b.h\"\n[[header]]\npath = \"a/b.h\"\n", `c.toml:5: headers "linux/a_b.h" and "a/b.h" would both become a_b_uapi.go`},
		"bad pattern":       {"package = \"x\"\n[[header]]\npath = \"a.h\"\ninclude = [\"[\"]\n", `c.toml:4: include: bad pattern "["`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, err := ParseConfig("c.toml", []byte(tt.text))
			if cfg != nil || err == nil {
				t.Fatalf("got %v, %v", cfg, err)
			}
			var ce *ConfigError
			if !errors.As(err, &ce) {
				t.Errorf("error is a %T", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseConfig(t *testing.T) {
	got := mustConfig(t, "package = \"x\"\n[[header]]\npath = \"linux/if_link.h\"\ninclude = [\"IFLA_*\"]\nexclude = [\"IFLA_X\"]\nstructs = [\"*\"]\n")
	want := []HeaderConfig{{Path: "linux/if_link.h", Include: []string{"IFLA_*"}, Exclude: []string{"IFLA_X"}, Structs: []string{"*"}}}
	if diff := cmp.Diff(want, got.Headers); diff != "" || got.Package != "x" {
		t.Errorf("package %q (-want +got)\n%s", got.Package, diff)
	}
}

func TestLoadConfigMissing(t *testing.T) {
	if _, err := LoadConfig(t.TempDir() + "/none.toml"); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("package = \"x\"\n[[header]]\npath = \"a.h\"\n"))
	f.Add([]byte("package = \"x\"\n[[header]]\npath = \"a.h\"\ninclude = [\"[\"]\n"))
	f.Add([]byte("[header]\n\"a b\".c = '''\nx = 1\n'''\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := ParseConfig("f", text)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v", cfg, err)
		}
		if err != nil {
			var ce *ConfigError
			if !errors.As(err, &ce) || ce.Line < 0 {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if cfg.Package == "" || len(cfg.Headers) == 0 {
			t.Fatalf("accepted %+v", cfg)
		}
	})
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syzlang

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xpsgen/gen/uapi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const sampleConfig = `name = "hook"
headers = ["linux/a.h", "linux/b.h"]
[program]
type = "PROG"
attach-type = "AT"
[[request]]
messages = ["RTM_SETX", "RTM_GETX"]
header = "msg"
socket = "sock_x"
spec = "x"
set = "outer"
attribute = "hook"
[request.types]
fd = "fd_bpf_prog_hook"
[request.others]
O_Z = "nlattr[O_Z, int8]"
O_OTHER = "nlattr[O_OTHER, int32]"
`

const sampleSpec = `name: x
definitions:
  - {name: bits, type: flags, name-prefix: bit-, entries: [low, high]}
attribute-sets:
  - name: outer
    name-prefix: o-
    attributes:
      - {name: other, type: u32}
      - {name: hook, type: nest, nested-attributes: hook-attrs}
  - name: hook-attrs
    name-prefix: h-
    attributes:
      - {name: fd, type: s32}
      - {name: flags, type: u32, enum: bits}
      - {name: more-flags, type: u16, byte-order: big-endian, enum: bits}
      - {name: on, type: flag}
      - {name: name, type: string}
      - {name: raw, type: binary}
      - {name: deep, type: nest, nested-attributes: deep-attrs}
  - name: deep-attrs
    name-prefix: d-
    attributes:
      - {name: port, type: u16, byte-order: big-endian}
      - {name: byte, type: u8}
      - {name: again, type: nest, nested-attributes: hook-attrs}
`

var sampleConstants = map[string]uint64{
	"PROG": 1, "AT": 9, "O_HOOK": 2, "H_FD": 1, "H_FLAGS": 2, "H_MORE_FLAGS": 3, "H_ON": 4, "H_NAME": 5, "H_RAW": 6, "H_DEEP": 7,
	"D_PORT": 1, "D_BYTE": 2, "D_AGAIN": 3, "BIT_LOW": 1, "BIT_HIGH": 2,
}

func describe(config, spec string, constants map[string]uint64) ([]File, error) {
	c, err := ParseConfig("c.toml", []byte(config))
	if err != nil {
		return nil, err
	}
	s, err := uapi.ParseSpec("x", []byte(spec))
	if err != nil {
		return nil, err
	}
	return Describe(c, Input{Specs: map[string]*uapi.Spec{"x": s}, Constants: constants})
}

func TestDescribe(t *testing.T) {
	files, err := describe(sampleConfig, sampleSpec, sampleConstants)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		golden := filepath.Join("testdata", f.Name)
		if *update {
			if err := os.WriteFile(golden, f.Text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(f.Text)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f.Name, diff)
		}
	}
}

func TestDescribeErrors(t *testing.T) {
	without := func(name string) map[string]uint64 {
		m := maps.Clone(sampleConstants)
		delete(m, name)
		return m
	}
	moved := maps.Clone(sampleConstants)
	moved["H_ON"] = 5
	for name, tt := range map[string]struct {
		config, spec string
		constants    map[string]uint64
		want         string
	}{
		"attach type is not in the headers": {sampleConfig, sampleSpec, without("AT"), "AT is not in linux/a.h, linux/b.h"},
		"program type":                      {sampleConfig, sampleSpec, without("PROG"), "PROG is not in"},
		"attribute is not in the headers":   {sampleConfig, sampleSpec, without("D_BYTE"), "D_BYTE is not in"},
		"flag is not in the headers":        {sampleConfig, sampleSpec, without("BIT_HIGH"), "BIT_HIGH is not in"},
		"numbers differ":                    {sampleConfig, sampleSpec, moved, "H_ON is 5 in the headers and 4 in spec x"},
		"no set":                            {strings.Replace(sampleConfig, `"outer"`, `"nosuch"`, 1), sampleSpec, sampleConstants, "no attribute set nosuch"},
		"no attribute":                      {strings.Replace(sampleConfig, `attribute = "hook"`, `attribute = "nosuch"`, 1), sampleSpec, sampleConstants, "no attribute nosuch"},
		"no spec":                           {strings.Replace(sampleConfig, `spec = "x"`, `spec = "y"`, 1), sampleSpec, sampleConstants, "spec y was not read"},
		"type of no attribute":              {strings.Replace(sampleConfig, "[request.types]\n", "[request.types]\nnosuch = \"int8\"\n", 1), sampleSpec, sampleConstants, `has no attribute nosuch`},
		"unknown kind":                      {sampleConfig, strings.Replace(sampleSpec, "type: u8", "type: u9", 1), sampleConstants, `D_BYTE: no syzlang type for "u9"`},
		"no nested set":                     {sampleConfig, strings.Replace(sampleSpec, "nested-attributes: deep-attrs", "nested-attributes: nosuch", 1), sampleConstants, "no attribute set nosuch"},
		"no values":                         {sampleConfig, strings.Replace(sampleSpec, "enum: bits", "enum: nosuch", 1), sampleConstants, "has no values of nosuch"},
		"unknown key":                       {"x = 1\n" + sampleConfig, sampleSpec, sampleConstants, "unknown key x"},
		"no headers":                        {strings.Replace(sampleConfig, `headers = ["linux/a.h", "linux/b.h"]`, "", 1), sampleSpec, sampleConstants, "headers is missing"},
		"no messages":                       {strings.Replace(sampleConfig, `messages = ["RTM_SETX", "RTM_GETX"]`, "", 1), sampleSpec, sampleConstants, "request.messages is missing"},
		"bad name":                          {strings.Replace(sampleConfig, `"hook"`, `"Hook"`, 1), sampleSpec, sampleConstants, `name "Hook"`},
	} {
		if _, err := describe(tt.config, tt.spec, tt.constants); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sampleSpec = `name: sample
definitions:
  - {name: size, type: const, value: 4}
  - {name: color, type: enum, entries: [red, {name: dark-blue, doc: as at night}]}
  - {name: bits, type: flags, name-prefix: bit-, entries: [low]}
attribute-sets:
  -
    name: sample
    attributes:
      - {name: one, type: u32, enum: color}
      - {name: two-words, type: u16, byte-order: big-endian}
      - {name: ten, type: nest, value: 10, nested-attributes: inner-attrs, multi-attr: true}
      - {name: eleven, type: string}
  -
    name: part
    subset-of: sample
    attributes:
      - {name: ten}
  -
    name: inner-attrs
    name-prefix: in-
    attributes:
      - {name: a, type: flag, value: 0}
  -
    name: no-prefix
    attributes:
      - {name: b, type: s32}
`

func TestParseSpec(t *testing.T) {
	got, err := ParseSpec("s", []byte(sampleSpec))
	if err != nil {
		t.Fatal(err)
	}
	ten := Attr{Name: "ten", Const: "SAMPLE_A_TEN", Value: 10, Kind: "nest", Multi: true, Nest: "inner-attrs"}
	want := &Spec{Family: "sample", Enums: []*SpecEnum{
		{Name: "color", Consts: []string{"SAMPLE_COLOR_RED", "SAMPLE_COLOR_DARK_BLUE"}},
		{Name: "bits", Flags: true, Consts: []string{"BIT_LOW"}},
	}, Sets: []*AttrSet{
		{"sample", []Attr{
			{Name: "one", Const: "SAMPLE_A_ONE", Value: 1, Kind: "u32", Enum: "color"},
			{Name: "two-words", Const: "SAMPLE_A_TWO_WORDS", Value: 2, Kind: "u16", BigEndian: true},
			ten,
			{Name: "eleven", Const: "SAMPLE_A_ELEVEN", Value: 11, Kind: "string"},
		}},
		{"part", []Attr{ten}},
		{"inner-attrs", []Attr{{Name: "a", Const: "IN_A", Kind: "flag"}}},
		{"no-prefix", []Attr{{Name: "b", Const: "SAMPLE_A_NO_PREFIX_B", Value: 1, Kind: "s32"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseSpecErrors(t *testing.T) {
	const set = "name: x\nattribute-sets:\n  -\n    name: s\n"
	for name, tt := range map[string]struct{ text, want string }{
		"no yaml":        {"name: [", "s: yaml: "},
		"wrong shape":    {"name: x\nattribute-sets: 3\n", "s: yaml: "},
		"empty":          {"", "s: not a netlink specification: it has no name"},
		"twice":          {set + "  -\n    name: s\n", `s: attribute set "s" defined twice`},
		"no name":        {set + "    attributes:\n      - {type: u8}\n", "s: attribute set s: attribute without a name"},
		"no type":        {set + "    attributes:\n      - {name: a}\n", "s: attribute set s: a has no type"},
		"unknown parent": {set + "    subset-of: t\n", "s: attribute set s: subset of t, which is not defined before it"},
		"not in parent":  {set + "  -\n    name: t\n    subset-of: s\n    attributes:\n      - {name: a}\n", "s: attribute set t: a is not in s"},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := ParseSpec("s", []byte(tt.text))
			if spec != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want %s", spec, err, tt.want)
			}
		})
	}
}

// packageOf returns a package of constants.
func packageOf(values map[string]int) *Package {
	g := Group{}
	for _, name := range sortedKeys(values) {
		g.Consts = append(g.Consts, Constant{Name: name, Value: Value{Bits: uint64(int64(values[name])), Signed: true, Size: 4}})
	}
	return &Package{Name: "sample", Headers: []*Header{{Path: "linux/sample.h", Groups: []Group{g}}}}
}

func TestJoinSpecs(t *testing.T) {
	const config = "package = \"x\"\n[[header]]\npath = \"a.h\"\n[[attributes]]\nspec = \"sample\"\nsets = [\"sample\", \"inner-attrs\"]\n"
	good := map[string]int{"SAMPLE_A_ONE": 1, "SAMPLE_A_TEN": 10, "IN_A": 0}
	tests := map[string]struct {
		config string
		values map[string]int
		want   string
	}{
		"good":     {config: config, values: good},
		"differs":  {config: config, values: map[string]int{"SAMPLE_A_ONE": 2}, want: "spec sample: attribute one of sample is 1, but SAMPLE_A_ONE is 2 in the headers"},
		"negative": {config: config, values: map[string]int{"SAMPLE_A_ONE": -1}, want: "spec sample: attribute one of sample is 1, but SAMPLE_A_ONE is -1 in the headers"},
		"none":     {config: config, values: map[string]int{"SAMPLE_A_ONE": 1}, want: `test.toml:6: sets: no attribute of "inner-attrs" has a constant in the package, such as IN_A; prefix may say what they begin with`},
		"renamed":  {config: config + "prefix = { \"inner-attrs\" = \"other-\" }\n", values: map[string]int{"SAMPLE_A_ONE": 1, "OTHER_A": 0}},
		"taken":    {config: config, values: map[string]int{"Sample": 1, "SAMPLE_A_ONE": 1}, want: `test.toml:6: sets: the name Sample, for "sample", is taken`},
		"unknown":  {config: strings.Replace(config, "inner-attrs", "inner", 1), values: good, want: `test.toml:6: sets: sample has no attribute set "inner"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spec, err := ParseSpec("s", []byte(sampleSpec))
			if err != nil {
				t.Fatal(err)
			}
			p := packageOf(tt.values)
			err = p.joinSpecs(mustConfig(t, tt.config), []*Spec{spec})
			if tt.want != "" {
				if err == nil || err.Error() != tt.want {
					t.Errorf("got  %v\nwant %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			files, err := renderAttributes(p, Stamp{})
			if err == nil {
				err = (&parsedCode{set: token.NewFileSet()}).format(files)
			}
			if err != nil || len(files) != 1 || !strings.Contains(string(files[0].Content), "Kind: AttrU32},\n") {
				t.Errorf("rendered %s, %v", files, err)
			}
		})
	}
}

func TestReadSpecs(t *testing.T) {
	opt := Options{Config: mustConfig(t, "package = \"x\"\n[[header]]\npath = \"a.h\"\n[[attributes]]\nspec = \"sam-ple\"\nsets = [\"sample\"]\n")}
	asked := ""
	reader := func(err error, have string) SpecReader {
		return func(_ context.Context, name string) ([]byte, error) {
			asked += name + " "
			if name == have {
				return []byte(sampleSpec), nil
			}
			return nil, err
		}
	}
	for name, tt := range map[string]struct {
		read        SpecReader
		asked, want string
	}{
		"none":       {nil, "", "test.toml:4: attributes need the netlink specifications of a kernel tree; installed headers have none"},
		"missing":    {reader(fs.ErrNotExist, ""), "sam-ple sam_ple ", `test.toml:5: spec "sam-ple": the tree has no such netlink specification`},
		"other name": {reader(fmt.Errorf("no: %w", fs.ErrNotExist), "sam_ple"), "sam-ple sam_ple ", ""},
		"trouble":    {reader(errors.New("disk on fire"), ""), "sam-ple ", "spec sam-ple: disk on fire"},
	} {
		t.Run(name, func(t *testing.T) {
			asked, opt.Specs = "", tt.read
			specs, err := readSpecs(t.Context(), opt)
			if tt.want == "" && (err != nil || len(specs) != 1) || tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v, %v, want %q", specs, err, tt.want)
			}
			if asked != tt.asked {
				t.Errorf("asked for %q, want %q", asked, tt.asked)
			}
		})
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte(sampleSpec))
	f.Add([]byte("name: x\nattribute-sets:\n  - {name: s, subset-of: s}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := ParseSpec("f", text)
		if (spec == nil) == (err == nil) {
			t.Fatalf("got %v and %v", spec, err)
		}
		if err == nil && spec.Family == "" {
			t.Fatalf("accepted %+v", spec)
		}
	})
}

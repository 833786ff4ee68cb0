// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	requireCompiler(t, "clang")
	opt := sample(t, t.TempDir())
	res, err := Generate(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	vopt := VerifyOptions{Include: opt.Include, Compilers: []string{"gcc", "clang"}}
	got, err := Verify(t.Context(), res.Packages[0], res.Rendered, vopt)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.Failures {
		t.Error(f)
	}
	// Expressions that clang rejects as constants are verified in another way.
	if len(got.Undecided) != 0 {
		t.Errorf("undecided %v", got.Undecided)
	}
	if got.Constants != res.Constants() || got.Sizes < 6 || got.Offsets < 20 || got.BitOffsets != 5 {
		t.Errorf("proved %d constants of %d, %d sizes, %d offsets, %d bit offsets", got.Constants, res.Constants(), got.Sizes, got.Offsets, got.BitOffsets)
	}
}

// TestVerifyFinds: each kind of assertion can fail.
func TestVerifyFinds(t *testing.T) {
	requireCompiler(t, "clang")
	for name, tt := range map[string]struct{ old, new, want string }{
		"number":      {"SAMPLE_PLUS     = 6", "SAMPLE_PLUS     = 7", "SAMPLE_PLUS"},
		"sign":        {"SAMPLE_NEGATIVE = -3", "SAMPLE_NEGATIVE = 3", "SAMPLE_NEGATIVE"},
		"width":       {"SAMPLE_BIT_TOP SampleBits = 0x80000000", "SAMPLE_BIT_TOP = 0x180000000", "SAMPLE_BIT_TOP"},
		"text":        {`"sample_v1\n"`, `"sample_v2\n"`, "SAMPLE_GENL"},
		"size":        {"	A uint16\n	_ [2]byte\n	B Le32\n", "	A uint16\n	_ [2]byte\n	B Le32\n	C uint32\n", "sizeof(struct sample_inner)"},
		"offset":      {"	rawPort [2]byte\n	rawSize [4]byte\n", "	rawSize [4]byte\n	rawPort [2]byte\n", "offsetof(struct sample_packed, port)"},
		"typedef":     {"type SampleIdT uint32", "type SampleIdT uint64", "sizeof(sample_id_t)"},
		"no sign":     {"type SampleTimeT int64", "type SampleTimeT uint64", "(sample_time_t)-1"},
		"bit":         {"loadBits(unsafe.Pointer(&x.bits60), 4, 12)", "loadBits(unsafe.Pointer(&x.bits60), 5, 12)", "bits of hi in struct sample_all"},
		"bit width":   {"loadBits(unsafe.Pointer(&x.bits60), 4, 12)", "loadBits(unsafe.Pointer(&x.bits60), 4, 11)", "bits of hi in struct sample_all"},
		"bits gone":   {"loadBits(unsafe.Pointer(&x.bits60), 4, 12)", "readBits(unsafe.Pointer(&x.bits60), 4, 12)", "no method SampleAll.Hi"},
		"no constant": {"SAMPLE_OFFSET = 4", "SAMPLE_OFFSET = 5", "SAMPLE_OFFSET"},
		"undefined":   {"	SAMPLE_PLUS     = 6\n", "", "SAMPLE_PLUS"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := sample(t, t.TempDir())
			res, err := Generate(t.Context(), opt)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range res.Rendered {
				if f.Name == "sample_uapi.go" {
					if !bytes.Contains(f.Content, []byte(tt.old)) {
						t.Fatalf("no %q", tt.old)
					}
					res.Rendered[i].Content = bytes.Replace(f.Content, []byte(tt.old), []byte(tt.new), 1)
				}
			}
			got, err := Verify(t.Context(), res.Packages[0], res.Rendered, VerifyOptions{Include: opt.Include, Compilers: []string{"clang"}})
			if err != nil {
				t.Fatal(err)
			}
			about := func(f VerifyFailure) bool { return strings.Contains(f.Assertion, tt.want) }
			if !slices.ContainsFunc(got.Failures, about) {
				t.Errorf("got %v, want one about %s", got.Failures, tt.want)
			}
		})
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package litmus

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// never is what herd7 prints of a test without an execution that has the outcome.
const never = `Test detach Allowed
States 2
1:r0=0; 1:r1=0;
1:r0=1; 1:r1=1;
No
Witnesses
Positive: 0 Negative: 2
Condition exists (1:r0=1 /\ 1:r1=0)
Observation detach Never 0 2
Time detach 0.01
Hash=0123456789abcdef0123456789abcdef

`

// sometimes is the same of a twin.
const sometimes = `Test detach-no-reader Allowed
States 3
1:r0=0; 1:r1=0;
1:r0=1; 1:r1=0;
1:r0=1; 1:r1=1;
Ok
Witnesses
Positive: 1 Negative: 3
Flag data-race
Condition exists (1:r0=1 /\ 1:r1=0)
Observation detach-no-reader Sometimes 1 3
Time detach-no-reader 0.00
Hash=0123456789abcdef0123456789abcdef
`

func TestReadOutput(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       *verdict
	}{
		{never, "detach", &verdict{Observation: Never, Negative: 2, States: []string{"1:r0=0; 1:r1=0;", "1:r0=1; 1:r1=1;"}}},
		{sometimes, "detach-no-reader", &verdict{Observation: Sometimes, Positive: 1, Negative: 3, Flags: []string{"data-race"},
			States: []string{"1:r0=0; 1:r1=0;", "1:r0=1; 1:r1=0;", "1:r0=1; 1:r1=1;"}}},
	} {
		got, err := readOutput(c.text, c.name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// Output that lacks something, or that contradicts itself, is an error and no verdict.
func TestHostileOutput(t *testing.T) {
	if _, err := readOutput("", "detach"); !errors.Is(err, ErrHerd) {
		t.Errorf("empty: %v", err)
	}
	whole := strings.TrimRight(never, "\n")
	for i := range strings.Split(whole, "\n") {
		all := strings.Split(whole, "\n")
		cut := append(append([]string{}, all[:i]...), all[i+1:]...)
		for name, text := range map[string]string{
			"without line": strings.Join(cut, "\n"), "up to line": strings.Join(all[:i], "\n"),
			"line twice": strings.Join(append(append([]string{}, all[:i+1]...), all[i:]...), "\n"),
		} {
			if v, err := readOutput(text, "detach"); !errors.Is(err, ErrHerd) {
				t.Errorf("%s %d %q: %+v, %v", name, i+1, all[i], v, err)
			}
		}
	}
	for name, edit := range map[string][2]string{
		"other test":         {"Test detach", "Test publish"},
		"other observation":  {"Observation detach", "Observation publish"},
		"other time":         {"Time detach", "Time publish"},
		"forbidden":          {"detach Allowed", "detach Forbidden"},
		"other clause":       {"Condition exists", "Condition ~exists"},
		"sometimes, none":    {"detach Never", "detach Sometimes"},
		"never, one":         {"Never 0 2", "Never 1 2"},
		"never, one both":    {"Positive: 0 Negative: 2", "Positive: 1 Negative: 2"},
		"other witnesses":    {"Negative: 2", "Negative: 3"},
		"ok":                 {"\nNo\n", "\nOk\n"},
		"other heading":      {"Witnesses", "Witness"},
		"unrolled":           {"\nNo\n", "\nLoop No\n"},
		"undefined":          {"\nNo\n", "\nUndef\n"},
		"no states":          {"States 2\n1:r0=0; 1:r1=0;\n1:r0=1; 1:r1=1;", "States 0"},
		"minus states":       {"States 2", "States -2"},
		"many states":        {"States 2", "States 999999999999"},
		"states of no count": {"States 2", "States two"},
		"more states":        {"States 2\n", "States 3\n1:r0=2; 1:r1=0;\n"},
		"long number":        {"Positive: 0", "Positive: 0000000000000000000000"},
		"after the end":      {"cdef\n\n", "cdef\nTest detach Allowed\n"},
	} {
		text := strings.Replace(never, edit[0], edit[1], 1)
		if text == never {
			t.Fatalf("%s: nothing replaced", name)
		}
		if v, err := readOutput(text, "detach"); !errors.Is(err, ErrHerd) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func FuzzReadOutput(f *testing.F) {
	f.Add(never)
	f.Add(strings.ReplaceAll(sometimes, "-no-reader", ""))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := readOutput(text, "detach")
		if err != nil {
			if v != nil || !errors.Is(err, ErrHerd) {
				t.Errorf("%v with %+v", err, v)
			}
			return
		}
		if v.Observation == Never && (v.Positive != 0 || v.Negative == 0) || len(v.States) == 0 {
			t.Errorf("%+v", v)
		}
	})
}

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		v    verdict
		want Verdict
		why  string
	}{
		"never":                   {verdict{Observation: Never, Negative: 1}, Never, ""},
		"never with a race":       {verdict{Observation: Never, Negative: 1, Flags: []string{"data-race"}}, Never, "herd7 finds a data race"},
		"sometimes, want never":   {verdict{Observation: Sometimes, Positive: 1, Negative: 2}, Never, "herd7 says Sometimes (1 of 3 executions), want Never"},
		"sometimes":               {verdict{Observation: Sometimes, Positive: 1, Negative: 2}, Sometimes, ""},
		"sometimes with a race":   {verdict{Observation: Sometimes, Flags: []string{"data-race"}}, Sometimes, ""},
		"never, want sometimes":   {verdict{Observation: Never, Negative: 1}, Sometimes, "herd7 says Never (0 of 1 executions), want Sometimes"},
		"always, want sometimes":  {verdict{Observation: always, Positive: 1}, Sometimes, "herd7 says Always (1 of 1 executions), want Sometimes"},
		"no race":                 {verdict{Observation: Never, Negative: 1}, DataRace, "herd7 finds no data race"},
		"race":                    {verdict{Observation: Never, Negative: 1, Flags: []string{"data-race"}}, DataRace, ""},
		"unbalanced":              {verdict{Observation: Sometimes, Flags: []string{"data-race", "unmatched-rcu-lock"}}, Sometimes, "herd7 warns of unmatched-rcu-lock"},
		"unbalanced and a race":   {verdict{Flags: []string{"data-race", "unmatched-rcu-lock"}}, DataRace, "herd7 warns of unmatched-rcu-lock"},
		"unbalanced, want never":  {verdict{Observation: Never, Flags: []string{"unmatched-rcu-unlock"}}, Never, "herd7 warns of unmatched-rcu-unlock"},
		"mixed accesses and race": {verdict{Observation: Never, Flags: []string{"mixed-accesses", "data-race"}}, Never, "herd7 warns of mixed-accesses; herd7 finds a data race"},
	} {
		if got := strings.Join(c.v.compare(c.want), "; "); got != c.why {
			t.Errorf("%s: %q, want %q", name, got, c.why)
		}
	}
}

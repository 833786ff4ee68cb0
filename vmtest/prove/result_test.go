// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const passes = `[{"program": "CBMC 6.6.0"}, {"messageText": "Type-checking", "messageType": "STATUS-MESSAGE"},
{"result": [{"property": "setlink.assertion.1", "description": "the program is set", "status": "SUCCESS",
	"sourceLocation": {"file": "rtnetlink.c", "function": "setlink", "line": "12"}}]},
{"cProverStatus": "success"}]`

func TestReadResult(t *testing.T) {
	ok := finding{ID: "setlink.assertion.1", Description: "the program is set", Status: Success,
		Where: location{File: "rtnetlink.c", Function: "setlink", Line: "12"}}
	for name, c := range map[string]struct {
		output string
		want   []finding
		err    string
	}{
		"success":        {passes, []finding{ok}, ""},
		"failure":        {strings.ReplaceAll(passes, "SUCCESS", "FAILURE"), []finding{{ok.ID, ok.Description, ok.Where, Failure, nil}}, ""},
		"syntax error":   {`[{"messageText": "file x.c line 3: syntax error\n", "messageType": "ERROR"}, {"messageText": "PARSING ERROR", "messageType": "ERROR"}]`, nil, "file x.c line 3: syntax error; PARSING ERROR"},
		"no result":      {`[{"program": "CBMC 6.6.0"}]`, nil, "no result"},
		"no properties":  {`[{"result": []}, {"cProverStatus": "success"}]`, nil, "no result"},
		"empty":          {"", nil, "not a JSON list"},
		"cut off":        {passes[:len(passes)-1], nil, "ends early"},
		"cut off inside": {passes[:60], nil, "read its output"},
		"not decided":    {strings.ReplaceAll(passes, "SUCCESS", "UNKNOWN"), nil, `property setlink.assertion.1 is "UNKNOWN"`},
		"unknown after a failure": {strings.Replace(passes, `{"result": [`, `{"result": [{"property": "a", "status": "FAILURE"}, {"property": "b", "status": "UNKNOWN"}, `, 1),
			[]finding{{ID: "a", Status: Failure}, {ID: "b", Status: Unknown}, ok}, ""},
		"unknown without a failure": {strings.Replace(passes, `{"result": [`, `{"result": [{"property": "a", "status": "FAILURE", "description": "the operation can end"}, {"property": "b", "status": "UNKNOWN"}, `, 1),
			nil, `property b is "UNKNOWN"`},
		"stops at a failure": {`[{"description": "zero", "property": "main.assertion.1", "status": "failed", "trace": []}, {"cProverStatus": "failure"}]`,
			[]finding{{"main.assertion.1", "zero", location{Function: "main"}, Failure, []step{}}}, ""},
		"text": {"usage: cbmc", nil, "not a JSON list"},
	} {
		got, err := readResult(strings.NewReader(c.output))
		if c.err == "" {
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			continue
		}
		if !errors.Is(err, ErrChecker) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
}

// A trace is shown as the lines that the model printed.
func TestWords(t *testing.T) {
	const trace = `[{"result": [{"property": "a", "status": "FAILURE", "trace": [
{"stepType": "assignment", "lhs": "x", "value": {"data": "1"}},
{"stepType": "output", "outputID": "RTM_SETLINK on $device: fd $int, flags $flags, expected id $int, malformed $bool", "values": [
	{"name": "pointer", "data": "device_b"}, {"name": "integer", "data": "-1"}, {"name": "integer", "data": "3"},
	{"name": "integer", "data": "1000"}, {"name": "boolean", "data": false}]},
{"stepType": "output", "outputID": "it returns $errno", "values": [{"name": "integer", "data": "-16"}]},
{"stepType": "output", "outputID": "it returns $errno", "values": [{"name": "integer", "data": "3"}]},
{"stepType": "output", "outputID": "new $prog, expected $prog, $link on $device", "values": [
	{"name": "pointer", "data": "prog_a"}, {"name": "pointer", "data": "((struct bpf_prog *)NULL)"},
	{"name": "pointer", "data": "&room_a.link"}, {"name": "pointer", "data": "NULL"}]}]}]},
{"cProverStatus": "failure"}]`
	findings, err := readResult(strings.NewReader(trace))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"RTM_SETLINK on device b: fd -1, flags noexist|replace, expected id absent, malformed no",
		"it returns -EBUSY",
		"it returns 3",
		"new program a, expected no program, link a on no device",
	}
	if diff := cmp.Diff(want, words(findings[0].Trace)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzReadResult(f *testing.F) {
	f.Add(passes)
	f.Fuzz(func(t *testing.T, text string) {
		findings, err := readResult(strings.NewReader(text))
		if err == nil && len(findings) == 0 {
			t.Error("a verdict without findings")
		}
		for _, f := range findings {
			words(f.Trace)
		}
	})
}

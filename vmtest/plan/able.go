// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

// Able returns the named tests that need no patch, or a patch whose key is in keys.
func Able(names []string, keys map[string]bool) []string {
	var able []string
	for _, n := range names {
		if t, ok := Find(n); ok && (t.Needs == "" || keys[t.Needs]) {
			able = append(able, n)
		}
	}
	return able
}

// hookKey is the patch that most tests of the hook need: a program can be attached.
const hookKey = "rtnetlink"

// hookGroup is the group of tests about what the return value does to packets.
const hookGroup = "hook"

// ForLoader returns the named tests that make sense with an alternative to the
// hook: the tests of the base kernel, and the tests of the group hook that only
// attach programs.
func ForLoader(names []string) []string {
	var able []string
	for _, n := range names {
		if t, ok := Find(n); ok && (t.Baseline || t.Group == hookGroup && t.Needs == hookKey && !socketFilterOnly[t.Name]) {
			able = append(able, n)
		}
	}
	return able
}

// socketFilterOnly tests are about details of the hook, which alternatives do not have.
var socketFilterOnly = map[string]bool{
	"a14-the-program-finds-cb-zeroed-and-leaves-it-as-it-was": true,
	"d19-the-static-key-follows-the-programs":                 true,
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package record

import "testing"

func TestValidPattern(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"": true, "none/xmit": true, "xps-*/xmit": true, "*/*": true,
		"nosuch": false, "nosuch/*": false, "[": false, "none/*/x": false,
	} {
		if err := ValidPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

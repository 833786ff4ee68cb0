// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prepare

import (
	"errors"
	"strings"
	"testing"

	"xpsgen/vmtest/testenv"
)

func TestBases(t *testing.T) {
	root := testenv.Root(t)
	for name, want := range map[string]string{"all": "net-next 6.12", "6.12": "6.12", "net-next": "net-next"} {
		got, err := Bases(root, name)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := Bases(root, "5.4"); !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), "net-next, 6.12") {
		t.Errorf("got %v", err)
	}
}

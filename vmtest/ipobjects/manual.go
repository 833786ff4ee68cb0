// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"context"
	"fmt"
	"strings"

	"xpsgen/vmtest/prepare"
)

// manualPage is the page of ip link in the source of iproute2.
const manualPage = "man/man8/ip-link.8.in"

// examples returns the commands with xps in the section EXAMPLES of the manual page.
func examples(ctx context.Context, s *prepare.Source) ([]string, error) {
	src, err := s.OpenIP(ctx)
	if err != nil {
		return nil, err
	}
	page, err := src.Show(ctx, manualPage)
	if err != nil {
		return nil, err
	}
	return examplesOf(string(page))
}

func examplesOf(page string) ([]string, error) {
	_, text, ok := strings.Cut(page, "\n.SH \"EXAMPLES\"\n")
	if !ok {
		_, text, ok = strings.Cut(page, "\n.SH EXAMPLES\n")
	}
	if !ok {
		return nil, fmt.Errorf("%s: no section EXAMPLES", manualPage)
	}
	var all []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.ReplaceAll(line, `\-`, "-"))
		if strings.HasPrefix(line, "ip ") && strings.Contains(line, " xps ") {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no example with xps", manualPage)
	}
	return all, nil
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

// specOf maps headers to the specs that describe their attributes.
var specOf = map[string]string{
	"include/uapi/linux/if_link.h":   "Documentation/netlink/specs/rt-link.yaml",
	"include/uapi/linux/if_addr.h":   "Documentation/netlink/specs/rt-addr.yaml",
	"include/uapi/linux/neighbour.h": "Documentation/netlink/specs/rt-neigh.yaml",
	"include/uapi/linux/pkt_sched.h": "Documentation/netlink/specs/tc.yaml",
	"include/uapi/linux/pkt_cls.h":   "Documentation/netlink/specs/tc.yaml",
	"include/uapi/linux/fib_rules.h": "Documentation/netlink/specs/rt-rule.yaml",
}

// attribute matches an enumerator that names a netlink attribute.
var attribute = lazyregexp.New(`^\s+((?:IFLA|IFA|NDA|NDTPA|TCA|FRA|RTA)_\w+)(?:\s*=[^,]*)?,`)

// notAttributes matches names in such enums that are not attributes.
var notAttributes = lazyregexp.New(`(_UNSPEC|_MAX|_PAD)$|^__|_FLAGS?_`)

func checkUAPISpec(ctx context.Context, j *job) (Result, error) {
	var missing []string
	n := 0
	for _, p := range j.Patches {
		for _, f := range p.Files {
			spec, ok := specOf[f.New]
			if !ok {
				continue
			}
			text, _, err := j.repo.show(ctx, j.Head(), spec)
			if err != nil {
				return Result{}, err
			}
			for _, l := range added([]*File{f}, anyFile) {
				m := attribute.FindStringSubmatch(l.Text)
				if m == nil || notAttributes.MatchString(m[1]) {
					continue
				}
				n++
				if !inSpec(text, m[1]) {
					missing = append(missing, fmt.Sprintf("%s (patch %d) is not in %s", m[1], p.N, spec))
				}
			}
		}
	}
	if len(missing) > 0 {
		return fail("%s", missing[0]).with(missing...), nil
	}
	if n == 0 {
		return pass("no new attributes"), nil
	}
	return pass("%d new attributes are in their spec", n), nil
}

// inSpec reports whether a spec has an attribute. A spec omits the common prefix of its
// names, so IFLA_XPS_FD is "xps-fd" or "fd".
func inSpec(spec, enumerator string) bool {
	name := strings.ToLower(strings.ReplaceAll(enumerator, "_", "-"))
	for {
		_, rest, ok := strings.Cut(name, "-")
		if !ok {
			return false
		}
		name = rest
		if regexp.MustCompile(`(?m)^\s*(?:-\s+)?name:\s+` + regexp.QuoteMeta(name) + `\s*$`).MatchString(spec) {
			return true
		}
	}
}

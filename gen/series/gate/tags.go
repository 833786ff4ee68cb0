// SPDX-License-Identifier: GPL-2.0-only OR MIT

package gate

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"xpsgen/vmtest/lazyregexp"
)

var releaseTag = lazyregexp.New(`^(?:refs/tags/)?v(\d+)\.(\d+)(-rc(\d+))?$`)

// release is a mainline tag: major.minor, or its release candidate rc.
type release struct{ major, minor, rc int }

// after reports whether r is newer than o. A candidate is older than its release.
func (r release) after(o release) bool {
	switch {
	case r.major != o.major:
		return r.major > o.major
	case r.minor != o.minor:
		return r.minor > o.minor
	case (r.rc == 0) != (o.rc == 0):
		return r.rc == 0
	}
	return r.rc > o.rc
}

// ParseTags derives the state of trees that take features from a list of tags, one per
// line, as git tag or git ls-remote prints it. A release closes them, and the first
// candidate of the next release opens them again. Other tags are ignored.
func ParseTags(r io.Reader) (State, error) {
	var last release
	found := false
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) == 0 {
			continue
		}
		m := releaseTag.FindStringSubmatch(f[len(f)-1])
		if m == nil {
			continue
		}
		t := release{}
		t.major, _ = strconv.Atoi(m[1])
		t.minor, _ = strconv.Atoi(m[2])
		t.rc, _ = strconv.Atoi(m[4])
		if !found || t.after(last) {
			last, found = t, true
		}
	}
	if err := sc.Err(); err != nil {
		return Unknown, fmt.Errorf("read tags: %w", err)
	}
	switch {
	case !found:
		return Unknown, fmt.Errorf("read tags: no mainline release, such as v7.3 or v7.4-rc1")
	case last.rc == 0:
		return Closed, nil
	}
	return Open, nil
}

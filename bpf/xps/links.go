// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"context"
	"errors"

	"github.com/cilium/ebpf"
	ebpflink "github.com/cilium/ebpf/link"
)

// Links returns the links to the hook in all network namespaces, in the order of
// their ids. It needs CAP_SYS_ADMIN.
//
// The error wraps [ErrPermission].
func Links(ctx context.Context) ([]LinkInfo, error) {
	infos, err := await(ctx, work[[]LinkInfo]{do: allLinks, release: func() {}})
	return infos, newError(opInfo, 0, err)
}

func allLinks() ([]LinkInfo, error) {
	var it ebpflink.Iterator
	defer it.Close()
	var infos []LinkInfo
	for it.Next() {
		raw, ok := it.Link.(*ebpflink.RawLink)
		if !ok {
			continue
		}
		info, err := linkInfo(raw)
		switch {
		case errors.Is(err, ErrNotLink):
		case err != nil:
			return nil, err
		default:
			infos = append(infos, info)
		}
	}
	return infos, answered(callLinkByID, it.Err())
}

// findLinks sets Via and LinkID of states.
func findLinks(ctx context.Context, op string, states []State) error {
	attached := false
	for _, s := range states {
		attached = attached || s.Attached
	}
	if !attached {
		return nil
	}
	infos, err := await(ctx, work[[]LinkInfo]{do: allLinks, release: func() {}})
	if err != nil {
		return newError(op, 0, err)
	}
	type key struct {
		ifindex int
		prog    ebpf.ProgramID
	}
	links := make(map[key]ebpflink.ID, len(infos))
	for _, l := range infos {
		links[key{l.Ifindex, l.ProgramID}] = l.ID
	}
	for i := range states {
		s := &states[i]
		if !s.Attached {
			continue
		}
		s.Via = ViaNetlink
		if id, ok := links[key{s.Ifindex, s.ProgramID}]; ok {
			s.Via, s.LinkID = ViaLink, id
		}
	}
	return nil
}

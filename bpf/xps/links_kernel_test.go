// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"slices"
	"testing"

	"xpsgen/bpf/xps"
)

// TestKernelVia: how a program was attached, and by which link.
func TestKernelVia(t *testing.T) {
	c := requireHook(t, nil)
	ctx := t.Context()
	d0, d1, d2 := mustAdd(t, "d0"), mustAdd(t, "d1"), mustAdd(t, "d2")
	requireLinks(t, d0)
	a := mustProgram(t, 1)
	l := mustLink(t, d0, a)
	info, err := l.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Attach(ctx, d1, a, nil); err != nil {
		t.Fatal(err)
	}
	states, err := c.List(ctx, &xps.ListOptions{Links: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]xps.State{
		d0: {Via: xps.ViaLink, LinkID: info.ID}, d1: {Via: xps.ViaNetlink}, d2: {}, 1: {},
	}
	for _, s := range states {
		if s.Via != want[s.Ifindex].Via || s.LinkID != want[s.Ifindex].LinkID {
			t.Errorf("%s: via %s %d, want %s %d", s.Name, s.Via, s.LinkID, want[s.Ifindex].Via, want[s.Ifindex].LinkID)
		}
		one, err := c.Query(ctx, s.Ifindex, &xps.QueryOptions{Links: true})
		if err != nil || one != s {
			t.Errorf("query %+v, %v, list %+v", one, err, s)
		}
	}
	links, err := xps.Links(ctx)
	if err != nil || !slices.Contains(links, info) {
		t.Errorf("links %+v, %v, want %+v among them", links, err, info)
	}
	again, err := xps.OpenLinkID(ctx, info.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	expectLink(t, again, d0, a)
}

func TestKernelFeatures(t *testing.T) {
	c := requireHook(t, nil)
	requireLinks(t, mustAdd(t, "d0"))
	got, err := c.Features(t.Context())
	if want := (xps.Features{Hook: true, Links: true}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

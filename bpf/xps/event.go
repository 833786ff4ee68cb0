// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"maps"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Event is a change of what is attached to a device.
type Event struct {
	// Ifindex and Name are the device, with the name it has now.
	Ifindex int
	Name    string
	// Old is the state before, New the state after the change. A device that
	// was not there before, or is there no longer, has no program in that
	// state.
	Old, New State
	// Removed: the device is gone from the network namespace. It went with
	// its program if it was deleted, and took it along if it moved to
	// another namespace.
	Removed bool
}

// table is what is known of the devices of a network namespace, by ifindex.
type table map[int]State

// update takes over the state of a device and returns the change, if what is
// attached has changed.
func (t table) update(now State) (Event, bool) {
	old, known := t[now.Ifindex]
	if !known {
		old = State{Ifindex: now.Ifindex, Name: now.Name}
	}
	t[now.Ifindex] = now
	return Event{Ifindex: now.Ifindex, Name: now.Name, Old: old, New: now}, old.ProgramID != now.ProgramID
}

// remove forgets a device and returns the change, if it had a program.
func (t table) remove(ifindex int) (Event, bool) {
	old, known := t[ifindex]
	delete(t, ifindex)
	if !known || !old.Attached {
		return Event{}, false
	}
	return Event{
		Ifindex: ifindex,
		Name:    old.Name,
		Old:     old,
		New:     State{Ifindex: ifindex, Name: old.Name},
		Removed: true,
	}, true
}

// replace takes over all of now and returns what it changes.
func (t table) replace(now table) []Event {
	var events []Event
	for _, ifindex := range slices.Sorted(maps.Keys(now)) {
		if e, changed := t.update(now[ifindex]); changed {
			events = append(events, e)
		}
	}
	for _, ifindex := range slices.Sorted(maps.Keys(t)) {
		if _, there := now[ifindex]; there {
			continue
		}
		if e, changed := t.remove(ifindex); changed {
			events = append(events, e)
		}
	}
	return events
}

// note takes over what notifications say and returns what it changes, up to
// the first one that cannot be read.
func (t table) note(msgs []netlink.Message) ([]Event, error) {
	var events []Event
	for _, m := range msgs {
		if m.Header.Type != uapi.RTM_NEWLINK && m.Header.Type != uapi.RTM_DELLINK {
			continue
		}
		l, err := parseLink(m.Data)
		if err != nil {
			return events, err
		}
		var e Event
		var changed bool
		switch {
		case l.family != unix.AF_UNSPEC:
			// A bridge about one of its ports. Its RTM_DELLINK means that the
			// device is a port no longer.
		case m.Header.Type == uapi.RTM_DELLINK:
			e, changed = t.remove(l.state.Ifindex)
		case l.nest:
			e, changed = t.update(l.state)
		}
		if changed {
			events = append(events, e)
		}
	}
	return events, nil
}

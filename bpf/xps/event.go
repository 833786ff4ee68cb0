// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps

import (
	"maps"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
)

// Event is a change of the program of a device.
type Event struct {
	// Ifindex and Name identify the device. Name is its current name.
	Ifindex int
	Name    string
	// Old and New are the states before and after the change. Their Via is
	// [ViaUnknown]. If the device did not exist at that time, the state has no program.
	Old, New State
	// Removed reports that the device left the network namespace. If the device
	// was deleted, it released its program. If it moved to another namespace, it
	// kept the program.
	Removed bool
}

// table has the known states of the devices of a network namespace, by ifindex.
type table map[int]State

// update stores the state of a device. It returns the change, and whether the program
// differs.
func (t table) update(now State) (Event, bool) {
	old, known := t[now.Ifindex]
	if !known {
		old = State{Ifindex: now.Ifindex, Name: now.Name, MaxQueues: now.MaxQueues}
	}
	t[now.Ifindex] = now
	return Event{Ifindex: now.Ifindex, Name: now.Name, Old: old, New: now}, old.ProgramID != now.ProgramID
}

// remove deletes a device and returns the change if it had a program.
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
		New:     State{Ifindex: ifindex, Name: old.Name, MaxQueues: old.MaxQueues},
		Removed: true,
	}, true
}

// replace makes t equal to now and returns the changes.
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

// note applies notifications and returns the changes, up to the first message
// that cannot be read.
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
			// From a bridge, about one of its ports. Its RTM_DELLINK means that
			// the device is no longer a port.
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

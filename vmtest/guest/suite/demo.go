// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"fmt"

	"github.com/cilium/ebpf"

	"xpsgen/bpf"
	"xpsgen/vmtest/guest/suite/check"
)

// hello is one of the RFC's programs, with its return value.
type hello struct {
	name string
	ret  int
}

func hellos() []hello {
	return []hello{{"hello0", 0}, {"hello1", 1}, {"hello2", 2}, {"hello_neg1", -1}}
}

// list returns the demonstration of the RFC's cover letter. c01 to c05 are its five
// transcripts, with their command lines.
func (e demoTests) list() check.Group {
	return check.Group{Name: "demo", Tests: []check.Test{
		{Name: "c01-tap-without-a-program-follows-xps-cpus", Needs: needsTunMaps, Run: func(t *check.T) {
			e.tapStation(t).expect("without a program", nil)
		}},
		{Name: "c02-tap-with-ret-0-uses-queue-0", Needs: needsTun, Run: e.tapByIP(hellos()[0])},
		{Name: "c03-tap-with-ret-1-uses-queue-1", Needs: needsTun, Run: e.tapByIP(hellos()[1])},
		{Name: "c04-tap-with-ret-2-of-two-queues-uses-queue-0", Needs: needsTun, Run: e.tapByIP(hellos()[2])},
		{Name: "c05-tap-with-ret-minus-1-follows-xps-cpus", Needs: needsTunMaps, Run: e.tapByIP(hellos()[3])},
		{Name: "c06-tap-programs-replace-each-other", Needs: needsTunMaps, Run: e.tapInARow},
		{Name: "c07-tap-shows-its-program-before-during-and-after", Needs: needsTun, Run: e.tapShow},
		{Name: "c08-tap-through-the-library", Needs: needsTunMaps, Run: func(t *check.T) { byLibrary(e.tapStation(t)) }},
		{Name: "c13-the-session-of-the-letter-runs-as-typed", Needs: needsTun, Run: e.letter},
		{Name: "c09-veth-through-the-library", Run: func(t *check.T) { byLibrary(e.vethStation(t)) }},
		{Name: "c10-dummy-through-the-library", Run: func(t *check.T) { byLibrary(e.dummyStation(t)) }},
		{Name: "c11-veth-by-ip", Run: func(t *check.T) { e.byIP(e.vethStation(t), hellos()[1]) }},
		{Name: "c12-dummy-by-ip", Run: func(t *check.T) { e.byIP(e.dummyStation(t), hellos()[1]) }},
	}}
}

// tapByIP is one transcript of the RFC.
func (e demoTests) tapByIP(h hello) func(*check.T) {
	return func(t *check.T) {
		s := e.tapStation(t)
		e.ipOK(t, fmt.Sprintf("ip link set dev tap0 xps obj %s.o sec hello", h.name))
		s.expect("with "+h.name, &h.ret)
	}
}

// byIP attaches a program with ip and then detaches it, which did not work in the RFC.
// After that xps_cpus selects the queue again.
func (e demoTests) byIP(s *station, h hello) {
	s.expect("before", nil)
	e.ipOK(s.t, fmt.Sprintf("ip link set dev %s xps obj %s.o sec hello", s.nic.name, h.name))
	s.expect("with "+h.name, &h.ret)
	e.ipOK(s.t, fmt.Sprintf("ip link set dev %s xps off", s.nic.name))
	s.expect("after off", nil)
}

// tapInARow replaces one program after the other without a pause.
func (e demoTests) tapInARow(t *check.T) {
	s := e.tapStation(t)
	for _, h := range hellos() {
		e.ipOK(t, fmt.Sprintf("ip link set dev tap0 xps obj %s.o sec hello", h.name))
		s.expect("with "+h.name, &h.ret)
	}
	e.ipOK(t, "ip link set dev tap0 xps off")
	s.expect("after off", nil)
}

// tapShow runs the command that the RFC lists as not working.
func (e demoTests) tapShow(t *check.T) {
	s := e.tapStation(t)
	check.Equal(t, "ip before", shownFor(0), e.showBriefly(t, s.nic))
	e.ipOK(t, "ip link set dev tap0 xps obj hello1.o sec hello")
	id := attached(t, s.nic)
	if id == 0 {
		t.Errorf("program after ip link set\n  expected: one\n  seen:     none")
	}
	check.Equal(t, "ip during", shownFor(id), e.show(t, s.nic))
	e.ipOK(t, "ip link set dev tap0 xps off")
	check.Equal(t, "ip after", shownFor(0), e.showBriefly(t, s.nic))
	expectGone(t, id, "ip link set xps off")
}

// byLibrary repeats the demonstration with bpf/xps.
func byLibrary(s *station) {
	s.expect("before", nil)
	for _, h := range hellos() {
		attach(s.t, s.nic, loadHello(s.t, h.name))
		s.expect("with "+h.name, &h.ret)
	}
	detach(s.t, s.nic)
	s.expect("after detaching", nil)
}

// loadHello loads one of the RFC's programs until the end of the test.
func loadHello(t *check.T, name string) *ebpf.Program {
	spec, err := bpf.Spec(name)
	t.Must(err, "read object")
	coll, err := ebpf.NewCollection(spec)
	t.Must(err, "load object")
	t.Cleanup(coll.Close)
	prog := coll.Programs[name]
	if prog == nil {
		t.Fatalf("object %s has no program of its name", name)
	}
	return prog
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xpsgen/uapi"
	"xpsgen/vmtest/guest/suite/check"
)

// specified is the IFLA_XPS of a link, decoded by the specification. An attribute that
// the kernel did not send is nil.
type specified struct {
	How        string
	Present    bool
	FD         *int32  `json:"fd"`
	Attached   *uint8  `json:"attached"`
	Flags      *uint32 `json:"flags"`
	ProgID     *uint32 `json:"prog_id"`
	ExpectedFD *int32  `json:"expected_fd"`
	ExpectedID *uint32 `json:"expected_id"`
}

func (s specified) String() string {
	text := fmt.Sprintf("present=%t", s.Present)
	for _, f := range []struct {
		name  string
		there bool
		value func() any
	}{
		{"fd", s.FD != nil, func() any { return *s.FD }},
		{"attached", s.Attached != nil, func() any { return *s.Attached }},
		{"flags", s.Flags != nil, func() any { return *s.Flags }},
		{"prog_id", s.ProgID != nil, func() any { return *s.ProgID }},
		{"expected_fd", s.ExpectedFD != nil, func() any { return *s.ExpectedFD }},
		{"expected_id", s.ExpectedID != nil, func() any { return *s.ExpectedID }},
	} {
		if f.there {
			text += fmt.Sprintf(" %s=%d", f.name, f.value())
		}
	}
	return text
}

// specificationDecodes decodes links by the kernel's specification, with the C code of
// the tree's generator. Before 6.16 the generator does not support route netlink. There it
// uses the table of package uapi, which is from the same specification.
func (e queryTests) specificationDecodes(t *check.T) {
	read := e.readByTable
	switch _, err := os.Stat(e.ynlPath); {
	case err == nil:
		t.Notef("decoded by the C code of the tree's tools/net/ynl")
		read = e.readByGenerated
	case !errors.Is(err, fs.ErrNotExist):
		t.Must(err, "look for the generated code")
	case kernelAtLeast(t, 6, 16):
		t.Fatalf("code generated from the specification\n  expected: %q\n  seen:     none", e.ynlPath)
	default:
		t.Notef("decoded by the table of package uapi: tools/net/ynl of this tree does not generate C for route netlink")
	}
	n := e.dummy(t, "dummy0", 2)
	prog, id := bigID(t)
	lib := client(t, nil)
	for _, step := range []struct {
		what   string
		change func() error
		want   string
	}{
		{"before", func() error { return nil }, "present=true attached=0"},
		{"attached", func() error { return lib.Attach(t.Context(), n.index, prog, nil) }, fmt.Sprintf("present=true attached=1 prog_id=%d", id)},
		{"detached", func() error { return lib.Detach(t.Context(), n.index, nil) }, "present=true attached=0"},
	} {
		t.Must(step.change(), step.what)
		all := read(t, n.index)
		check.Equal(t, step.what+": answers to get and dump", 2, len(all))
		for _, s := range all {
			check.Equal(t, step.what+": "+s.How, step.want, s.String())
		}
		state, err := lib.Query(t.Context(), n.index, nil)
		t.Must(err, "query")
		// Compare with the answer of the library.
		var told uint32
		if len(all) > 0 && all[0].ProgID != nil {
			told = *all[0].ProgID
		}
		check.Equal(t, step.what+": id, as the library tells", uint32(state.ProgramID), told)
	}
}

// readByGenerated runs the program with the generated code.
func (e ynlTool) readByGenerated(t *check.T, ifindex int) (all []specified) {
	cmd := exec.CommandContext(t.Context(), e.ynlPath, strconv.Itoa(ifindex))
	cmd.WaitDelay = t.Scaled(time.Second)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %d: %v\n%s%s", e.ynlPath, ifindex, err, &stdout, &stderr)
	}
	t.Logf("$ %s %d\n%s", e.ynlPath, ifindex, &stdout)
	for d := json.NewDecoder(&stdout); ; {
		var s specified
		err := d.Decode(&s)
		if errors.Is(err, io.EOF) {
			return all
		}
		t.Must(err, "read what the generated code says")
		all = append(all, s)
	}
}

// readByTable decodes each attribute by the table of the specification.
func (e ynlTool) readByTable(t *check.T, ifindex int) (all []specified) {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	t.Must(err, "dial")
	defer c.Close()
	header := make([]byte, unix.SizeofIfInfomsg)
	for how, flags := range map[string]netlink.HeaderFlags{"get": netlink.Request, "dump": netlink.Request | netlink.Dump} {
		if how == "get" {
			binary.NativeEndian.PutUint32(header[4:], uint32(ifindex))
		} else {
			clear(header)
		}
		messages, err := c.Execute(netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: flags}, Data: header})
		t.Must(err, "RTM_GETLINK")
		for _, m := range messages {
			if len(m.Data) < unix.SizeofIfInfomsg || int32(binary.NativeEndian.Uint32(m.Data[4:])) != int32(ifindex) {
				continue
			}
			s := specified{How: how}
			ad, err := netlink.NewAttributeDecoder(m.Data[unix.SizeofIfInfomsg:])
			t.Must(err, "attributes")
			for ad.Next() {
				if a, ok := tableEntry(uapi.LinkAttrs(), ad.Type()); ok && a.Name == "IFLA_XPS" {
					s.Present = true
					ad.Nested(func(ad *netlink.AttributeDecoder) error { return s.decode(ad, a.Nest()) })
				}
			}
			t.Must(ad.Err(), "attributes")
			all = append(all, s)
		}
	}
	return all
}

func tableEntry(table []uapi.Attr, typ uint16) (uapi.Attr, bool) {
	for _, a := range table {
		if a.Type == typ {
			return a, true
		}
	}
	return uapi.Attr{}, false
}

func (s *specified) decode(ad *netlink.AttributeDecoder, table []uapi.Attr) error {
	for ad.Next() {
		a, ok := tableEntry(table, ad.Type())
		if !ok {
			return fmt.Errorf("attribute %d in IFLA_XPS is not in the specification", ad.Type())
		}
		var (
			s32 int32
			u8  uint8
			u32 uint32
		)
		switch a.Kind {
		case uapi.AttrS32:
			s32 = ad.Int32()
		case uapi.AttrU8:
			u8 = ad.Uint8()
		case uapi.AttrU32:
			u32 = ad.Uint32()
		default:
			return fmt.Errorf("%s is of kind %v", a.Name, a.Kind)
		}
		switch a.Name {
		case "IFLA_XPS_FD":
			s.FD = &s32
		case "IFLA_XPS_ATTACHED":
			s.Attached = &u8
		case "IFLA_XPS_FLAGS":
			s.Flags = &u32
		case "IFLA_XPS_PROG_ID":
			s.ProgID = &u32
		case "IFLA_XPS_EXPECTED_FD":
			s.ExpectedFD = &s32
		case "IFLA_XPS_EXPECTED_ID":
			s.ExpectedID = &u32
		default:
			return fmt.Errorf("%s is not known to this test", a.Name)
		}
	}
	return nil
}

// kernelAtLeast reports whether the running kernel has at least this version.
func kernelAtLeast(t *check.T, major, minor int) bool {
	var u unix.Utsname
	t.Must(unix.Uname(&u), "uname")
	var a, b int
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b)
	t.Must(err, "read the kernel's version")
	return a > major || a == major && b >= minor
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xpsgen/bpf"
	"xpsgen/bpf/xps"
)

func attachCommand() *command {
	return &command{
		name: "attach", args: "DEVICE PROGRAM [options]", what: "attach a policy, an object file or a pinned program",
		help: `Attaches a program to DEVICE, and replaces any other. PROGRAM is one of

  --policy flow-hash [--queues 1-7] [--symmetric] [--inner vxlan,geneve] ...
  --policy cpu|mark|port|uid --map KEY=QUEUE,...
  --object FILE [--program NAME]
  --pinned PATH

Keys of --map: a CPU (0), a mark (0x10), a destination port (tcp/443), a source
port (tcp/443/source), or a user id (1000).

flow-hash uses only the queues of --queues. --min-queues N guarantees this as long
as at least N queues are in use. Attach fails if it cannot be guaranteed.

--expect none attaches only if the device has no program. --expect ID, or the path
of a pinned program, replaces only that program.

--link PATH attaches through a BPF link pinned at PATH, which must be in a BPF file
system. It fails if the device has a program. Netlink cannot replace or detach a
program that is attached through a link.`,
		do: attach,
	}
}

// attachOptions are the options of attach.
type attachOptions struct {
	common
	policy, object, program, pinned   string
	queues, inner, entries            string
	minQueues                         int
	symmetric, label, vlan, addresses bool
	udpAddresses, noStats, direct     bool
	seed                              uint
	mask                              string
	expect, linkPath                  string
	dryRun                            bool
}

func attach(ctx context.Context, c *call, args []string) error {
	var o attachOptions
	fs := c.flags(&o.common)
	fs.StringVar(&o.policy, "policy", "", "load the policy `NAME`: flow-hash, cpu, mark, port or uid")
	fs.StringVar(&o.object, "object", "", "load the program from this ELF `FILE`")
	fs.StringVar(&o.program, "program", "", "`NAME` of the program, if the ELF file has several")
	fs.StringVar(&o.pinned, "pinned", "", "use the program pinned at `PATH`")
	fs.StringVar(&o.queues, "queues", "", "flow-hash: `LIST` of queues to use (default all)")
	fs.IntVar(&o.minQueues, "min-queues", 0, "flow-hash: use only --queues as long as at least `N` queues are in use (default the smallest possible N)")
	fs.BoolVar(&o.symmetric, "symmetric", false, "flow-hash: use the same queue for both directions of a flow")
	fs.BoolVar(&o.label, "flow-label", false, "flow-hash: hash the IPv6 flow label instead of the ports")
	fs.BoolVar(&o.vlan, "vlan", false, "flow-hash: include the VLAN in the hash")
	fs.BoolVar(&o.addresses, "addresses-only", false, "flow-hash: do not include ports in the hash")
	fs.BoolVar(&o.udpAddresses, "udp-by-addresses", false, "flow-hash: ignore UDP ports, so that fragments use the queue of their flow")
	fs.StringVar(&o.inner, "inner", "", "flow-hash: tunnels whose inner flow is hashed: a `LIST` of ipip, gre, vxlan, geneve, or none (default ipip,gre)")
	fs.UintVar(&o.seed, "seed", 0, "flow-hash: seed `N` of the hash (default random)")
	fs.StringVar(&o.entries, "map", "", "cpu, mark, port, uid: `LIST` of KEY=QUEUE")
	fs.StringVar(&o.mask, "mask", "", "mark: `BITS` of the mark to use, such as 0xff00 (default all)")
	fs.BoolVar(&o.direct, "direct", false, "mark: use queue N-1 for a mark N that is not in the map")
	fs.BoolVar(&o.noStats, "no-stats", false, "load the policy without counters")
	fs.StringVar(&o.expect, "expect", "", "attach only if this program is attached: a program `ID`, the path of a pinned program, or none")
	fs.StringVar(&o.linkPath, "link", "", "attach through a BPF link pinned at `PATH`")
	fs.BoolVar(&o.dryRun, "dry-run", false, "load and check the program, but do not attach it")
	names, err := c.parse(fs, args)
	if err != nil {
		return err
	}
	if len(names) != 1 {
		return usagef("want one device, got %d", len(names))
	}
	if err := o.check(func(name string) bool { return given(fs, name) }); err != nil {
		return err
	}
	if err := o.enter(); err != nil {
		return err
	}
	client, err := xps.Dial(&xps.Config{Warn: func(w xps.Warning) {
		fmt.Fprintf(c.stderr, "xps attach: the kernel warns: %s\n", w.Message)
	}})
	if err != nil {
		return err
	}
	defer client.Close()
	s, err := find(ctx, client, names[0])
	if err != nil {
		return err
	}
	prog, closeProgram, err := o.load(c, s, given(fs, "seed"))
	if err != nil {
		return err
	}
	defer closeProgram()
	opt, closeExpected, err := conditions(o.expect)
	if err != nil {
		return err
	}
	defer closeExpected()
	if o.dryRun {
		return o.report(c, s, prog, "would attach")
	}
	if o.linkPath != "" {
		l, err := xps.AttachLink(ctx, s.Ifindex, prog, nil)
		if err != nil {
			return err
		}
		defer l.Close()
		if err := l.Pin(o.linkPath); err != nil {
			return fmt.Errorf("nothing is attached: %w", err)
		}
		return o.report(c, s, prog, "attached by link "+o.linkPath+",")
	}
	if err := client.Attach(ctx, s.Ifindex, prog, opt); err != nil {
		return err
	}
	return o.report(c, s, prog, "attached")
}

// check rejects options that exclude each other, and options without effect.
func (o *attachOptions) check(given func(string) bool) error {
	sources := 0
	for _, s := range []string{o.policy, o.object, o.pinned} {
		if s != "" {
			sources++
		}
	}
	if sources != 1 {
		return usagef("want exactly one of --policy, --object and --pinned")
	}
	for name, policies := range map[string]string{
		"queues": "flow-hash", "min-queues": "flow-hash", "symmetric": "flow-hash", "flow-label": "flow-hash",
		"vlan": "flow-hash", "addresses-only": "flow-hash", "udp-by-addresses": "flow-hash", "inner": "flow-hash",
		"seed": "flow-hash", "map": "cpu mark port uid", "mask": "mark", "direct": "mark",
		"no-stats": "flow-hash cpu mark port uid",
	} {
		allowed := false
		for p := range strings.FieldsSeq(policies) {
			allowed = allowed || p == o.policy
		}
		if given(name) && !allowed {
			return usagef("--%s is an option of --policy %s", name, strings.ReplaceAll(policies, " ", ", "))
		}
	}
	switch {
	case o.minQueues != 0 && o.queues == "":
		return usagef("--min-queues needs --queues")
	case o.program != "" && o.object == "":
		return usagef("--program needs --object")
	case o.linkPath != "" && o.expect != "" && o.expect != "none":
		return usagef("--link and --expect: a link never replaces a program; leave out --expect")
	case o.policy == "mark" && o.entries == "" && !o.direct:
		return usagef("--policy mark needs --map or --direct")
	case (o.policy == "cpu" || o.policy == "port" || o.policy == "uid") && o.entries == "":
		return usagef("--policy %s needs --map", o.policy)
	}
	return nil
}

// conditions reads --expect. The caller calls the function that it returns, which closes
// the program of a path.
func conditions(expect string) (*xps.AttachOptions, func(), error) {
	nothing := func() {}
	switch id, err := strconv.ParseUint(expect, 10, 32); {
	case expect == "":
		return nil, nothing, nil
	case expect == "none":
		return &xps.AttachOptions{NoReplace: true}, nothing, nil
	case err == nil && id != 0:
		return &xps.AttachOptions{ExpectedID: ebpf.ProgramID(id)}, nothing, nil
	case err == nil:
		return nil, nil, usagef("--expect 0: program ids begin with 1")
	case !strings.Contains(expect, "/"):
		return nil, nil, usagef("--expect %s: want none, a program id, or the path of a pinned program", expect)
	}
	prog, err := loadPinned(expect)
	if err != nil {
		return nil, nil, err
	}
	return &xps.AttachOptions{Expected: prog}, func() { prog.Close() }, nil
}

// load returns the program to attach, and a function that releases it.
func (o *attachOptions) load(c *call, s xps.State, seeded bool) (*ebpf.Program, func(), error) {
	switch {
	case o.pinned != "":
		prog, err := loadPinned(o.pinned)
		if err != nil {
			return nil, nil, err
		}
		return prog, func() { prog.Close() }, nil
	case o.object != "":
		return o.loadObject()
	}
	p, err := o.loadPolicy(c, s, seeded)
	if err != nil {
		return nil, nil, explainLoad(err)
	}
	return p.Program, p.Close, nil
}

// explainLoad says which capability is missing if a program cannot be loaded. Without
// it, package ebpf reports a feature that it probes for as not supported.
func explainLoad(err error) error {
	if !errors.Is(err, ebpf.ErrNotSupported) && !errors.Is(err, os.ErrPermission) {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if unix.Capget(&header, &caps[0]) != nil {
		return err
	}
	has := func(c int) bool { return caps[c/32].Effective>>(c%32)&1 == 1 }
	if has(unix.CAP_SYS_ADMIN) || has(unix.CAP_BPF) {
		return err
	}
	return fmt.Errorf("load the program: %w (needs CAP_BPF and CAP_NET_ADMIN)", os.ErrPermission)
}

// loadPinned opens a pinned program.
func loadPinned(path string) (*ebpf.Program, error) {
	prog, err := ebpf.LoadPinnedProgram(path, nil)
	if err == nil {
		return prog, nil
	}
	var st unix.Statfs_t
	if unix.Statfs(path, &st) == nil && int64(st.Type) != unix.BPF_FS_MAGIC {
		err = xps.ErrNotBPFFS
	}
	return nil, fmt.Errorf("open pinned program %s: %w", path, err)
}

// loadObject loads a program of an object file.
func (o *attachOptions) loadObject() (*ebpf.Program, func(), error) {
	spec, err := ebpf.LoadCollectionSpec(o.object)
	if err != nil {
		return nil, nil, fmt.Errorf("load object %s: %w", o.object, err)
	}
	bpf.SetType(spec)
	var names []string
	for name, p := range spec.Programs {
		if p.Type == ebpf.SocketFilter {
			names = append(names, name)
		}
	}
	name := o.program
	switch {
	case name == "" && len(names) != 1:
		return nil, nil, usagef("object %s has %d socket filters %q: choose with --program", o.object, len(names), names)
	case name == "":
		name = names[0]
	case spec.Programs[name] == nil:
		return nil, nil, usagef("object %s has no program %q; it has %q", o.object, name, names)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, nil, fmt.Errorf("load object %s: %w", o.object, explainLoad(err))
	}
	return coll.Programs[name], coll.Close, nil
}

// report prints the change, or the change that --dry-run would make.
func (o *attachOptions) report(c *call, s xps.State, prog *ebpf.Program, done string) error {
	info, err := prog.Info()
	if err != nil {
		return err
	}
	id, _ := info.ID()
	if o.json {
		return writeJSON(c.stdout, map[string]any{
			"name": s.Name, "ifindex": s.Ifindex, "program": map[string]any{"id": id, "name": info.Name, "tag": info.Tag},
			"attached": !o.dryRun,
		})
	}
	_, err = fmt.Fprintf(c.stdout, "%s: %s program %s, id %d\n", s.Name, done, info.Name, id)
	return err
}

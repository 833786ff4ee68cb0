// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// port is a library with hand-written constants and structs of the kernel.
type port struct {
	module, version string
	dirs            []string // packages within the module
	headers         []string // patterns of the headers that they are of
	least           int      // constants that must be found on both sides
	// differ are the constants that have another value in the library, with the reason.
	// docs/found-by-xpsgen.md lists those that are errors.
	differ map[string]string
	// leastStructs and differStructs are the same for structs.
	leastStructs  int
	differStructs map[string]string
}

// ports are the libraries to compare. The versions are pinned, because the differences are
// those of a version.
var ports = []port{
	{
		module: "github.com/vishvananda/netlink", version: "v1.3.1", dirs: []string{".", "nl"},
		headers: []string{"linux/*.h", "linux/tc_act/*.h", "linux/tc_ematch/*.h", "linux/netfilter/*.h", "linux/netfilter/ipset/*.h", "rdma/rdma_netlink.h"},
		least:   600,
		differ: map[string]string{
			// Errors, see docs/found-by-xpsgen.md.
			"IFLA_VF_STATS_RX_DROPPED":     "6, in C 7",
			"IFLA_VF_STATS_TX_DROPPED":     "7, in C 8",
			"IP6_TNL_F_ALLOW_LOCAL_REMOTE": "40, in C 64",
			"IP6_TNL_F_RCV_DSCP_COPY":      "10, in C 16",
			"IP6_TNL_F_USE_ORIG_FWMARK":    "20, in C 32",
			"PROC_CN_MCAST_IGNORE":         "1, in C 2",
			// The library has its own numbers, and translates them.
			"MACVLAN_MODE_BRIDGE": "3, in C 4", "MACVLAN_MODE_PASSTHRU": "4, in C 8", "MACVLAN_MODE_SOURCE": "5, in C 16",
			// In C, these are in network byte order.
			"GRE_CSUM": "32768, in C 128", "GRE_FLAGS": "248, in C 30720", "GRE_KEY": "8192, in C 32", "GRE_REC": "1792, in C 7",
			"GRE_ROUTING": "16384, in C 64", "GRE_SEQ": "4096, in C 16", "GRE_STRICT": "2048, in C 8", "GRE_VERSION": "7, in C 1792",
			// It is an int in C. Only its low 16 bits are used.
			"NLA_TYPE_MASK": "16383, in C -49153",
			// These are the version that the library speaks, and the flags that it knows.
			"IPSET_PROTOCOL": "6, in C 7", "XDP_FLAGS_MASK": "7, in C 31", "XFRM_NR_MSGTYPES": "23, in C 25",
		},
		leastStructs: 60,
		differStructs: map[string]string{
			// This is an error, see docs/found-by-xpsgen.md.
			"Ifreq": "24 bytes, in C 40",
			// The library reads and writes these member by member.
			"TCPBBRInfo": "24 bytes, in C 20", "TCPInfo": "240 bytes, in C 232",
			// The library has only the part of the union for loading a program.
			"BPFAttr": "48 bytes, in C 144",
			// The library's Action is v_action and t_action. In C, action is in tc_gen.
			"TcTunnelKey": "Action has 4 bytes at 20, in C 4 at 8", "TcVlan": "Action has 4 bytes at 20, in C 4 at 8",
		},
	},
	{
		module: "github.com/florianl/go-tc", version: "v0.4.5", dirs: []string{".", "core"},
		headers: []string{"linux/*.h", "linux/tc_act/*.h", "linux/tc_ematch/*.h"}, least: 100,
		differ: map[string]string{}, leastStructs: 3,
		differStructs: map[string]string{"tcfEmNByte": "6 bytes, in C 4"}, // an error
	},
	{
		module: "github.com/google/nftables", version: "v0.3.0", dirs: []string{".", "expr", "userdata", "xt"},
		headers: []string{"linux/netfilter/*.h", "linux/netfilter.h"}, least: 30,
		differ:       map[string]string{"NFTA_SET_ELEM_EXPRESSIONS": "17, in C 11"}, // an error: 0x11
		leastStructs: 1, differStructs: map[string]string{},
	},
	{
		module: "github.com/mdlayher/ethtool", version: "v0.5.0", dirs: []string{"."},
		headers: []string{"linux/ethtool*.h"}, least: 1,
		differ: map[string]string{}, differStructs: map[string]string{}, // it writes attributes, no structs
	},
}

// TestPorts generates what libraries write by hand, and compares every constant and struct
// that both have. It needs the module proxy and the machine's own headers, so it runs only
// if XPS_TEST_REQUIRE has ports.
func TestPorts(t *testing.T) {
	if !slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "ports") {
		t.Skip("XPS_TEST_REQUIRE has no ports: it fetches modules")
	}
	for _, p := range ports {
		t.Run(p.module, func(t *testing.T) { p.test(t) })
	}
}

func (p *port) test(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	p.copyModule(t, dir, run)

	text := "package = \"xpskernel\"\nenums = \"untyped\"\n"
	for _, h := range p.headers {
		text += fmt.Sprintf("[[header]]\npath = %q\nstructs = [\"*\"]\n", h)
	}
	out := filepath.Join(dir, "xpskernel")
	res, err := Generate(t.Context(), Options{Include: []string{"/usr/include"}, Config: mustConfig(t, text), Out: out, KeepGoing: true})
	if err != nil {
		t.Fatal(err)
	}
	run("go", "build", "./xpskernel")
	p.constants(t, dir, res.Packages[0])
	p.structs(t, dir, res.Packages[0], run)
}

// constants compares the constants that both have.
func (p *port) constants(t *testing.T, dir string, kernel *Package) {

	ours := make(map[string]Constant) // by folded name
	twice := make(map[string]bool)
	for _, h := range kernel.Headers {
		for _, g := range h.Groups {
			for _, c := range g.Consts {
				key := foldName(c.Name)
				twice[key] = twice[key] || ours[key].Name != ""
				ours[key] = c
			}
		}
	}
	found := make(map[string]string)
	both := 0
	for _, d := range p.dirs {
		for name, v := range handWritten(t, filepath.Join(dir, d)) {
			c, ok := ours[foldName(name)]
			// Limits change with the version of the kernel.
			if !ok || twice[foldName(name)] || limitName().MatchString(c.Name) || c.Value.IsFloat || v.Kind() != c.Value.goConstant().Kind() {
				continue
			}
			both++
			if !constant.Compare(v, token.EQL, c.Value.goConstant()) {
				found[name] = fmt.Sprintf("%s, in C %s", v, c.Value.text())
			}
		}
	}
	t.Logf("%s %s: %d constants on both sides, %d differ", p.module, p.version, both, len(found))
	if both < p.least {
		t.Errorf("only %d constants on both sides, want %d", both, p.least)
	}
	if diff := cmp.Diff(p.differ, found); diff != "" {
		t.Errorf("what differs (-known +found)\n%s", diff)
	}
}

// foldName maps a C name and its Go name to the same string.
func foldName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "_", "")) }

// handWritten returns the constants of the package, exported or not, whose values it sets
// itself. It leaves out constants whose values come from imports.
func handWritten(t *testing.T, dir string) map[string]constant.Value {
	t.Helper()
	ctxt := build.Default
	ctxt.GOOS, ctxt.GOARCH, ctxt.CgoEnabled = "linux", "amd64", false
	pkg, err := ctxt.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{IgnoreFuncBodies: true, Importer: noImports{}, Error: func(error) {}, Sizes: types.SizesFor("gc", "amd64")}
	checked, _ := conf.Check(dir, fset, files, nil) // its errors are about imports
	out := make(map[string]constant.Value)
	for _, n := range checked.Scope().Names() {
		if c, ok := checked.Scope().Lookup(n).(*types.Const); ok && (c.Val().Kind() == constant.Int || c.Val().Kind() == constant.String) {
			out[n] = c.Val()
		}
	}
	return out
}

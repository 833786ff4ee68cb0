// SPDX-License-Identifier: GPL-2.0-only OR MIT

package prove

import (
	"context"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// small is a tree with the core of the series and links, in few words.
func small() map[string]string {
	link := "// SPDX\n#include <linux/bpf.h>\n\nstruct bpf_xps_link { int a; };\n"
	for _, name := range mustPart("LINK").cuts[1].functions {
		link += "static void " + name + "(void) { }\n"
	}
	return map[string]string{
		"net/core/dev.h": `#ifdef CONFIG_XPS_BPF
static inline struct bpf_prog *dev_xps_prog(const struct net_device *dev)
{
	return rtnl_dereference(dev->xps_prog);
}
static inline bool dev_xps_has_link(const struct net_device *dev) { return dev->xps_link; }
#else
static inline struct bpf_prog *dev_xps_prog(const struct net_device *dev) { return NULL; }
#endif
`,
		"net/core/dev.c": `/* xps_prog_enabled(dev) is elsewhere */
int other(void) { return xps_prog_run(NULL); }
static bool xps_prog_enabled(void) { return true; }

/* Comment of xps_prog_run(). */
static __always_inline int xps_prog_run(const struct net_device *dev,
					struct sk_buff *skb)
{
	return -1;
}
bool dev_xps_set_prog(void) { return "}"[0]; }
EXPORT_SYMBOL(dev_xps_set_prog);
static int get_xps_queue(void) { return 0; }
`,
		"net/core/xps_link.c": link,
	}
}

func mustPart(name string) *part {
	return &parts[slices.IndexFunc(parts, func(p part) bool { return p.name == name })]
}

func shows(files map[string]string) func(context.Context, string) (*string, error) {
	return func(_ context.Context, file string) (*string, error) {
		if text, ok := files[file]; ok {
			return &text, nil
		}
		return nil, nil
	}
}

// The program contains the functions of the table as the tree has them, with their lines.
func TestProgram(t *testing.T) {
	p, err := load(t.Context(), shows(small()), true)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/program.golden"
	got := p.text()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := []string{"NETLINK", "DRIVER", "TUN"}; !slices.Equal(p.absent, want) {
		t.Errorf("absent %q, want %q", p.absent, want)
	}
	if err := p.write(t.TempDir()); err != nil {
		t.Error(err)
	}
}

// A tree without a function of the table is an error that names it. Only whole parts may
// be absent, and only if the caller allows it.
func TestMissing(t *testing.T) {
	whole := small()
	renamed := small()
	renamed["net/core/dev.c"] = strings.ReplaceAll(renamed["net/core/dev.c"], "xps_prog_run", "xps_prog_call")
	for name, c := range map[string]struct {
		files   map[string]string
		partial bool
		want    string
	}{
		"absent parts": {whole, false, "net/core/rtnetlink.c: rtnl_xps_size, "},
		"renamed":      {renamed, true, "net/core/dev.c: xps_prog_run: not in the patched tree"},
	} {
		_, err := load(t.Context(), shows(c.files), c.partial)
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// With only some patches applied, a part is present if the tree defines its first function.
// Its other functions may exist before the series.
func TestPartial(t *testing.T) {
	const selects = "static u16 tun_select_queue(void) { return 0; }\n"
	for name, c := range map[string]struct {
		tun, dev string
		want     string
	}{
		"base":                {selects, "", "CORE GETTER LINK"},
		"program":             {selects + "static u16 tun_xps_select_queue(void) { return 0; }\n", "", "CORE GETTER LINK TUN"},
		"function for maps":   {selects + "static u16 tun_xps_select_queue(void) { return 0; }\n", "int xps_map_queue(void) { }\nint dev_xps_map_queue(void) { }\n", "CORE GETTER LINK TUN MAP_QUEUE"},
		"maps":                {selects + "static u16 tun_xps_select_queue(void) { return dev_xps_map_queue(); }\n", "int xps_map_queue(void) { }\nint dev_xps_map_queue(void) { }\n", "CORE GETTER LINK TUN MAP_QUEUE TUN_MAPS"},
		"call, but no lookup": {selects + "static u16 tun_xps_select_queue(void) { return dev_xps_map_queue(); }\n", "", "CORE GETTER LINK TUN"},
	} {
		files := small()
		files["drivers/net/tun.c"] = c.tun
		files["net/core/dev.c"] += c.dev
		p, err := load(t.Context(), shows(files), true)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.present, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	p, err := load(t.Context(), shows(map[string]string{"drivers/net/tun.c": selects}), true)
	if err != nil || len(p.present) > 0 {
		t.Errorf("without the series: %v, %v", p, err)
	}
}

// The operations belong to the parts that the tree has. Their numbers are those in main.c.
func TestOperations(t *testing.T) {
	p, err := load(t.Context(), shows(small()), true)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := p.operations()
	if err != nil {
		t.Fatal(err)
	}
	want := []operation{{"0", "unregister"}, {"1", "transmit"}, {"5", "link_create"}, {"6", "link_update"},
		{"7", "link_detach"}, {"8", "link_close"}, {"9", "link_info"}}
	if !slices.Equal(ops, want) {
		t.Errorf("got %v, want %v", ops, want)
	}
}

// Names stand once in the table: in the model, or outside of it with a reason.
func TestTable(t *testing.T) {
	for _, p := range parts {
		if !slices.ContainsFunc(p.cuts, func(c cut) bool { return slices.Contains(c.functions, p.mark) }) {
			t.Errorf("part %s does not contain its mark %q", p.name, p.mark)
		}
	}
	seen := map[string]bool{}
	once := func(name string) {
		if seen[name] {
			t.Errorf("%s is in the table twice", name)
		}
		seen[name] = true
	}
	for _, p := range parts {
		for _, c := range p.cuts {
			for _, name := range c.functions {
				once(name)
			}
		}
	}
	for _, o := range outside {
		if o.why == "" {
			t.Errorf("%q are outside without a reason", o.names)
		}
		for _, name := range o.names {
			once(name)
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkUAPI measures whole processes. It runs xpsgen uapi without a cache:
// for one header, for the headers of the workbench's package, and for all headers. It
// runs go tool cgo -godefs on the names of the one header. XPSGEN_UAPI_INCLUDE
// names the directory of installed headers; make bench-uapi sets it.
func BenchmarkUAPI(b *testing.B) {
	include := os.Getenv("XPSGEN_UAPI_INCLUDE")
	if include == "" {
		b.Skip("XPSGEN_UAPI_INCLUDE names no directory of headers: use make bench-uapi")
	}
	dir := b.TempDir()
	tool := filepath.Join(dir, "xpsgen")
	build := exec.Command("go", "build", "-o", tool, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	mustRun(b, build)
	one := benchConfig(b, filepath.Join(dir, "one.toml"), "linux/if_link.h")
	twenty := benchConfig(b, filepath.Join(dir, "twenty.toml"),
		"linux/if_link.h", "linux/rtnetlink.h", "linux/netlink.h", "linux/if_packet.h", "linux/if_tun.h", "linux/if.h",
		"linux/if_ether.h", "linux/if_arp.h", "linux/bpf.h", "linux/pkt_cls.h", "linux/pkt_sched.h", "linux/ethtool.h",
		"linux/in.h", "linux/sockios.h", "linux/neighbour.h", "linux/if_addr.h", "linux/veth.h", "linux/capability.h",
		"linux/in6.h", "linux/tcp.h")
	xpsgen := func(args ...string) *exec.Cmd {
		args = append([]string{"-q", "uapi"}, args...)
		return exec.Command(tool, append(args, "--include", include)...)
	}
	var single float64
	b.Run("if_link", func(b *testing.B) {
		single = seconds(b, func() *exec.Cmd { return xpsgen("--file", one, "--out", filepath.Join(dir, "one")) })
	})
	b.Run("20 headers", func(b *testing.B) {
		seconds(b, func() *exec.Cmd { return xpsgen("--file", twenty, "--out", filepath.Join(dir, "twenty")) })
	})
	b.Run("tree", func(b *testing.B) {
		seconds(b, func() *exec.Cmd {
			return exec.Command(tool, "-q", "uapi", "list", "--all", "--file", one, "--include", include)
		})
	})
	b.Run("cgo -godefs if_link", func(b *testing.B) {
		source := godefs(b, dir, tool, one, include)
		s := seconds(b, func() *exec.Cmd {
			c := exec.Command("go", "tool", "cgo", "-godefs", "--", "-I", include, source)
			c.Dir = dir
			return c
		})
		if single > 0 {
			b.ReportMetric(s/single, "times-xpsgen")
		}
	})
}

// benchConfig writes a configuration that takes headers whole.
func benchConfig(b *testing.B, name string, headers ...string) string {
	b.Helper()
	text := "package = \"bench\"\n"
	for _, h := range headers {
		text += "[[header]]\npath = \"" + h + "\"\n"
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return name
}

// godefs writes the input of cgo for the constants that xpsgen found.
func godefs(b *testing.B, dir, tool, config, include string) string {
	b.Helper()
	out, err := exec.Command(tool, "-q", "uapi", "list", "--file", config, "--include", include).Output()
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("package x\n\n// #include <linux/if_link.h>\nimport \"C\"\n\nconst (\n")
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 4 {
			fmt.Fprintf(&text, "\t%s = C.%s\n", f[0], f[0])
		}
	}
	text.WriteString(")\n")
	name := filepath.Join(dir, "defs.go")
	if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	return name
}

// seconds runs commands b.N times and reports the fastest.
func seconds(b *testing.B, command func() *exec.Cmd) float64 {
	b.Helper()
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		mustRun(b, command())
		best = min(best, time.Since(start))
	}
	b.ReportMetric(best.Seconds(), "s-best")
	return best.Seconds()
}

func mustRun(b *testing.B, c *exec.Cmd) {
	b.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", c, err, out)
	}
}

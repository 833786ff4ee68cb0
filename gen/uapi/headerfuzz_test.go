// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fuzzBatch is how many headers share a program. Building and starting a
// program takes longer than its checks of a header.
const fuzzBatch = 200

// A fuzzTarget is a target of the fuzzer, the command that runs its programs, and the
// compiler. Each target has one of the compilers.
type fuzzTarget struct{ arch, qemu, cc string }

var fuzzTargets = []fuzzTarget{
	{"amd64", "qemu-x86_64", "gcc"}, {"386", "qemu-i386", "gcc"}, {"arm64", "qemu-aarch64", "clang"},
	{"arm", "qemu-arm", "arm-linux-gnueabihf-gcc"}, {"s390x", "qemu-s390x", "s390x-linux-gnu-gcc"},
}

// native reports whether this machine runs the target's programs without QEMU.
func (f *fuzzTarget) native() bool {
	return f.arch == runtime.GOARCH || f.arch == "386" && runtime.GOARCH == "amd64"
}

// tools returns the programs that the target needs.
func (f *fuzzTarget) tools() []string {
	tools := []string{f.cc}
	if !f.native() {
		tools = append(tools, f.qemu)
	}
	if !strings.Contains(f.cc, "-gcc") {
		tools = append(tools, "ld.lld")
	}
	return tools
}

// fuzzRange returns how many headers the environment asks for, and the seed of
// the first.
func fuzzRange(t *testing.T) (count int, seed uint64) {
	count, seed = 10, 1
	if s := os.Getenv("XPSGEN_FUZZ_HEADERS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("$XPSGEN_FUZZ_HEADERS: %v", err)
		}
		count = n
	}
	switch s := os.Getenv("XPS_TEST_SEED"); s {
	case "":
	case "new":
		seed = rand.Uint64N(1 << 48)
	default:
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("$XPS_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("XPS_TEST_SEED=%d XPSGEN_FUZZ_HEADERS=%d", seed, count)
	return count, seed
}

// TestRandomHeaders generates Go from random headers. Go and C then set and read
// every member, and must leave the same bytes. XPSGEN_FUZZ_HEADERS is the number
// of headers, XPS_TEST_SEED the seed of the first; each header has the next
// seed. Targets that the machine cannot run are skipped, unless
// XPS_TEST_REQUIRE=uapi.
func TestRandomHeaders(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs the go command")
	}
	count, seed := fuzzRange(t)
	required := slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "uapi")
	for _, target := range fuzzTargets {
		t.Run(target.arch, func(t *testing.T) {
			t.Parallel()
			for _, tool := range target.tools() {
				if _, err := exec.LookPath(tool); err != nil {
					if required {
						t.Fatal(err)
					}
					t.Skip(err)
				}
			}
			for start := 0; start < count; start += fuzzBatch {
				b := &fuzzRun{t: t, fuzzTarget: target, seed: seed + uint64(start), n: min(fuzzBatch, count-start)}
				b.run()
			}
		})
	}
}

// fuzzRun is the work on the headers of one program.
type fuzzRun struct {
	t *testing.T
	fuzzTarget
	seed         uint64
	n            int
	include, out string
	values       map[string]string // of constants, by name
}

// fail keeps the headers and the Go files for debugging.
func (b *fuzzRun) fail(format string, args ...any) {
	b.t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("xpsgen-fuzz-%s-%d", b.arch, b.seed))
	if err := os.RemoveAll(dir); err != nil {
		b.t.Log(err)
	}
	for name, from := range map[string]string{"include": b.include, "go": b.out} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(from)); err != nil {
			b.t.Log(err)
		}
	}
	b.t.Fatalf("seed %d, %d headers for %s (kept in %s): %s", b.seed, b.n, b.arch, dir, fmt.Sprintf(format, args...))
}

// command runs a command in the Go package and returns its output.
func (b *fuzzRun) command(args ...string) []byte {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), args[0], args[1:]...)
	cmd.Dir = b.out
	cmd.Env = append(os.Environ(), "GOARCH="+b.arch, "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOARM=7")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		msg := stderr.String()
		b.fail("%s: %v\n%s", strings.Join(args, " "), err, msg[:min(len(msg), 4000)])
	}
	return stdout
}

func (b *fuzzRun) run() {
	b.t.Helper()
	b.include, b.out = b.t.TempDir(), b.t.TempDir()
	cfg := b.headers()
	res, err := Generate(b.t.Context(), Options{Include: []string{b.include}, Config: cfg, CC: b.cc, Out: b.out, Arch: []string{b.arch}})
	if err != nil {
		b.fail("generate: %v", err)
	}
	for _, s := range res.Skipped() {
		if !s.Trivial() {
			b.fail("left out: %s", s)
		}
	}
	probes := probesOf(res.Packages[0])
	inGo, inC := b.goProgram(probes), b.cProgram(probes, cfg)
	if len(inC) == 0 || !bytes.Equal(inC, inGo) {
		b.fail("%s", firstDifference(inC, inGo, probes))
	}
	b.t.Logf("%s: %d headers from seed %d: %d members, %d constants agree", b.arch, b.n, b.seed, len(probes), len(b.values))
}

// headers writes the headers and returns the configuration that takes all of
// them.
func (b *fuzzRun) headers() *Config {
	if err := os.MkdirAll(filepath.Join(b.include, "linux"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	mustWrite(b.t, filepath.Join(b.include, "linux", "types.h"), fuzzTypes)
	cfg := &Config{Package: "main", Arch: []string{b.arch}}
	b.values = make(map[string]string)
	for i := range b.n {
		id := fmt.Sprintf("h%d", i)
		g := newHeaderGen(b.seed+uint64(i), id, b.arch != "386" && b.arch != "arm")
		mustWrite(b.t, filepath.Join(b.include, "linux", id+".h"), g.header())
		for k, v := range g.values {
			b.values[k] = v
		}
		cfg.Headers = append(cfg.Headers, HeaderConfig{Path: "linux/" + id + ".h", Structs: []string{"*"}})
	}
	return cfg
}

// execute runs a program of the target.
func (b *fuzzRun) execute(program string) []byte {
	b.t.Helper()
	if b.native() {
		return b.command(program)
	}
	return b.command(b.qemu, program)
}

// goProgram vets, builds and runs the probes in Go.
func (b *fuzzRun) goProgram(probes []probe) []byte {
	b.t.Helper()
	mustWrite(b.t, filepath.Join(b.out, "go.mod"), "module fuzz\n\ngo 1.26\n")
	mustWrite(b.t, filepath.Join(b.out, "main.go"), goProbes(probes, b.values))
	program := filepath.Join(b.include, "goprobe")
	b.command("go", "vet", ".")
	// Without inlining the compiler takes half the time.
	b.command("go", "build", "-gcflags=-l", "-ldflags=-s -w", "-o", program, ".")
	return b.execute(program)
}

// cProgram builds and runs the probes in C.
func (b *fuzzRun) cProgram(probes []probe, cfg *Config) []byte {
	b.t.Helper()
	source, object, program := filepath.Join(b.include, "probe.c"), filepath.Join(b.include, "probe.o"), filepath.Join(b.include, "cprobe")
	mustWrite(b.t, source, cProbes(probes, cfg))
	compile := []string{b.cc}
	link := []string{"ld.lld", "-static", "-o", program, object}
	switch {
	case strings.Contains(b.cc, "-gcc"):
		link = []string{b.cc, "-nostdlib", "-static", "-o", program, object, "-lgcc"}
		if b.arch == "arm" {
			compile = append(compile, "-marm") // Thumb keeps r7 for itself
		}
	case b.cc == "gcc":
		compile = append(compile, map[string]string{"amd64": "-m64", "386": "-m32"}[b.arch])
	default:
		compile = append(compile, "--target="+targets[b.arch].triple)
	}
	b.command(append(compile, "-std=gnu11", "-w", "-O0", "-nostdinc", "-fno-stack-protector", "-fno-pic", "-fno-builtin", "-ffreestanding",
		"-isystem", b.include, "-c", "-o", object, source)...)
	b.command(link...)
	return b.execute(program)
}

// fuzzTypes is the part of linux/types.h that random headers use.
const fuzzTypes = `#ifndef FUZZ_TYPES
#define FUZZ_TYPES
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __le64;
#endif
`

// firstDifference names the member about which C and Go disagree.
func firstDifference(inC, inGo []byte, probes []probe) string {
	c, g := strings.Split(string(inC), "\n"), strings.Split(string(inGo), "\n")
	for i := range c {
		if i >= len(g) {
			break
		}
		if c[i] != g[i] {
			num, _, _ := strings.Cut(c[i], " ")
			n, err := strconv.ParseUint(num, 16, 31)
			if err != nil || int(n) >= len(probes) {
				break
			}
			return fmt.Sprintf("%s of %s, round %d\nC  %s\nGo %s", probes[n].path, probes[n].record, i%3, c[i], g[i])
		}
	}
	return fmt.Sprintf("C printed %d lines, Go %d", len(c), len(g))
}

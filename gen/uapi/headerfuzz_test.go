// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fuzzBatch is how many headers share a program.
const fuzzBatch = 50

// fuzzTargets are the targets of the fuzzer with the command that runs their
// programs, and the compiler.
var fuzzTargets = []struct{ arch, qemu, cc string }{
	{"amd64", "qemu-x86_64", "gcc"}, {"386", "qemu-i386", "gcc"}, {"arm64", "qemu-aarch64", "clang"},
	{"arm", "qemu-arm", "arm-linux-gnueabihf-gcc"}, {"s390x", "qemu-s390x", "s390x-linux-gnu-gcc"},
}

// native tells whether this machine runs programs of a target by itself.
func native(arch string) bool {
	return arch == runtime.GOARCH || arch == "386" && runtime.GOARCH == "amd64"
}

// TestRandomHeaders generates Go from random headers and has Go and C set and
// read every member: the bytes must agree. XPSGEN_FUZZ_HEADERS is how many
// headers, XPSGEN_FUZZ_SEED where they begin. Without the first, a sample runs
// on the targets that the machine can run; XPS_TEST_REQUIRE=uapi requires all.
func TestRandomHeaders(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs the go command")
	}
	count, seed := 10, uint64(1)
	if s := os.Getenv("XPSGEN_FUZZ_HEADERS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		count = n
	}
	if s := os.Getenv("XPSGEN_FUZZ_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	required := slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "uapi")
	for _, target := range fuzzTargets {
		t.Run(target.arch, func(t *testing.T) {
			tools := []string{target.cc}
			if !native(target.arch) {
				tools = append(tools, target.qemu)
			}
			if !strings.Contains(target.cc, "-gcc") {
				tools = append(tools, "ld.lld")
			}
			for _, tool := range tools {
				if _, err := exec.LookPath(tool); err != nil {
					if required {
						t.Fatal(err)
					}
					t.Skip(err)
				}
			}
			for start := 0; start < count; start += fuzzBatch {
				n := min(fuzzBatch, count-start)
				fuzzHeaders(t, target.arch, target.qemu, target.cc, seed+uint64(start), n)
			}
		})
	}
}

// fuzzHeaders checks n headers in one program.
func fuzzHeaders(t *testing.T, arch, qemu, cc string, seed uint64, n int) {
	t.Helper()
	include, out := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(include, "linux"), 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(include, "linux", "types.h"), fuzzTypes)
	cfg := &Config{Package: "main", Arch: []string{arch}}
	values := make(map[string]string)
	for i := range n {
		id := fmt.Sprintf("h%d", seed+uint64(i))
		g := newHeaderGen(seed+uint64(i), id, arch != "386" && arch != "arm")
		mustWrite(t, filepath.Join(include, "linux", id+".h"), g.header())
		for k, v := range g.values {
			values[k] = v
		}
		cfg.Headers = append(cfg.Headers, HeaderConfig{Path: "linux/" + id + ".h", Structs: []string{"*"}})
	}
	fail := func(format string, args ...any) {
		t.Helper()
		keepDir := filepath.Join(os.TempDir(), "xpsgen-fuzz-"+arch+"-"+strconv.FormatUint(seed, 10))
		os.RemoveAll(keepDir)
		if err := os.CopyFS(filepath.Join(keepDir, "include"), os.DirFS(include)); err != nil {
			t.Log(err)
		}
		if err := os.CopyFS(filepath.Join(keepDir, "go"), os.DirFS(out)); err != nil {
			t.Log(err)
		}
		t.Fatalf("seed %d, %d headers for %s (kept in %s): %s", seed, n, arch, keepDir, fmt.Sprintf(format, args...))
	}
	res, err := Generate(t.Context(), Options{Include: []string{include}, Config: cfg, CC: cc, Out: out, Arch: []string{arch}})
	if err != nil {
		fail("generate: %v", err)
	}
	for _, s := range res.Skipped() {
		if !s.Trivial() {
			fail("left out: %s", s)
		}
	}
	probes := probesOf(res.Packages[0])
	mustWrite(t, filepath.Join(out, "go.mod"), "module fuzz\n\ngo 1.26\n")
	mustWrite(t, filepath.Join(out, "main.go"), goProbes(probes, values))
	mustWrite(t, filepath.Join(include, "probe.c"), cProbes(probes, cfg))
	env := append(os.Environ(), "GOARCH="+arch, "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOARM=7")
	command := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env = out, env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.Output()
		if err != nil {
			msg := stderr.String()
			fail("%s: %v\n%s", strings.Join(args, " "), err, msg[:min(len(msg), 4000)])
		}
		return stdout
	}
	command("go", "vet", ".")
	command("go", "build", "-o", filepath.Join(include, "goprobe"), ".")
	compile := []string{"clang", "--target=" + targets[arch].triple}
	if cc == "gcc" {
		compile = []string{"gcc", map[string]string{"amd64": "-m64", "386": "-m32"}[arch]}
	}
	link := []string{"ld.lld", "-static", "-o", filepath.Join(include, "cprobe"), filepath.Join(include, "probe.o")}
	if strings.Contains(cc, "-gcc") {
		compile = []string{cc}
		if arch == "arm" {
			compile = append(compile, "-marm") // Thumb keeps r7 for itself
		}
		link = []string{cc, "-nostdlib", "-static", "-o", filepath.Join(include, "cprobe"), filepath.Join(include, "probe.o"), "-lgcc"}
	}
	command(append(compile, "-std=gnu11", "-w", "-O0", "-nostdinc", "-fno-stack-protector", "-fno-pic", "-fno-builtin", "-ffreestanding",
		"-isystem", include, "-c", "-o", filepath.Join(include, "probe.o"), filepath.Join(include, "probe.c"))...)
	command(link...)
	run := func(name string) []byte {
		args := []string{filepath.Join(include, name)}
		if !native(arch) {
			args = append([]string{qemu}, args...)
		}
		return command(args...)
	}
	inC, inGo := run("cprobe"), run("goprobe")
	if len(inC) == 0 || !bytes.Equal(inC, inGo) {
		fail("%s", firstDifference(inC, inGo, probes))
	}
	t.Logf("%s: seeds %d to %d: %d members, %d constants agree", arch, seed, seed+uint64(n)-1, len(probes), len(values))
}

// fuzzTypes is linux/types.h as far as random headers use it.
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

// probesOf returns the probes of all records of a package.
func probesOf(p *Package) []probe {
	pr := &prober{structs: make(map[string]*goStruct)}
	layouts := arrange(p)
	for _, list := range layouts {
		for _, g := range list {
			for _, n := range flatten(g) {
				pr.structs[n.name] = n
			}
		}
	}
	for _, list := range layouts {
		for _, g := range list {
			pr.record(g)
		}
	}
	return pr.out
}

// goProbes returns the Go program. It checks constants by itself: the generator
// of the headers knows what they are worth.
func goProbes(probes []probe, values map[string]string) string {
	var b strings.Builder
	b.WriteString(`package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"unsafe"
)

type aligned [1 << 12]uint64

var (
	buf aligned
	out []byte
)

func bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&buf)), len(buf)*8) }

func fill(round int) {
	for i := range bytes() {
		bytes()[i] = [3]byte{0, 0xff, byte(i*7 + 3)}[round]
	}
}

func values(kind string) [3]uint64 {
	if kind == "bool" {
		return [3]uint64{1, 0, 1}
	}
	return [3]uint64{0x8182838485868788, 0x0123456789abcdef, 0x55aa33cc0ff05511}
}

func show(v uint64) {
	out = strconv.AppendUint(out, v, 16)
	out = append(out, '\n')
}

func dump(n, size int) {
	out = strconv.AppendInt(out, int64(n), 10)
	out = append(out, ' ')
	for _, c := range bytes()[:size+32] {
		out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	out = append(out, ' ')
}

var _ = unsafe.Sizeof(0)

func main() {
	debug.SetGCPercent(-1) // some of the pointers are none
`)
	for i := range probes {
		fmt.Fprintf(&b, "\tprobe%d()\n", i)
	}
	b.WriteString("\tos.Stdout.Write(out)\n}\n")
	for i, p := range probes {
		b.WriteString(p.goText(i))
	}
	b.WriteString("\nvar _ = [...]bool{\n")
	for _, name := range sortedKeys(values) {
		// Does not compile unless it is so.
		fmt.Fprintf(&b, "\t[...]bool{true}[%s - (%s)],\n", name, values[name])
	}
	b.WriteString("}\n")
	return b.String()
}

// cProbes returns the C program, which needs no library.
func cProbes(probes []probe, cfg *Config) string {
	var b strings.Builder
	for _, h := range cfg.Headers {
		fmt.Fprintf(&b, "#include <%s>\n#pragma pack()\n", h.Path)
	}
	b.WriteString(`
static unsigned long long buf[1 << 12] __attribute__((aligned(64)));

static long sys3(long nr, long a, long b, long c) {
#if defined(__x86_64__)
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
#elif defined(__i386__)
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#elif defined(__arm__)
	register long r7 __asm__("r7") = nr, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
	return r0;
#elif defined(__s390x__)
	register long r1 __asm__("1") = nr, r2 __asm__("2") = a, r3 __asm__("3") = b, r4 __asm__("4") = c;
	__asm__ volatile("svc 0" : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4) : "memory");
	return r2;
#endif
}
#if defined(__x86_64__)
enum { nr_write = 1, nr_exit = 60 };
#elif defined(__aarch64__)
enum { nr_write = 64, nr_exit = 93 };
#else
enum { nr_write = 4, nr_exit = 1 };
#endif

void *memset(void *p, int c, unsigned long n) { for (unsigned long i = 0; i < n; i++) ((volatile char *)p)[i] = c; return p; }
void *memcpy(void *p, const void *q, unsigned long n) { for (unsigned long i = 0; i < n; i++) ((volatile char *)p)[i] = ((const char *)q)[i]; return p; }

int raise(int sig) { (void)sig; sys3(nr_exit, 2, 0, 0); return 0; } // libgcc divides by zero with it

static char text[1 << 16];
static unsigned long used;
static void flush(void) {
	unsigned long at = 0;
	while (at < used) {
		long n = sys3(nr_write, 1, (long)(text + at), used - at);
		if (n <= 0)
			sys3(nr_exit, 1, 0, 0);
		at += n;
	}
	used = 0;
}
static void put(char c) { text[used++] = c; if (used == sizeof(text)) flush(); }
static void fill(int round) {
	for (unsigned long i = 0; i < sizeof(buf); i++)
		((volatile unsigned char *)buf)[i] = round == 0 ? 0 : round == 1 ? 0xff : i * 7 + 3;
}
static unsigned long long value(int round, char kind) {
	if (kind == 'b')
		return round != 1;
	return round == 0 ? 0x8182838485868788ULL : round == 1 ? 0x0123456789abcdefULL : 0x55aa33cc0ff05511ULL;
}
static void show(unsigned long long v) {
	int on = 0;
	for (int i = 60; i >= 0; i -= 4) {
		unsigned d = v >> i & 15;
		if (d || on || !i)
			on = 1, put("0123456789abcdef"[d]);
	}
	put('\n');
}
static void dump(unsigned n, unsigned long size) {
	unsigned unit = 1;
	while (unit * 10 <= n)
		unit *= 10;
	for (; unit; unit /= 10)
		put('0' + n / unit % 10);
	put(' ');
	for (unsigned long i = 0; i < size + 32; i++) {
		unsigned char c = ((unsigned char *)buf)[i];
		put("0123456789abcdef"[c >> 4]);
		put("0123456789abcdef"[c & 15]);
	}
	put(' ');
}
`)
	for i, p := range probes {
		b.WriteString(p.cText(i))
	}
	b.WriteString("\n__attribute__((used)) void start_c(void) {\n")
	for i := range probes {
		fmt.Fprintf(&b, "\tprobe%d();\n", i)
	}
	b.WriteString(`	flush();
	sys3(nr_exit, 0, 0, 0);
}
#if defined(__x86_64__)
__asm__(".globl _start\n_start: and $-16, %rsp\n call start_c\n");
#elif defined(__i386__)
__asm__(".globl _start\n_start: and $-16, %esp\n call start_c\n");
#elif defined(__s390x__)
__asm__(".globl _start\n_start: aghi %r15, -160\n brasl %r14, start_c\n");
#else
__asm__(".globl _start\n_start: bl start_c\n");
#endif
`)
	return b.String()
}

// firstDifference says which member C and Go disagree about.
func firstDifference(inC, inGo []byte, probes []probe) string {
	c, g := strings.Split(string(inC), "\n"), strings.Split(string(inGo), "\n")
	for i := range c {
		if i >= len(g) {
			break
		}
		if c[i] != g[i] {
			num, _, _ := strings.Cut(c[i], " ")
			n, err := strconv.Atoi(num)
			if err != nil || n >= len(probes) {
				break
			}
			return fmt.Sprintf("%s of %s, round %d\nC  %s\nGo %s", probes[n].path, probes[n].record, i%3, c[i], g[i])
		}
	}
	return fmt.Sprintf("C printed %d lines, Go %d", len(c), len(g))
}

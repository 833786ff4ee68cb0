// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

import (
	"strings"

	"xpsgen/vmtest/guest/objects/record"
)

// source is an object that clang compiles.
type source struct {
	name string
	// args follow "object FILE"; by default they select program p.
	args []string
	// value is the return value of the selected program, or none if no program may be attached.
	value uint32
	code  string
	// flags are added to clang's; target replaces the target bpfel.
	flags  []string
	target string
	// file is the name of the file, by default that of the object with ".o".
	file string
	// contexts and builds select where and with which ip to load it. The default is all.
	contexts, builds []string
	// edit changes the compiled object. It may be nil.
	edit func([]byte) ([]byte, error)
}

// none is the value of an object from which nothing may be attached.
const none = ^uint32(0)

var (
	program = func(name string) []string { return []string{"program", name} }
	section = func(name string) []string { return []string{"section", name} }
)

// plainCode is a program that needs nothing.
const plainCode = `SEC("prog") int p(struct __sk_buff *s) { return 7; }`

// btfArray is a map that needs libbpf.
const btfArray = `struct { __uint(type, MAP_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64);%s } m SEC(".maps");
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 1; __u64 *v = map_lookup(&m, &k); return v ? 7 : 8; }`

// elfArray is a map of iproute2's own form.
const elfArray = `struct elf_map m SEC("maps") = { .type = MAP_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 4%s };
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 1; __u64 *v = map_lookup(&m, &k); return v ? 7 : 8; }`

// sources returns the objects that differ in their content.
func sources() []source {
	all := []source{
		{name: "plain", value: 7, code: plainCode},
		{name: "manual", args: section("foo"), value: 7, file: "prog.o", code: `SEC("foo") int p(struct __sk_buff *s) { return 7; }`},
		{name: "no-debug", value: 7, code: plainCode, flags: []string{"-g0"}},
		{name: "default-section", args: []string{}, value: 7, code: plainCode},
		{name: "no-such-section", args: section("nosuch"), value: none, code: plainCode},
		{name: "no-such-program", args: program("nosuch"), value: none, code: plainCode},
		{name: "empty-section-name", args: section(""), value: none, code: plainCode},
		{name: "empty-program-name", args: program(""), value: none, code: plainCode},
		{name: "section-and-program", args: []string{"section", "prog", "program", "p"}, value: 7, code: plainCode},
		{name: "verbose", args: []string{"program", "p", "verbose"}, value: 7, code: plainCode},
		{name: "unknown-word", args: []string{"program", "p", "frobnicate"}, value: none, code: plainCode},
		{name: "long-section-name", args: section(long("s", 300)), value: 7, code: `SEC("` + long("s", 300) + `") int p(struct __sk_buff *s) { return 7; }`},
		{name: "long-program-name", args: program(long("p", 300)), value: 7, code: `SEC("prog") int ` + long("p", 300) + `(struct __sk_buff *s) { return 7; }`},

		// Files with strange names.
		{name: "name-with-spaces", value: 7, code: plainCode, file: "a b c.o"},
		{name: "name-force", value: 7, code: plainCode, file: "-force"},
		{name: "name-off", value: 7, code: plainCode, file: "off"},
		{name: "name-with-newline", value: 7, code: plainCode, file: "a\nb.o"},
		{name: "name-with-percent", value: 7, code: plainCode, file: "%s%n.o"},
		{name: "name-not-utf8", value: 7, code: plainCode, file: "\xff\xfe.o"},
		{name: "name-long", value: 7, code: plainCode, file: long("n", 250) + ".o"},

		// Programs with strange names.
		{name: "program-off", args: program("off"), value: 7, code: `SEC("prog") int off(struct __sk_buff *s) { return 7; }`},
		{name: "program-xps", args: program("xps"), value: 7, code: `SEC("prog") int xps(struct __sk_buff *s) { return 7; }`},
		{name: "program-dev", args: program("dev"), value: 7, code: `SEC("prog") int dev(struct __sk_buff *s) { return 7; }`},

		// Maps.
		{name: "btf-map", value: 7, code: replace(btfArray, "%s", "")},
		{name: "btf-map-no-debug", value: 7, code: replace(btfArray, "%s", ""), flags: []string{"-g0"}},
		{name: "btf-map-pinned", value: 7, code: replace(btfArray, "%s", " __uint(pinning, 1);")},
		{name: "btf-map-pinning-unknown", value: 7, code: replace(btfArray, "%s", " __uint(pinning, 9);")},
		{name: "btf-map-of-maps", value: 7, code: `struct inner { __uint(type, MAP_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } in SEC(".maps");
struct { __uint(type, MAP_ARRAY_OF_MAPS); __uint(max_entries, 1); __type(key, __u32); __array(values, struct inner); } out SEC(".maps") = { .values = { &in } };
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 0; return map_lookup(&out, &k) ? 7 : 8; }`},
		{name: "btf-tail-call", value: 9, code: `SEC("prog") int q(struct __sk_buff *s) { return 9; }
struct { __uint(type, MAP_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __array(values, int (struct __sk_buff *)); } jmp SEC(".maps") = { .values = { (void *)&q } };
SEC("xps") int p(struct __sk_buff *s) { tail_call(s, &jmp, 0); return 7; }`},
		{name: "elf-map", value: 7, code: replace(elfArray, "%s", "")},
		{name: "elf-map-no-debug", value: 7, code: replace(elfArray, "%s", ""), flags: []string{"-g0"}},
		{name: "elf-map-pinned-global", value: 7, code: replace(elfArray, "%s", ", .pinning = PIN_GLOBAL_NS")},
		{name: "elf-map-pinned-object", value: 7, code: replace(elfArray, "%s", ", .pinning = PIN_OBJECT_NS")},
		// The guest's /etc/iproute2/bpf_pinning has this number.
		{name: "elf-map-pinned-custom", value: 7, code: replace(elfArray, "%s", ", .pinning = 5")},
		{name: "elf-map-pinning-unknown", value: 7, code: replace(elfArray, "%s", ", .pinning = 77")},
		{name: "elf-map-type-unknown", value: none, code: replace(elfArray, ".type = MAP_ARRAY", ".type = 999", "%s", "")},
		{name: "elf-map-huge", value: none, code: replace(elfArray, ".max_elem = 4", ".max_elem = 0xffffffff", "%s", "")},
		{name: "elf-maps-65", value: none, code: many(65, `struct elf_map m%d SEC("maps") = { .type = MAP_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 4 };`) + plainCode},
		{name: "elf-map-of-maps", value: 7, code: `struct elf_map in SEC("maps") = { .type = MAP_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 42, .inner_idx = 0 };
struct elf_map out SEC("maps") = { .type = MAP_ARRAY_OF_MAPS, .size_key = 4, .size_value = 4, .max_elem = 1, .inner_id = 42 };
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 0; return map_lookup(&out, &k) ? 7 : 8; }`},
		{name: "elf-map-of-no-map", value: none, code: `struct elf_map out SEC("maps") = { .type = MAP_ARRAY_OF_MAPS, .size_key = 4, .size_value = 4, .max_elem = 1, .inner_id = 42 };
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 0; return map_lookup(&out, &k) ? 7 : 8; }`},
		// The kernel would read a longer key than ip passes.
		{name: "elf-map-of-maps-by-long-keys", value: none, code: `struct elf_map in SEC("maps") = { .type = MAP_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 42, .inner_idx = 0 };
struct elf_map out SEC("maps") = { .type = 13 /* a hash of maps */, .size_key = 64, .size_value = 4, .max_elem = 1, .inner_id = 42 };
` + plainCode},
		{name: "elf-tail-call-in-a-hash", value: 7, code: `struct elf_map jmp SEC("maps") = { .type = MAP_HASH, .size_key = 64, .size_value = 4, .max_elem = 2, .id = 1 };
SEC("1/0") int q(struct __sk_buff *s) { return 9; }
` + plainCode},
		// The kernel empties a program array when its last descriptor is closed.
		{name: "elf-tail-call", value: 7, code: `struct elf_map jmp SEC("maps") = { .type = MAP_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 2, .id = 1 };
SEC("1/0") int q(struct __sk_buff *s) { return 9; }
SEC("prog") int p(struct __sk_buff *s) { tail_call(s, &jmp, 0); return 7; }`},
		// With ip netns exec the pin ends with ip, and the array is empty.
		{name: "elf-tail-call-pinned", value: 9, contexts: lastingPins, code: `struct elf_map jmp SEC("maps") = { .type = MAP_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 2, .id = 1, .pinning = PIN_GLOBAL_NS };
SEC("1/0") int q(struct __sk_buff *s) { return 9; }
SEC("prog") int p(struct __sk_buff *s) { tail_call(s, &jmp, 0); return 7; }`},
		{name: "elf-tail-call-key-too-big", value: none, code: `struct elf_map jmp SEC("maps") = { .type = MAP_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 2, .id = 1 };
SEC("1/7") int q(struct __sk_buff *s) { return 9; }
SEC("prog") int p(struct __sk_buff *s) { tail_call(s, &jmp, 0); return 7; }`},
		{name: "elf-tail-call-no-map", value: 7, code: `SEC("5/0") int q(struct __sk_buff *s) { return 9; }
` + plainCode},
		{name: "elf-tail-call-rejected", value: none, code: `struct elf_map jmp SEC("maps") = { .type = MAP_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 2, .id = 1 };
SEC("1/0") int q(struct __sk_buff *s) { return *(int *)0; }
SEC("prog") int p(struct __sk_buff *s) { tail_call(s, &jmp, 0); return 7; }`},
		{name: "old-map", value: 7, code: `struct old_map m SEC("maps") = { .type = MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4 };
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 1; __u64 *v = map_lookup(&m, &k); return v ? 7 : 8; }`},
		{name: "static-map", value: 7, code: `static struct elf_map m SEC("maps") = { .type = MAP_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 4 };
SEC("prog") int p(struct __sk_buff *s) { __u32 k = 1; __u64 *v = map_lookup(&m, &k); return v ? 7 : 8; }`},

		// Data.
		{name: "data", value: 7, code: `volatile int g = 7;
SEC("prog") int p(struct __sk_buff *s) { return g; }`},
		{name: "bss", value: 7, code: `volatile int g;
SEC("prog") int p(struct __sk_buff *s) { return g + 7; }`},
		{name: "rodata", value: 7, code: `const volatile int g = 7;
SEC("prog") int p(struct __sk_buff *s) { return g; }`},
		{name: "data-named", value: 7, code: `volatile int g SEC(".data.mine") = 7;
SEC("prog") int p(struct __sk_buff *s) { return g; }`},
		{name: "static-data", value: 7, code: `static volatile int g = 7;
SEC("prog") int p(struct __sk_buff *s) { return g; }`},
		{name: "string", value: 7, code: `SEC("prog") int p(struct __sk_buff *s) { trace_printk("queue 7 of all the queues", 26); return 7; }`},
		{name: "kconfig", value: 7, code: `extern int CONFIG_HZ SEC(".kconfig");
SEC("prog") int p(struct __sk_buff *s) { return CONFIG_HZ ? 7 : 7; }`},
		{name: "kconfig-missing", value: none, code: `extern int CONFIG_NO_SUCH_THING SEC(".kconfig");
SEC("prog") int p(struct __sk_buff *s) { return CONFIG_NO_SUCH_THING; }`},
		{name: "ksym", value: 7, code: `extern const void nosuch SEC(".ksyms") WEAK;
SEC("prog") int p(struct __sk_buff *s) { return &nosuch ? 8 : 7; }`},
		{name: "ksym-missing", value: none, code: `extern const void nosuch SEC(".ksyms");
SEC("prog") int p(struct __sk_buff *s) { const void *a = &nosuch; asm volatile("" : "+r"(a)); return a ? 8 : 7; }`},
		{name: "kfunc-missing", value: none, code: `extern int nosuch(int) SEC(".ksyms");
SEC("prog") int p(struct __sk_buff *s) { return nosuch(1); }`},
		{name: "undefined-function", value: none, code: `extern int nosuch(int);
SEC("prog") int p(struct __sk_buff *s) { return nosuch(1); }`},
		{name: "undefined-data", value: none, code: `extern int nosuch;
SEC("prog") int p(struct __sk_buff *s) { return nosuch; }`},
		{name: "struct-ops-map", value: 7, code: `struct tcp_congestion_ops { char name[16]; } ops SEC(".struct_ops") = { .name = "x" };
` + plainCode},
		{name: "struct-ops-link-map", value: 7, code: `struct nosuch_ops { int x; } ops SEC(".struct_ops.link") = { .x = 1 };
` + plainCode},
		{name: "core-relocation", value: 7, code: `struct task_struct { int pid; } __attribute__((preserve_access_index));
SEC("prog") int p(struct __sk_buff *s) { struct task_struct *t = 0; return __builtin_preserve_field_info(t->pid, 2) ? 7 : 8; }`},

		// Functions.
		{name: "static-function", value: 7, code: `static NOINLINE int sub(struct __sk_buff *s) { return s->len ? 7 : 8; }
SEC("prog") int p(struct __sk_buff *s) { return sub(s); }`},
		{name: "static-functions", value: 7, code: `static NOINLINE int other(struct __sk_buff *s) { return s->mark ? 1 : 0; }
static NOINLINE int sub(struct __sk_buff *s) { return s->len ? 7 + other(s) : 8; }
SEC("prog") int p(struct __sk_buff *s) { return sub(s); }`},
		{name: "global-function", value: 7, code: globalFunction},
		{name: "function-in-a-section", value: 7, code: `static NOINLINE SEC("other") int sub(struct __sk_buff *s) { return s->len ? 7 : 8; }
SEC("prog") int p(struct __sk_buff *s) { return sub(s); }`},
		{name: "function-as-program", args: program("sub"), value: 7, code: `static NOINLINE int sub(struct __sk_buff *s) { return s->len ? 7 : 8; }
SEC("prog") int p(struct __sk_buff *s) { return sub(s); }`},
		{name: "program-in-text", value: 7, args: section(".text"), code: `int p(struct __sk_buff *s) { return 7; }`},
		{name: "recursion", value: none, code: `static NOINLINE int b(struct __sk_buff *s);
static NOINLINE int a(struct __sk_buff *s) { volatile int x = b(s); return x + 1; }
static NOINLINE int b(struct __sk_buff *s) { volatile int x = s->len ? a(s) : 7; return x + 1; }
SEC("prog") int p(struct __sk_buff *s) { return a(s); }`},
		{name: "callback", value: 7, code: `static long (*loop)(__u32 n, void *f, void *ctx, __u64 flags) = (void *)181;
static NOINLINE long each(__u32 i, void *ctx) { return 0; }
SEC("prog") int p(struct __sk_buff *s) { loop(2, each, 0, 0); return 7; }`},

		// Several programs.
		{name: "two-sections-first", args: program("one"), value: 1, code: twoSections},
		{name: "two-sections-second", args: program("two"), value: 2, code: twoSections},
		{name: "two-sections-by-section", args: section("b"), value: 2, code: twoSections},
		{name: "one-section-first", args: program("one"), value: 1, code: oneSection},
		{name: "one-section-second", args: program("two"), value: 2, code: oneSection},
		{name: "one-section-by-section", args: section("prog"), value: 1, code: oneSection},
		{name: "other-program-rejected", value: 7, code: `SEC("bad") int q(struct __sk_buff *s) { return *(int *)0; }
` + plainCode},
		{name: "other-program-fentry", value: 7, code: `SEC("fentry/nosuch") int q(void *c) { return 1; }
` + plainCode},

		// Licences.
		{name: "no-licence", value: 7, code: plainCode, flags: []string{"-DNO_LICENSE"}},
		{name: "no-licence-gpl-helper", value: none, flags: []string{"-DNO_LICENSE"}, code: `SEC("prog") int p(struct __sk_buff *s) { char f[] = "x"; trace_printk(f, 2); return 7; }`},
		{name: "proprietary-gpl-helper", value: none, flags: []string{"-DNO_LICENSE"}, code: `char _license[] SEC("license") = "Proprietary";
SEC("prog") int p(struct __sk_buff *s) { char f[] = "x"; trace_printk(f, 2); return 7; }`},
		{name: "long-licence", value: 7, flags: []string{"-DNO_LICENSE"}, code: `char _license[] SEC("license") = "` + long("L", 200) + `";
` + plainCode},
		{name: "licence-of-128-bytes", value: 7, flags: []string{"-DNO_LICENSE"}, code: `char _license[128] SEC("license") = "` + long("L", 128) + `";
` + plainCode},
		{name: "licence-without-end", value: 7, flags: []string{"-DNO_LICENSE"}, code: `char _license[3] SEC("license") = "GPL";
` + plainCode},

		// Programs that the verifier rejects.
		{name: "bad-pointer", value: none, code: `SEC("prog") int p(struct __sk_buff *s) { return *(int *)0; }`},
		{name: "bad-context", value: none, code: `SEC("prog") int p(char *s) { return *(int *)(s + 4000); }`},
		{name: "endless", value: none, code: `SEC("prog") int p(struct __sk_buff *s) { for (;;) if (s->len == 1) asm volatile("" ::: "memory"); return 7; }`},
		{name: "five-thousand-instructions", value: 7, code: `SEC("prog") int p(struct __sk_buff *s) { ` + many(5000, `asm volatile("r0 = %d");`) + ` return 7; }`},
		{name: "no-program", args: section("prog"), value: none, code: `int x = 1;`},

		// Other machines.
		{name: "big-endian", value: none, code: plainCode, target: "bpfeb"},
		{name: "x86-64", value: none, code: plainCode, target: "x86_64-linux-gnu", flags: []string{"-g0"}},
		{name: "i386", value: none, code: plainCode, target: "i386-linux-gnu", flags: []string{"-g0"}},
		{name: "aarch64", value: none, code: plainCode, target: "aarch64-linux-gnu", flags: []string{"-g0"}},
		{name: "s390x", value: none, code: plainCode, target: "s390x-linux-gnu", flags: []string{"-g0"}},
	}
	for _, name := range sectionNames {
		s := source{name: "section:" + name, args: section(name), value: 7,
			code: `SEC("` + name + `") int p(void *c) { return 7; }`, file: fileName("section-" + name),
			contexts: plainContext, builds: []string{Distribution, Kernel}}
		all = append(all, s)
	}
	for i := range all {
		// Only objects that pin something are also loaded without a BPF
		// file system.
		if all[i].contexts == nil && !strings.Contains(all[i].name, "pinned") {
			all[i].contexts = mostContexts
		}
	}
	return append(all, damaged()...)
}

// plainContext is for objects whose result does not depend on the environment
// of ip.
var (
	plainContext = []string{record.BPFFS}
	mostContexts = []string{record.BPFFS, record.ReadOnlySys, record.NetNS, record.Unprivileged}
	lastingPins  = []string{record.BPFFS, record.ReadOnlySys, record.NetNS, record.NoBPFFS, record.Unprivileged}
)

const globalFunction = `NOINLINE int sub(struct __sk_buff *s) { return s->len ? 7 : 8; }
SEC("prog") int p(struct __sk_buff *s) { return sub(s); }`

const twoSections = `SEC("a") int one(struct __sk_buff *s) { return 1; }
SEC("b") int two(struct __sk_buff *s) { return 2; }`

const oneSection = `SEC("prog") int one(struct __sk_buff *s) { return 1; }
SEC("prog") int two(struct __sk_buff *s) { return 2; }`

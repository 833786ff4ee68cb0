// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import (
	_ "embed"
	"fmt"
	"strings"
)

// These parts of the two programs do not depend on the headers.
var (
	//go:embed testdata/probe/runtime.c
	probeC string
	//go:embed testdata/probe/main.go.txt
	probeGo string
)

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

// goProbes returns the Go program. It compiles only if the constants have the values that
// the generator of the headers expects.
func goProbes(probes []probe, values map[string]string) string {
	var b strings.Builder
	b.WriteString(probeGo)
	b.WriteString("\nvar probes = [...]probe{\n")
	for _, p := range probes {
		b.WriteString(p.goText())
	}
	b.WriteString("}\n\nfunc _() {\n")
	for _, name := range sortedKeys(values) {
		// A key that occurs twice does not compile.
		fmt.Fprintf(&b, "\t_ = map[bool]bool{false: false, %s == %s: true}\n", name, values[name])
	}
	b.WriteString("}\n")
	return b.String()
}

// cProbes returns the C program.
func cProbes(probes []probe, cfg *Config) string {
	var b strings.Builder
	for _, h := range cfg.Headers {
		fmt.Fprintf(&b, "#include <%s>\n#pragma pack()\n", h.Path)
	}
	var table strings.Builder
	for i, p := range probes {
		functions, entry := p.cText(i)
		b.WriteString(functions)
		table.WriteString(entry)
	}
	fmt.Fprintf(&b, `
#define NPROBES %d
static const struct probe {
	unsigned int span;
	char kind;
	void (*set)(void *, unsigned long long);
	unsigned long long (*get)(void *);
} probes[] = {
%s};
`, len(probes), table.String())
	b.WriteString(probeC)
	return b.String()
}

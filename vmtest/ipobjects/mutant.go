// SPDX-License-Identifier: GPL-2.0-only OR MIT

package ipobjects

// mutant removes one check of the series from iproute2. The result of an object
// must change.
type mutant struct {
	name string
	// file is a source file of iproute2, in which old occurs once and becomes new.
	file, old, new string
	// build and object select the result that the mutant must change.
	build, object string
}

const (
	legacyFile = "lib/bpf_legacy.c"
	libbpfFile = "lib/bpf_libbpf.c"
)

// mutants are one for each check that the series adds to the loaders.
var mutants = []mutant{
	{"licence-length", legacyFile, "data->sec_data->d_size >= sizeof(ctx->license)", "data->sec_data->d_size > sizeof(ctx->license)", Legacy, "licence-of-128-bytes"},
	{"map-name-outside", legacyFile, "if (!name || !*name ||", "if (!*name ||", Legacy, "elf-symbol-map-name-outside"},
	{"map-name-empty", legacyFile, "if (!name || !*name ||", "if (!name ||", Legacy, "elf-symbol-map-no-name"},
	{"symbol-size", legacyFile, "if (data->sec_hdr.sh_entsize != size ||", "if (0 &&", Legacy, "elf-section-header-symbols-size"},
	{"no-symbols", legacyFile, "if (!ctx->sym_tab) {", "if (0) {", Legacy, "elf-section-header-symbols-empty"},
	{"relocation-size", legacyFile, "if (rhdr->sh_entsize != size ||", "if (0 &&", Legacy, "elf-section-header-relocation-size"},
	{"relocation-odd", legacyFile, "if (relo->r_offset % sizeof(struct bpf_insn) ||\n	    insn_off >= prog->insns_num)\n		return -EINVAL;\n	if (prog->insns[insn_off].code != (BPF_LD",
		"if (insn_off >= prog->insns_num)\n		return -EINVAL;\n	if (prog->insns[insn_off].code != (BPF_LD", Legacy, "elf-relocation-odd"},
	{"relocation-outside", legacyFile, "	    insn_off >= prog->insns_num)\n		return -EINVAL;\n	if (prog->insns[insn_off].code != (BPF_LD",
		"	    0)\n		return -EINVAL;\n	if (prog->insns[insn_off].code != (BPF_LD", Legacy, "elf-relocation-outside"},
	{"relocation-inside-a-map", legacyFile, "if (sym->st_value % ctx->map_len || map_idx >= (__u64)ctx->map_num)", "if (map_idx >= (__u64)ctx->map_num)", Legacy, "relocation-inside-a-map"},
	{"relocation-behind-the-maps", legacyFile, "if (sym->st_value % ctx->map_len || map_idx >= (__u64)ctx->map_num)", "if (sym->st_value % ctx->map_len)", Legacy, "relocation-behind-the-maps"},
	{"relocation-undefined", legacyFile, "if (ctx->sec_maps && sym.st_shndx == ctx->sec_maps)", "if (sym.st_shndx == ctx->sec_maps)", Legacy, "undefined-function"},
	{"relocation-unknown", legacyFile, "ret = bpf_report_relo(ctx, data_relo, &sym);", "ret = 0;", Legacy, "data"},
	{"relocation-addends", legacyFile, "if (!ret && hdr.sh_type == SHT_RELA) {", "if (0) {", Legacy, "elf-section-header-relocation-addends"},
	{"call-outside", legacyFile, "target < 0 || target >= prog_text->insns_num", "0", Legacy, "call-outside"},
	{"function-address", legacyFile, "if (prog->insns[insn_off].code == (BPF_LD | BPF_IMM | BPF_DW)) {", "if (0) {", Legacy, "callback"},
	{"two-sections", legacyFile, "if (found >= 0) {\n			fprintf(stderr, \"ELF file has more than one section", "if (0) {\n			fprintf(stderr, \"ELF file has more than one section", Legacy, "two-sections-of-one-name-by-section"},
	{"two-programs", legacyFile, "if (found >= 0) {\n			fprintf(stderr, \"ELF file has more than one program", "if (0) {\n			fprintf(stderr, \"ELF file has more than one program", Legacy, "two-programs-of-one-name"},
	{"not-alone", legacyFile, "if (sym.st_value || sym.st_size != data.sec_hdr.sh_size) {", "if (0) {", Legacy, "one-section-first"},
	{"not-executable", legacyFile, "return data->sec_hdr.sh_type == SHT_PROGBITS &&\n	       (data->sec_hdr.sh_flags & SHF_EXECINSTR);", "return data->sec_hdr.sh_type == SHT_PROGBITS;", Legacy, "elf-section-header-code-not-executable"},
	{"no-function", legacyFile, "GELF_ST_TYPE(sym.st_info) != STT_FUNC", "0", Legacy, "elf-symbol-program-no-function"},
	{"inner-map-key", legacyFile, "if (ctx->maps[j].size_key > sizeof(inner_idx)) {", "if (0) {", Legacy, "elf-map-of-maps-by-long-keys"},
	{"no-file-system", legacyFile, "	if (!bpf_get_work_dir(ctx->type)) {\n		errno = ENOENT;", "	if (0) {\n		errno = ENOENT;", Legacy, "elf-map-pinned-custom"},
	{"pin-that-vanishes", legacyFile, "if (netns_switched()) {", "if (0) {", Legacy, "elf-map-pinned-global"},
	{"file-system-lost", "lib/namespace.c", "bpffs = keep_bpffs && set_aside_bpffs();", "bpffs = false;", Legacy, "elf-map-pinned-global"},
	{"file-system-of-exec", "lib/namespace.c", "return do_netns_switch(name, false);", "return do_netns_switch(name, true);", Legacy, "elf-map-pinned-global"},
	{"tracing", libbpfFile, "	case BPF_PROG_TYPE_TRACING:\n", "", Distribution, "section:fentry/nosuch"},
	{"extension", libbpfFile, "	case BPF_PROG_TYPE_EXT:\n", "", Distribution, "section:freplace/nosuch"},
	{"lsm", libbpfFile, "	case BPF_PROG_TYPE_LSM:\n", "", Distribution, "section:lsm/file_open"},
	{"syscall", libbpfFile, "	case BPF_PROG_TYPE_SYSCALL:\n", "", Distribution, "section:syscall"},
	{"struct-ops-program", libbpfFile, "	case BPF_PROG_TYPE_STRUCT_OPS:\n", "", Distribution, "section:struct_ops/nosuch"},
	{"sleepable", libbpfFile, "if (len > 2 && !strncmp(sec_name + len - 2, \".s\", 2))", "if (0)", Distribution, "section:uprobe.s/x:nosuch"},
	{"unknown-section", libbpfFile, "	case BPF_PROG_TYPE_UNSPEC:\n", "", Distribution, "section:filter.s"},
	{"struct-ops-map", libbpfFile, "if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS) {", "if (0) {", Distribution, "struct-ops-map"},
	{"no-file-system-libbpf", libbpfFile, "if (path && iproute2_make_root_path() < 0) {", "if (0) {", Distribution, "btf-map-pinned"},
	{"reason", libbpfFile, "libbpf_strerror(ret, reason, sizeof(reason));", "strcpy(reason, \"\");", Distribution, "undefined-function"},
}

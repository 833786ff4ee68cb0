// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

// Made says how a test of netdev's runner (NIPA) is covered here.
type Made int

const (
	// Here means that checks of this package make it.
	Here Made = iota
	// Network means that it needs the network, so it is not made.
	Network
	// NotMade means that nothing here makes it.
	NotMade
)

// NIPATest is a test of NIPA.
type NIPATest struct {
	// Name is "patch/NAME" or "series/NAME", as in NIPA's directory tests.
	Name string
	Made Made
	// Checks are the checks that make it.
	Checks []string
	// Note says what differs, or why it is not made.
	Note string
	// Builds says that NIPA compiles whole trees for it.
	Builds bool
}

// NIPA returns the tests of NIPA as of September 2026.
func NIPA() []NIPATest {
	return []NIPATest{
		{Name: "series/series_format", Checks: []string{"cover", "patch_count", "tree_tag"}, Note: "prefix also compares the subjects"},
		{Name: "series/fixes_present", Checks: []string{"fixes_present"}},
		{Name: "series/maintainers", Checks: []string{"maintainers"}, Note: "also the form of new lines in MAINTAINERS"},
		{Name: "series/ynl", Checks: []string{"ynl"}, Note: "NIPA also builds all of tools/net/ynl"},
		{Name: "patch/verify_signedoff", Checks: []string{"verify_signedoff"}, Note: "a patch without any sign-off is a warning while its author is a placeholder"},
		{Name: "patch/verify_fixes", Checks: []string{"verify_fixes"}, Note: "a base from a package has no history: then only the form"},
		{Name: "patch/checkpatch", Checks: []string{"checkpatch"}, Note: "also COMMIT_LOG_LONG_LINE; not MISSING_SIGN_OFF, UNKNOWN_COMMIT_ID"},
		{Name: "patch/cc_maintainers", Checks: []string{"cc_maintainers"}, Note: "the export copies whom get_maintainer names; NIPA also asks lore who left"},
		{Name: "patch/header_inline", Checks: []string{"header_inline"}},
		{Name: "patch/source_inline", Checks: []string{"source_inline"}},
		{Name: "patch/deprecated_api", Checks: []string{"deprecated_api"}},
		{Name: "patch/kdoc", Checks: []string{"kdoc"}, Note: "Doxygen comments of libbpf pass"},
		{Name: "patch/check_selftest", Checks: []string{"check_selftest"}},
		{Name: "patch/shellcheck", Checks: []string{"shellcheck"}, Note: "also scripts without a suffix"},
		{Name: "patch/yamllint", Checks: []string{"yamllint"}},
		{Name: "patch/pylint", Checks: []string{"pylint"}, Note: "also scripts without a suffix"},
		{Name: "patch/ruff", Checks: []string{"ruff"}, Note: "also scripts without a suffix"},
		{Name: "patch/build_allmodconfig_warn", Builds: true, Checks: []string{"build_gcc", "sparse"}, Note: "the directories that the series touches; the whole tree with --full"},
		{Name: "patch/build_clang", Builds: true, Checks: []string{"build_clang"}, Note: "the files that the series changes; the whole tree with --full"},
		{Name: "patch/build_32bit", Builds: true, Checks: []string{"build_32bit"}, Note: "the files that the series changes; the whole tree with --full"},
		{Name: "patch/build_tools", Builds: true, Checks: []string{"build_tools"}, Note: "what the series touches of selftests; also libbpf and bpftool"},
		{Name: "series/ai-review", Made: Network, Note: "sends the patches to a service"},
		{Name: "patch/signed", Made: Network, Note: "the signature of a mail: it exists only once the mail is sent"},
		{Name: "patch/build_clang_rust", Made: NotMade, Note: "nothing here builds Rust; files then names it"},
		{Name: "patch/dt_binding_check", Made: NotMade, Note: "needs dtschema; files then names it"},
		{Name: "patch/dtbs_check", Made: NotMade, Note: "needs dtschema and compilers of other architectures"},
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

// Coverage says whether this package runs a test of netdev's runner (NIPA).
type Coverage int

const (
	// Covered means that checks of this package run the test.
	Covered Coverage = iota
	// Network means that the test needs the network, so it does not run.
	Network
	// NotCovered means that no check runs the test.
	NotCovered
)

// NIPATest is a test of NIPA.
type NIPATest struct {
	// Name is "patch/NAME" or "series/NAME", as in NIPA's directory tests.
	Name     string
	Coverage Coverage
	// Checks are the checks that cover the test.
	Checks []string
	// Note explains how the checks differ, or why they do not cover the test.
	Note string
	// Builds says that NIPA compiles whole trees for it.
	Builds bool
}

// NIPA returns the tests of NIPA as of September 2026.
func NIPA() []NIPATest {
	return []NIPATest{
		{Name: "series/series_format", Checks: []string{"cover", "patch_count", "tree_tag"}, Note: "the check prefix also compares the subjects"},
		{Name: "series/fixes_present", Checks: []string{"fixes_present"}},
		{Name: "series/maintainers", Checks: []string{"maintainers"}, Note: "also checks the format of new lines in MAINTAINERS"},
		{Name: "series/ynl", Checks: []string{"ynl"}, Note: "NIPA also builds all of tools/net/ynl"},
		{Name: "patch/verify_signedoff", Checks: []string{"verify_signedoff"}, Note: "a missing sign-off is only a warning if the author is the placeholder"},
		{Name: "patch/verify_fixes", Checks: []string{"verify_fixes"}, Note: "checks only the format of the tag if the base is a distribution package without git history"},
		{Name: "patch/checkpatch", Checks: []string{"checkpatch"}, Note: "also reports COMMIT_LOG_LONG_LINE; does not report MISSING_SIGN_OFF and UNKNOWN_COMMIT_ID"},
		{Name: "patch/cc_maintainers", Checks: []string{"cc_maintainers"}, Note: "the export adds everybody in get_maintainer's output to Cc; NIPA also queries lore and ignores people who are no longer active"},
		{Name: "patch/header_inline", Checks: []string{"header_inline"}},
		{Name: "patch/source_inline", Checks: []string{"source_inline"}},
		{Name: "patch/deprecated_api", Checks: []string{"deprecated_api"}},
		{Name: "patch/kdoc", Checks: []string{"kdoc"}, Note: "accepts the Doxygen comments of libbpf"},
		{Name: "patch/check_selftest", Checks: []string{"check_selftest"}},
		{Name: "patch/shellcheck", Checks: []string{"shellcheck"}, Note: "also checks scripts without a suffix"},
		{Name: "patch/yamllint", Checks: []string{"yamllint"}},
		{Name: "patch/pylint", Checks: []string{"pylint"}, Note: "also checks scripts without a suffix"},
		{Name: "patch/ruff", Checks: []string{"ruff"}, Note: "also checks scripts without a suffix"},
		{Name: "patch/build_allmodconfig_warn", Builds: true, Checks: []string{"build_gcc", "sparse"}, Note: "builds the directories that the series touches; with --full the whole tree"},
		{Name: "patch/build_clang", Builds: true, Checks: []string{"build_clang"}, Note: "builds the files that the series changes; with --full the whole tree"},
		{Name: "patch/build_32bit", Builds: true, Checks: []string{"build_32bit"}, Note: "builds the files that the series changes; with --full the whole tree"},
		{Name: "patch/build_tools", Builds: true, Checks: []string{"build_tools"}, Note: "builds the selftests that the series touches; also libbpf and bpftool"},
		{Name: "series/ai-review", Coverage: Network, Note: "sends the patches to a service"},
		{Name: "patch/signed", Coverage: Network, Note: "checks the signature of a mail that was sent"},
		{Name: "patch/build_clang_rust", Coverage: NotCovered, Note: "the check files reports Rust files as not built"},
		{Name: "patch/dt_binding_check", Coverage: NotCovered, Note: "needs dtschema"},
		{Name: "patch/dtbs_check", Coverage: NotCovered, Note: "needs dtschema and cross compilers; the check files reports device trees as not built"},
	}
}

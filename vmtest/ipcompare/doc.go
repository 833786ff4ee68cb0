// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package ipcompare compares iproute2 before and after the series: the results
// of its own testsuite, and the warnings of compilers.
package ipcompare

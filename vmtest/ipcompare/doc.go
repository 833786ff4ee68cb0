// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package ipcompare compares iproute2 before and after the series: what its own testsuite
// says, and what compilers warn of.
package ipcompare

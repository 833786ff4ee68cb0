// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package nipa runs the tests of netdev's CI (NIPA, https://github.com/linux-netdev/nipa)
// on the mails of a series and compares them with the checks of package check. It also
// puts faults into a series and compares which side notices them.
//
// The user provides the source of NIPA; nothing of it is here. Its tests need git, Python
// and the dependencies that package deps lists for series.
package nipa

// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package check runs the tests of the guest suite and reports them as KTAP.
//
// It is deliberately smaller than package testing and differs where a guest
// needs it: every test runs on an operating system thread of its own, which is
// thrown away afterwards together with the namespaces it entered; a test that
// panics or outlives its deadline fails by itself and the next one still runs;
// and after each test goroutines, file descriptors and threads in a foreign
// network namespace are counted, so that a test which leaks fails.
//
// A test fails through [T.Errorf] or [T.Fatalf], is skipped through [T.Skipf],
// and passes otherwise.
package check

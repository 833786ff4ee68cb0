// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package check runs the tests of the guest suite and reports them as KTAP.
//
// It is smaller than package testing and differs where a guest needs it:
//
//   - Every test runs on its own operating system thread. The thread ends with
//     the test, together with the namespaces that it entered.
//   - If a test panics or exceeds its deadline, only that test fails. The next
//     one still runs.
//   - After each test the runner counts goroutines, file descriptors and threads
//     in other network namespaces. A test that leaks fails.
//
// A test fails if it calls [T.Errorf] or [T.Fatalf], and is skipped if it calls
// [T.Skipf]. Otherwise it passes.
package check

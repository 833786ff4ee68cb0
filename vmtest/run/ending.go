// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"xpsgen/vmtest/verdict"
	"xpsgen/vmtest/vm"
)

// Ending is how the program of a guest ended.
type Ending struct {
	// Ended says that the program ended before the guest. Otherwise Code is not
	// valid.
	Ended bool
	// Code is its exit code, 128+n if signal n ended it.
	Code int
}

// KernelError is a kernel that panicked or warned while a program ran. The
// program may still have succeeded.
type KernelError struct {
	// Splats are its warnings, decoded. Empty if it printed none.
	Splats []verdict.Splat
	// Err is the error that ended the guest, or nil if the program did.
	Err error
}

func (e *KernelError) Error() string {
	var parts []string
	for _, s := range e.Splats {
		parts = append(parts, s.Reason())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text := strings.Join(parts, "; ")
	if len(e.Splats) > 0 {
		text += "\n" + strings.Join(e.Splats[0].Text, "\n")
	}
	return text
}

func (e *KernelError) Unwrap() error { return e.Err }

// TimeoutError is a program that did not end in time.
type TimeoutError struct {
	Program string
	After   time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s did not end within %s", e.Program, e.After)
}

// kernelDied reports whether err says that a guest ended before what ran in it: its
// kernel panicked, hangs or powered off.
func kernelDied(err error) bool {
	return errors.As(err, new(*vm.PanicError)) || errors.As(err, new(*vm.OopsError)) || errors.As(err, new(*vm.HangError)) ||
		errors.As(err, new(*vm.BootError)) || errors.As(err, new(*vm.EarlyExitError)) || errors.As(err, new(*vm.ConsoleFloodError))
}

// ending tells how a guest ended. cause is why it was ended from outside, nil if it
// was not.
func ending(result *vm.Result, err, cause error, splats []verdict.Splat) (Ending, error) {
	var e Ending
	if result.Exit != nil && result.Exit.Error == "" {
		e = Ending{Ended: true, Code: result.Exit.Code}
	}
	if err != nil && cause != nil {
		err = cause
	}
	if len(splats) > 0 || kernelDied(err) {
		return e, &KernelError{Splats: splats, Err: err}
	}
	return e, err
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// executing matches the line of a log of syz-manager or of syz-execprog before
// a program.
var executing = regexp.MustCompile(`executing program \d+(?: \(id=-?\d+\))?:$`)

// call matches a line of a program: "r0 = socket(", "close(".
var call = regexp.MustCompile(`^(?:r\d+ = )?[a-z_][a-zA-Z0-9_$]*\(.*\)`)

// programs returns the programs in a log, in the order in which they began.
func programs(log []byte) []string {
	var all []string
	var open bool
	var current strings.Builder
	flush := func() {
		if current.Len() > 0 {
			all = append(all, current.String())
		}
		current.Reset()
		open = false
	}
	for line := range strings.Lines(string(log)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case executing.MatchString(line):
			flush()
			open = true
		case open && call.MatchString(line):
			current.WriteString(line + "\n")
		default:
			flush()
		}
	}
	flush()
	return all
}

// crashWait is how long syz-manager may take to write a crash that the guest's console
// showed.
const crashWait = time.Minute

// waitCrash waits until syz-manager has written a crash in its directory, and returns the
// log: the last programs and the console.
func waitCrash(ctx context.Context, workdir string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, crashWait)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		logs, err := filepath.Glob(filepath.Join(workdir, "crashes", "*", "log0"))
		if err != nil {
			return nil, err
		}
		for _, log := range logs {
			// The manager writes these after the log.
			if done, err := exists(filepath.Dir(log), "report0", "title-stat"); done {
				return os.ReadFile(log)
			} else if err != nil {
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("syz-manager wrote no crash within %s", crashWait)
		case <-tick.C:
		}
	}
}

// exists reports whether dir has one of the files.
func exists(dir string, names ...string) (bool, error) {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// maxSingle is how many programs are tried alone, the last ones first.
const maxSingle = 4

// Reproducer makes the kernel panic or warn again.
type Reproducer struct {
	// Programs is the text of one program or, if no single one does it, of all.
	Programs []string
	// Complaint is the panic or warning of the kernel.
	Complaint string
}

// text joins programs in the form that syz-execprog reads.
func text(programs []string) []byte {
	var b bytes.Buffer
	for _, p := range programs {
		fmt.Fprintf(&b, "executing program 0:\n%s\n", p)
	}
	return b.Bytes()
}

// tryFunc runs programs in a new guest. It returns the panic or warning of its kernel, and
// the programs that began before.
type tryFunc func(ctx context.Context, list []string) (complaint string, began []string, err error)

// reproduce finds the program that makes the kernel panic or warn. It returns nil if the
// kernel does not panic or warn again.
func reproduce(ctx context.Context, all []string, run tryFunc) (*Reproducer, error) {
	complaint, began, err := run(ctx, all)
	if err != nil || complaint == "" {
		return nil, err
	}
	var tried []string
	for _, p := range slices.Backward(began) {
		if slices.Contains(tried, p) || !slices.Contains(all, p) {
			continue
		}
		if tried = append(tried, p); len(tried) > maxSingle {
			break
		}
		alone, _, err := run(ctx, []string{p})
		if err != nil {
			return nil, err
		}
		if alone != "" {
			return &Reproducer{[]string{p}, alone}, nil
		}
	}
	return &Reproducer{all, complaint}, nil
}

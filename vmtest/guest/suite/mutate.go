// SPDX-License-Identifier: GPL-2.0-only OR MIT

package suite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"xpsgen/vmtest/guest/suite/check"
	"xpsgen/vmtest/guest/wire"
	"xpsgen/vmtest/ktap"
)

// Mutate runs tests in a guest whose kernel and ip have mutants compiled in. The report
// has one result per test or per mutant, see [wire.Mutate]. A mutant passes if a test
// noticed it.
//
// Mutate ends early, without an error, if a test fails without a mutant. Then an earlier
// mutant has damaged the guest.
func Mutate(ctx context.Context, w *ktap.Writer, opt Options, task *wire.Mutate) error {
	g, selected, restore, err := setUp(opt)
	if err != nil {
		return err
	}
	defer restore()
	m, err := newMutation(g, w, selected, task)
	if err != nil {
		return err
	}
	defer m.close()
	if task.Reach {
		return m.reach(ctx)
	}
	w.Plan(len(task.Mutants))
	for i, t := range task.Mutants {
		healthy, err := m.try(ctx, t, i > 0)
		if err != nil || !healthy {
			return err
		}
	}
	return nil
}

// mutation is a run over mutants.
type mutation struct {
	g     *ground
	w     *ktap.Writer
	tests map[string]check.Test
	order []string
	task  *wire.Mutate
	ip    []byte // shared with ip, see [wire.MutantFile]
	kmsg  int
}

func newMutation(on *ground, w *ktap.Writer, groups []check.Group, task *wire.Mutate) (m *mutation, err error) {
	m = &mutation{g: on, w: w, tests: make(map[string]check.Test), task: task, kmsg: -1}
	for _, g := range groups {
		for _, t := range g.Tests {
			name := check.FullName(g.Name, t.Name)
			m.tests[name] = t
			m.order = append(m.order, name)
		}
	}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	f, err := os.OpenFile(wire.MutantFile, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("prepare ip's mutants: %w", err)
	}
	defer f.Close()
	size := 4 + task.End
	// The mode of OpenFile is masked, and some tests run ip as another user.
	if err := errors.Join(f.Truncate(int64(size)), f.Chmod(0o666)); err != nil {
		return nil, fmt.Errorf("prepare ip's mutants: %w", err)
	}
	if m.ip, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map %s: %w", wire.MutantFile, err)
	}
	if m.kmsg, err = unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open /dev/kmsg: %w", err)
	}
	if _, err := unix.Seek(m.kmsg, 0, unix.SEEK_END); err != nil {
		return nil, fmt.Errorf("open /dev/kmsg: %w", err)
	}
	return m, nil
}

func (m *mutation) close() {
	if m.ip != nil {
		_ = unix.Munmap(m.ip)
	}
	if m.kmsg >= 0 {
		_ = unix.Close(m.kmsg)
	}
}

// choose enables one mutant, or none if id is 0, and clears the list of reached mutants.
func (m *mutation) choose(id int) error {
	clear(m.ip)
	kernel := id
	if id >= m.task.IPFrom {
		kernel = 0
		binary.NativeEndian.PutUint32(m.ip, uint32(id))
	}
	if err := os.WriteFile(wire.MutantProc, []byte(strconv.Itoa(kernel)), 0); err != nil {
		return fmt.Errorf("choose mutant %d: %w", id, err)
	}
	return nil
}

// reach runs each test by itself and reports the mutants that it reached.
func (m *mutation) reach(ctx context.Context) error {
	m.w.Plan(len(m.order))
	for _, name := range m.order {
		if err := m.choose(0); err != nil {
			return err
		}
		start := time.Now()
		failed, reason, err := m.one(ctx, name, 0)
		if err != nil {
			return err
		}
		took := time.Since(start)
		list, err := os.ReadFile(wire.MutantProc)
		if err != nil {
			return fmt.Errorf("read the mutants that %s reached: %w", name, err)
		}
		ids := strings.Fields(string(list))
		for i, hit := range m.ip[4:] {
			if hit != 0 {
				ids = append(ids, strconv.Itoa(i))
			}
		}
		m.w.Diag("%s%s", wire.MutantReached, strings.Join(ids, " "))
		m.w.Elapsed(took.Round(time.Microsecond))
		status := ktap.Pass
		if failed {
			status = ktap.Fail
		}
		m.w.Result(name, status, reason)
	}
	return nil
}

// try runs the tests of one mutant until one notices it. healthy is false if the guest
// cannot run more mutants. dirty says that this guest has run another mutant before.
func (m *mutation) try(ctx context.Context, t wire.MutantTask, dirty bool) (healthy bool, err error) {
	name := "m" + strconv.Itoa(t.ID)
	start := time.Now()
	result := func(s ktap.Status, reason string) {
		m.w.Elapsed(time.Since(start).Round(time.Microsecond))
		m.w.Result(name, s, reason)
	}
	defer func() {
		if healthy {
			err = errors.Join(err, m.choose(0))
		}
	}()
	for _, test := range t.Tests {
		m.w.Diag("%s%d %s", wire.MutantStart, t.ID, test)
		if err := m.choose(t.ID); err != nil {
			return false, err
		}
		failed, reason, err := m.one(ctx, test, m.limit(test))
		if err != nil {
			return false, err
		}
		splat := m.splat()
		if splat != "" {
			result(ktap.Pass, test+": "+splat)
			return false, nil
		}
		if !failed {
			continue
		}
		noticed := test + ": " + reason
		if err := m.choose(0); err != nil {
			return false, err
		}
		again, why, err := m.one(ctx, test, 0)
		if err != nil {
			return false, err
		}
		if again {
			m.w.Diag("%s%s fails without a mutant: %s", wire.MutantUnhealthy, test, why)
			if !dirty { // this mutant caused it
				result(ktap.Pass, noticed)
			}
			return false, nil
		}
		// The host may have caused a failure that does not repeat.
		if err := m.choose(t.ID); err != nil {
			return false, err
		}
		if again, _, err = m.one(ctx, test, m.limit(test)); err != nil {
			return false, err
		}
		if !again {
			m.w.Diag("not repeated: %s", noticed)
			continue
		}
		result(ktap.Pass, noticed)
		return true, nil
	}
	if err := m.choose(0); err != nil {
		return false, err
	}
	if err := m.g.leaks.leftovers(ctx); err != nil {
		if !dirty {
			result(ktap.Pass, err.Error())
		}
		m.w.Diag("%s%v", wire.MutantUnhealthy, err)
		return false, nil
	}
	result(ktap.Fail, "survived")
	return true, nil
}

// limit returns the time limit of a test with a mutant, so that a mutant that hangs is
// noticed soon.
func (m *mutation) limit(test string) time.Duration {
	cost := time.Duration(m.task.Costs[test]) * time.Microsecond
	if cost == 0 {
		return 0
	}
	return 6*cost + 2*time.Second
}

// one runs a test alone. limit replaces the time limit of the test if it is shorter; 0
// means no limit.
func (m *mutation) one(ctx context.Context, name string, limit time.Duration) (failed bool, reason string, err error) {
	test, ok := m.tests[name]
	if !ok {
		return false, "", fmt.Errorf("no test %s", name)
	}
	own := test.Timeout
	if own == 0 {
		own = check.DefaultTimeout
	}
	if limit > 0 {
		test.Timeout = min(limit, own)
	}
	group, _, _ := strings.Cut(name, "/")
	var out bytes.Buffer
	n, err := m.g.runner(ktap.NewWriter(&out)).Run(ctx, []check.Group{{Name: group, Tests: []check.Test{test}}})
	if err != nil {
		return false, "", fmt.Errorf("%s: %w", name, err)
	}
	report, err := ktap.Parse(&out)
	if err != nil {
		return false, "", fmt.Errorf("%s: %w", name, err)
	}
	for _, t := range report.Flat() {
		if t.Status == ktap.Fail {
			reason = t.Reason
		}
	}
	return n > 0, reason, nil
}

// splats matches warnings and errors in the kernel's log.
var splats = regexp.MustCompile(`WARNING:|BUG:|Oops|refcount_t:|general protection|unregister_netdevice: waiting|UBSAN|KASAN|rcu: INFO`)

// splat returns the first warning or error of the kernel since the last call, or "".
func (m *mutation) splat() string {
	first := ""
	buf := make([]byte, 8192)
	for {
		n, err := unix.Read(m.kmsg, buf)
		if err != nil || n <= 0 {
			if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.EINTR) {
				continue // some lines were overwritten
			}
			return first
		}
		_, line, _ := strings.Cut(string(buf[:n]), ";")
		line, _, _ = strings.Cut(line, "\n")
		if first == "" && splats.MatchString(line) {
			first = line
		}
	}
}

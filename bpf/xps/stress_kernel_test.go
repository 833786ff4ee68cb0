// SPDX-License-Identifier: GPL-2.0-only OR MIT

package xps_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

// XPS_TEST_OPERATIONS is how many operations TestKernelStress makes.
const (
	stressOperations = 2000
	stressWorkers    = 50
	stressNamespaces = 4
	stressDevices    = 64 // of all namespaces
)

// TestKernelStress has many goroutines attach, replace, detach, list and watch in
// several network namespaces whose devices come and go. Only races may cause errors,
// every list must be consistent, and no program may be left at the end.
func TestKernelStress(t *testing.T) {
	requireHook(t, nil)
	operations := stressOperations
	if v := os.Getenv("XPS_TEST_OPERATIONS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		operations = n
	}
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("XPS_TEST_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("%d operations, seed %d (XPS_TEST_OPERATIONS, XPS_TEST_SEED)", operations, seed)
	before := openFiles(t)

	var spaces []*namespace
	for range stressNamespaces {
		spaces = append(spaces, newNamespace(t))
	}
	progs := make([]*ebpf.Program, 4)
	ids := make(map[ebpf.ProgramID]bool)
	for i := range progs {
		progs[i] = mustProgram(t, int32(i))
		ids[mustID(t, progs[i])] = true
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var left atomic.Int64
	left.Store(int64(operations))
	var counts [len(stressOps)]atomic.Int64
	var workers sync.WaitGroup
	for i := range stressWorkers {
		workers.Go(func() {
			w := &stressWorker{
				space: spaces[i%len(spaces)], rand: rand.New(rand.NewPCG(seed, uint64(i))),
				progs: progs, ids: ids,
			}
			for left.Add(-1) >= 0 {
				n := w.rand.IntN(len(stressOps))
				counts[n].Add(1)
				if err := stressOps[n].do(ctx, w); err != nil {
					t.Errorf("%s: %v", stressOps[n].name, err)
				}
			}
		})
	}
	workers.Wait()
	for i, op := range stressOps {
		t.Logf("%s: %d", op.name, counts[i].Load())
	}

	// The watchers know the current state.
	for _, s := range spaces {
		s.settle(t, ctx)
		s.close(t)
	}
	for _, p := range progs {
		p.Close()
	}
	for id := range ids {
		// The kernel destroys a namespace in the background, and a debug kernel takes
		// minutes for its devices.
		for exists(t, id) {
			if ctx.Err() != nil {
				t.Fatalf("program %d is still there", id)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	waitForFiles(t, before)
}

// namespace is a network namespace with devices that come and go, a client, and a
// watcher that follows what is attached.
type namespace struct {
	file    *os.File
	rtnl    rtnetlink
	client  *xps.Client
	watcher *xps.Watcher

	mu      sync.Mutex
	devices []int

	// known is the state that the watcher reported. Its goroutine owns it until done.
	known map[int]ebpf.ProgramID
	last  atomic.Int64 // ifindex of the last event
	stop  context.CancelFunc
	done  chan struct{}
}

func newNamespace(t *testing.T) *namespace {
	s := &namespace{known: make(map[int]ebpf.ProgramID), done: make(chan struct{})}
	made := make(chan error)
	go func() {
		// The thread ends with the goroutine.
		runtime.LockOSThread()
		made <- func() (err error) {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			if s.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
				return err
			}
			return nil
		}()
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	// Everything else works through the file.
	// Only contexts limit the calls: a debug kernel or a busy machine takes longer
	// than the default of 30 seconds.
	cfg := &xps.Config{NetNS: int(s.file.Fd()), Timeout: -1}
	s.rtnl = mustRtnetlinkIn(t, cfg.NetNS)
	var err error
	if s.client, err = xps.Dial(cfg); err != nil {
		t.Fatal(err)
	}
	for i := range stressDevices / stressNamespaces {
		s.devices = append(s.devices, s.mustAdd(t, fmt.Sprintf("d%d", i)))
	}
	if s.watcher, err = xps.Watch(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(t.Context())
	go func() {
		defer close(s.done)
		for {
			e, err := s.watcher.Next(ctx)
			switch {
			case errors.Is(err, xps.ErrOverrun):
				continue
			case ctx.Err() != nil:
				return
			case err != nil:
				t.Errorf("watch: %v", err)
				return
			case s.known[e.Ifindex] != e.Old.ProgramID:
				t.Errorf("watch: %+v, known program %d", e, s.known[e.Ifindex])
			}
			s.known[e.Ifindex] = e.New.ProgramID
			if e.New.ProgramID == 0 {
				delete(s.known, e.Ifindex)
			}
			s.last.Store(int64(e.Ifindex))
		}
	}()
	return s
}

func (s *namespace) mustAdd(t *testing.T, name string) int {
	t.Helper()
	index, err := s.add(name)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// add makes a device and finds its index.
func (s *namespace) add(name string) (int, error) {
	if err := s.rtnl.create(name, "dummy"); err != nil {
		return 0, err
	}
	states, err := s.client.List(context.Background(), nil)
	if err != nil {
		return 0, err
	}
	for _, st := range states {
		if st.Name == name {
			return st.Ifindex, nil
		}
	}
	return 0, fmt.Errorf("%s is not in the list %+v", name, states)
}

// pick returns one of the devices, which may be gone meanwhile.
func (s *namespace) pick(r *rand.Rand) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.devices[r.IntN(len(s.devices))]
}

// settle waits until the watcher has reported the last change, and compares.
func (s *namespace) settle(t *testing.T, ctx context.Context) {
	t.Helper()
	// The watcher reports this change after all others.
	mark := s.mustAdd(t, "mark")
	prog := mustProgram(t, 9)
	if err := errors.Join(s.client.Attach(ctx, mark, prog, nil), prog.Close()); err != nil {
		t.Fatal(err)
	}
	for s.last.Load() != int64(mark) {
		if ctx.Err() != nil {
			t.Fatal("the watcher does not report the last change")
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	<-s.done
	states, err := s.client.List(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range states {
		if s.known[st.Ifindex] != st.ProgramID {
			t.Errorf("%s has program %d, the watcher knows %d", st.Name, st.ProgramID, s.known[st.Ifindex])
		}
		delete(s.known, st.Ifindex)
	}
	if len(s.known) != 0 {
		t.Errorf("the watcher knows programs of devices that are gone: %v", s.known)
	}
}

func (s *namespace) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(s.watcher.Close(), s.client.Close(), s.rtnl.Close(), s.file.Close()); err != nil {
		t.Error(err)
	}
}

type stressWorker struct {
	space *namespace
	rand  *rand.Rand
	progs []*ebpf.Program
	ids   map[ebpf.ProgramID]bool
}

func (w *stressWorker) prog() *ebpf.Program { return w.progs[w.rand.IntN(len(w.progs))] }

// only returns err unless it wraps one of allowed.
func only(err error, allowed ...error) error {
	for _, a := range allowed {
		if errors.Is(err, a) {
			return nil
		}
	}
	return err
}

var stressOps = [...]struct {
	name string
	do   func(context.Context, *stressWorker) error
}{
	{"attach", func(ctx context.Context, w *stressWorker) error {
		return only(w.space.client.Attach(ctx, w.space.pick(w.rand), w.prog(), nil), xps.ErrNoDevice, xps.ErrLinked)
	}},
	{"attach to none", func(ctx context.Context, w *stressWorker) error {
		return only(w.space.client.Attach(ctx, w.space.pick(w.rand), w.prog(), &xps.AttachOptions{NoReplace: true}),
			xps.ErrNoDevice, xps.ErrAttached)
	}},
	{"replace", func(ctx context.Context, w *stressWorker) error {
		return only(w.space.client.Attach(ctx, w.space.pick(w.rand), w.prog(), &xps.AttachOptions{Expected: w.prog()}),
			xps.ErrNoDevice, xps.ErrLinked, xps.ErrUnexpectedProgram)
	}},
	{"detach", func(ctx context.Context, w *stressWorker) error {
		return only(w.space.client.Detach(ctx, w.space.pick(w.rand), nil), xps.ErrNoDevice, xps.ErrLinked)
	}},
	{"query", func(ctx context.Context, w *stressWorker) error {
		s, err := w.space.client.Query(ctx, w.space.pick(w.rand), nil)
		if err == nil && s.Attached && !w.ids[s.ProgramID] {
			err = fmt.Errorf("%+v: no program of the test", s)
		}
		return only(err, xps.ErrNoDevice)
	}},
	{"list", func(ctx context.Context, w *stressWorker) error {
		states, err := w.space.client.List(ctx, nil)
		if err != nil {
			return err
		}
		return w.check(states)
	}},
	{"watch", func(ctx context.Context, w *stressWorker) error {
		watcher, err := xps.Watch(ctx, &xps.Config{NetNS: int(w.space.file.Fd()), Timeout: -1})
		if err != nil {
			return err
		}
		return watcher.Close()
	}},
	{"link", func(ctx context.Context, w *stressWorker) error {
		l, err := xps.AttachLink(ctx, w.space.pick(w.rand), w.prog(), &xps.LinkOptions{NetNS: int(w.space.file.Fd())})
		if err != nil {
			return only(err, xps.ErrNoDevice, xps.ErrAttached)
		}
		err = only(l.Update(ctx, w.prog(), nil), xps.ErrDetached)
		return errors.Join(err, l.Close())
	}},
	{"given up", func(ctx context.Context, w *stressWorker) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(w.rand.IntN(2000))*time.Microsecond)
		defer cancel()
		err := w.space.client.Attach(ctx, w.space.pick(w.rand), w.prog(), nil)
		return only(err, context.DeadlineExceeded, xps.ErrNoDevice, xps.ErrLinked)
	}},
	{"delete and make", func(ctx context.Context, w *stressWorker) error {
		s := w.space
		s.mu.Lock()
		i := w.rand.IntN(len(s.devices))
		ifindex := s.devices[i]
		s.mu.Unlock()
		if err := s.rtnl.del(ifindex); err != nil {
			return only(err, unix.ENODEV)
		}
		made, err := s.add(fmt.Sprintf("x%d", w.rand.Uint32()))
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.devices[i] = made
		return nil
	}},
}

// check fails unless the list has every device exactly once.
func (w *stressWorker) check(states []xps.State) error {
	seen := make(map[int]bool)
	for i, s := range states {
		switch {
		case seen[s.Ifindex]:
			return fmt.Errorf("%s is in the list twice", s.Name)
		case i > 0 && states[i-1].Ifindex > s.Ifindex:
			return fmt.Errorf("%s is not in order", s.Name)
		case s.Attached && !w.ids[s.ProgramID]:
			return fmt.Errorf("%+v: no program of the test", s)
		}
		seen[s.Ifindex] = true
	}
	if !seen[1] {
		return errors.New("the loopback device is missing")
	}
	return nil
}

// openFiles returns the targets of this process's file descriptors.
func openFiles(tb testing.TB) []string {
	tb.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		// The descriptor of the directory itself is closed by now.
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			files = append(files, target)
		}
	}
	slices.Sort(files)
	return files
}

// waitForFiles fails the test if more descriptors stay open than before.
func waitForFiles(tb testing.TB, before []string) {
	tb.Helper()
	for range 500 {
		if len(openFiles(tb)) <= len(before) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	tb.Errorf("open: %v\nbefore: %v", openFiles(tb), before)
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"xpsgen/vmtest/guest/wire"

	"golang.org/x/sys/unix"
)

// chosen is the memory that one place shares with its ip, see [wire.MutantFile].
type chosen struct{ mem []byte }

// newChosen mounts the memory where ip looks for it, in the mount namespace of the calling
// thread.
func newChosen(file string, end int) (*chosen, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("prepare the mutants: %w", err)
	}
	defer f.Close()
	size := 4 + end
	if err := errors.Join(f.Truncate(int64(size)), f.Chmod(0o666)); err != nil {
		return nil, fmt.Errorf("prepare the mutants: %w", err)
	}
	if err := unix.Mount(file, wire.MutantFile, "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("mount %s: %w", wire.MutantFile, err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", wire.MutantFile, err)
	}
	return &chosen{mem}, nil
}

func (m *chosen) close() { _ = unix.Munmap(m.mem) }

// set enables a mutant, or none if id is 0, and clears the list of reached mutants.
func (m *chosen) set(id int) {
	clear(m.mem)
	binary.NativeEndian.PutUint32(m.mem, uint32(id))
}

func (m *chosen) reached() []int {
	var ids []int
	for i, hit := range m.mem[4:] {
		if hit != 0 {
			ids = append(ids, i)
		}
	}
	return ids
}

// withChosen calls fn with the memory of its place.
func withChosen(dir string, end int, fn func(*place, *chosen) error) func(*place, int) error {
	return func(p *place, worker int) error {
		m, err := newChosen(filepath.Join(dir, fmt.Sprintf("mutant%d", worker)), end)
		if err != nil {
			return err
		}
		defer m.close()
		return fn(p, m)
	}
}

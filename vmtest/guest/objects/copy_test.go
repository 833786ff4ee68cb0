// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"xpsgen/vmtest/guest/objects/record"
)

// TestLocalCopy: every user can read and run the copy, and the job has its paths.
func TestLocalCopy(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	host := t.TempDir()
	name := "a\xff.o"
	for path, text := range map[string]string{"objects/b.o": "b", "objects/" + name: "a", "ip1": "one", "ip2": "two"} {
		path = filepath.Join(host, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", t.TempDir())
	job := &record.Job{
		Builds: []record.Build{{Name: "x", IP: host + "/ip1"}, {Name: "y", IP: host + "/ip2"}}, Dir: filepath.Join(host, "objects"),
	}
	dir, err := localCopy(job)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{dir + "/ip-x": "one", dir + "/ip-y": "two", dir + "/objects/b.o": "b", dir + "/objects/" + name: "a"}
	if job.Builds[0].IP != dir+"/ip-x" || job.Builds[1].IP != dir+"/ip-y" || job.Dir != dir+"/objects" {
		t.Errorf("the job is %+v", job)
	}
	for path, text := range want {
		mode := os.FileMode(0o644)
		if filepath.Dir(path) == dir {
			mode = 0o755
		}
		got, err := os.ReadFile(path)
		info, serr := os.Stat(path)
		if err != nil || serr != nil || string(got) != text || info.Mode() != mode {
			t.Errorf("%s: %q, %v, %v", path, got, info, err)
		}
	}
	for _, path := range []string{dir, dir + "/objects"} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

func TestLocalCopyFails(t *testing.T) {
	for name, tt := range map[string]struct {
		job  record.Job
		want string
	}{
		"no ip":      {record.Job{Builds: []record.Build{{Name: "x", IP: "/nosuch"}}, Dir: "/nosuch"}, "copy ip: "},
		"no objects": {record.Job{Dir: "/nosuch"}, "copy the objects: "},
		"directory":  {record.Job{Dir: filepath.Dir(t.TempDir())}, "copy the objects: "},
		"ip by name": {record.Job{Builds: []record.Build{{Name: "a/b", IP: os.Args[0]}}}, "copy ip: "},
	} {
		t.Setenv("TMPDIR", t.TempDir())
		if _, err := localCopy(&tt.job); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := copyFiles("/nosuch/x", t.TempDir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no place: %v", err)
		}
	}
	t.Setenv("TMPDIR", "/nosuch")
	if _, err := localCopy(&record.Job{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestRunRejects(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for text, want := range map[string]string{"{": "read the job: ", `{"dir":"/nosuch"}`: "copy the objects: "} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.NewReader(text), &out); err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() != 0 {
			t.Errorf("%s: %v, %q", text, err, &out)
		}
	}
}

func TestArgs(t *testing.T) {
	p := &place{}
	if got := p.args("link", "show"); !slices.Equal(got, []string{"link", "show"}) {
		t.Errorf("got %q", got)
	}
	p.netns = "other"
	if got := p.args("link", "show"); !slices.Equal(got, []string{"-n", "other", "link", "show"}) {
		t.Errorf("got %q", got)
	}
	o := &record.Object{Args: []string{"object", "a.o"}}
	for name, want := range map[string]string{
		record.NetNS:     "-n other link set dev d0 xps object a.o",
		record.NetNSExec: "netns exec other /ip link set dev d0 xps object a.o",
	} {
		p.context = name
		if got := strings.Join(p.loadArgs("/ip", o), " "); got != want {
			t.Errorf("%s: got %q, expected %q", name, got, want)
		}
	}
	p.close() // without a client
}

func TestDescribe(t *testing.T) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 7), asm.Return()},
	})
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("loading BPF programs is not permitted (run as root): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	var r record.Result
	if err := describe(id, &r); err != nil || r.Tag != info.Tag || r.Value == nil || *r.Value != 7 {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := describe(1<<32-1, &r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
}

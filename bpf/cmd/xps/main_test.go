// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"xpsgen/bpf/xps"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"xps":  func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
		"icmp": func() { icmp(os.Args[1:]) },
	})
}

// icmp is the script command "icmp ADDRESS COUNT". It sends ICMP echo requests and does
// not wait for answers. A guest may have no ping.
func icmp(args []string) {
	err := func() error {
		to, err := netip.ParseAddr(args[0])
		if err != nil {
			return err
		}
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		// Type 8, and the checksum of that and six zeros.
		request := []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}
		for range count {
			if err := unix.Sendto(fd, request, 0, &unix.SockaddrInet4{Addr: to.As4()}); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "icmp:", err)
		os.Exit(1)
	}
}

// TestScript uses the command. The condition [hook] holds on a kernel that has the
// hook, where the test runs as root and may change devices: in the guest.
func TestScript(t *testing.T) {
	hook := hasHook(t)
	if !hook && slices.Contains(strings.Split(os.Getenv("XPS_TEST_REQUIRE"), ","), "xps") {
		t.Fatal("XPS_TEST_REQUIRE has \"xps\", but the kernel has no hook")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(cond string) (bool, error) {
			return cond == "hook" && hook && os.Getenv("XPSGEN_GUEST") != "", nil
		},
	})
}

func hasHook(t *testing.T) bool {
	c, err := xps.Dial(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Supported(t.Context())
	if err != nil && !errors.Is(err, xps.ErrNotSupported) {
		t.Fatal(err)
	}
	return err == nil
}

func TestParseQueues(t *testing.T) {
	for list, want := range map[string][]int{
		"0": {0}, "1-3": {1, 2, 3}, "0,2,4-5": {0, 2, 4, 5}, "7-7": {7},
		"": nil, "-1": nil, "3-1": nil, "1-": nil, "a": nil, "1,,2": nil, "65536": nil, "1-2-3": nil,
	} {
		got, err := parseQueues(list)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
}

func TestRefers(t *testing.T) {
	const link = "pos:\t0\nflags:\t02000002\nlink_type:\txps\nlink_id:\t7\nprog_tag:\taa\nprog_id:\t12\n"
	for _, tt := range []struct {
		prog, link uint32
		want       bool
	}{{12, 0, true}, {1, 7, true}, {1, 0, false}, {2, 70, false}, {120, 0, false}} {
		if got := refers([]byte(link), tt.prog, tt.link); got != tt.want {
			t.Errorf("%+v: %t", tt, got)
		}
	}
}

// TestImports: the command imports the library and its policies, and nothing of the
// workbench.
func TestImports(t *testing.T) {
	gocmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.Command(gocmd, "list", "-deps", "-f",
		"{{with .Module}}{{if .Main}}{{$.ImportPath}} {{.Path}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 {
			ours = append(ours, strings.TrimPrefix(f[0], f[1]+"/"))
		}
	}
	slices.Sort(ours)
	if diff := cmp.Diff([]string{"bpf", "bpf/cmd/xps", "bpf/policy", "bpf/xps", "uapi"}, ours); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

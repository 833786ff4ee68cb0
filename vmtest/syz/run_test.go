// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/rpc/jsonrpc"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xpsgen/vmtest/progress"
	"xpsgen/vmtest/run"
	"xpsgen/vmtest/verdict"
)

// fakeVariable makes the test program a syz-manager. Its value says how that
// behaves.
const fakeVariable = "XPS_TEST_FAKE_MANAGER"

func TestMain(m *testing.M) {
	if how := os.Getenv(fakeVariable); how != "" {
		if err := fakeManager(how, os.Args[2]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fakeManager boots one guest, and another whenever one ends. A crash on a console becomes
// a log.
func fakeManager(how, file string) error {
	var cfg struct {
		Workdir string
		VM      struct {
			URI string `json:"rpc_server_uri"`
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &cfg); err != nil {
		return err
	}
	switch how {
	case "fails":
		return errors.New("unknown syscall")
	case "disabled":
		fmt.Printf("12:00 disabled the following syscalls:\nclose : no such call\n\n")
	case "broken":
		fmt.Println("12:00 seed sys/linux/test/attach is broken: no such call")
	}
	client, err := jsonrpc.Dial("tcp", cfg.VM.URI)
	if err != nil {
		return err
	}
	type object = map[string]any
	for {
		var created, started struct{ ID, RunID string }
		if err := client.Call("ProxyVM.CreateInstance", object{}, &created); err != nil {
			return err
		}
		if err := client.Call("ProxyVM.RunStart", object{"ID": created.ID}, &started); err != nil {
			return err
		}
		if how != "idle" {
			fmt.Println("12:00 corpus=2 coverage=30 exec total=40 (4/sec)")
		}
		for {
			var p struct {
				ConsoleOutChunk string
				Finished        bool
			}
			if err := client.Call("ProxyVM.RunReadProgress", object{"ID": created.ID}, &p); err != nil {
				select {} // the end of the run: wait for the signal
			}
			if strings.Contains(p.ConsoleOutChunk, "KASAN") {
				if how != "blind" {
					dir := filepath.Join(cfg.Workdir, "crashes", "1")
					if err := os.MkdirAll(dir, 0o755); err != nil {
						return err
					}
					for _, name := range []string{"log0", "report0"} {
						if err := os.WriteFile(filepath.Join(dir, name), []byte("executing program 0:\nclose(0x3)\n"), 0o644); err != nil {
							return err
						}
					}
				}
				_ = client.Call("ProxyVM.RunStop", object{"ID": created.ID}, &object{})
			}
			if p.Finished {
				break
			}
		}
	}
}

func TestFuzz(t *testing.T) {
	crash := func(ctx context.Context, console io.Writer) error {
		fmt.Fprintln(console, "BUG: KASAN: slab-use-after-free in f")
		<-ctx.Done()
		return &run.KernelError{Splats: []verdict.Splat{{Pattern: "BUG: ", Text: []string{"BUG: KASAN: slab-use-after-free in f"}}}}
	}
	healthy := func(ctx context.Context, _ io.Writer) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for name, tt := range map[string]struct {
		how  string
		boot func(context.Context, io.Writer) error
		// err and complaint are parts of the results.
		err, complaint string
		log            bool
	}{
		"time is over":        {"runs", healthy, "", "", false},
		"crash":               {"runs", crash, "", "KASAN", true},
		"nothing is executed": {"idle", healthy, ErrNothing.Error(), "", false},
		"manager ends":        {"fails", healthy, "unknown syscall", "", false},
		"seed cannot be read": {"broken", healthy, "cannot read the corpus: attach: no such call", "", false},
		"call is disabled":    {"disabled", healthy, "does not use all calls: close: no such call", "", false},
		"guests do not boot":  {"runs", func(context.Context, io.Writer) error { return errors.New("no kernel") }, "guests end early: no kernel", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fakeVariable, tt.how)
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			var steps steps
			opt := &Options{Tools: &Tools{Manager: self}, Calls: []string{"close"}, Time: 2 * time.Second, Dir: dir, Progress: steps.add,
				boot: func(ctx context.Context, _, _ int, up func(), _ io.Reader, _, _, console io.Writer) error {
					up()
					return tt.boot(ctx, console)
				}}
			res, err := opt.fuzz(t.Context())
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			end := progress.Finished
			if err != nil {
				end = progress.Failed
			}
			steps.expect(t, name, progress.Event{Step: "fuzz", State: progress.Started, Text: "2s"}, progress.Event{Step: "fuzz", State: end})
			if err != nil {
				return
			}
			if (res.Complaint == "") != (tt.complaint == "") || !strings.Contains(res.Complaint, tt.complaint) || res.Executed != 40 || res.Guests < 1 {
				t.Errorf("%+v", res)
			}
			log, _ := os.ReadFile(filepath.Join(dir, LogFile))
			if (len(log) > 0) != tt.log {
				t.Errorf("log %q", log)
			}
			if _, err := os.Stat(filepath.Join(dir, "console-1.log")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	t.Setenv(fakeVariable, "runs")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	opt := &Options{Tools: &Tools{Manager: self}, Calls: []string{"close"}, Time: time.Hour, Dir: t.TempDir(),
		boot: func(ctx context.Context, _, _ int, up func(), _ io.Reader, _, _, _ io.Writer) error {
			up()
			cancel(stop)
			<-ctx.Done()
			return context.Cause(ctx)
		}}
	if _, err := opt.fuzz(ctx); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

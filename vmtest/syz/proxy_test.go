// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc/jsonrpc"
	"strings"
	"testing"
	"time"
)

// The proxy is asked as syz-manager asks: boot, connect, read the output, stop.
func TestProxy(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// The manager's server, to which the executor connects.
	manager, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	said := make(chan string, 1)
	go func() {
		conn, err := manager.Accept()
		if err != nil {
			said <- err.Error()
			return
		}
		defer conn.Close()
		fmt.Fprintln(conn, "hello")
		line, _ := bufio.NewReader(conn).ReadString('\n')
		said <- line
	}()
	var ended error
	p := &pool{ctx: ctx, ended: func(_ int, _ time.Time, err error) { ended = err },
		boot: func(ctx context.Context, index, number int, up func(), in io.Reader, out, log, console io.Writer) error {
			up()
			line, err := bufio.NewReader(in).ReadString('\n')
			fmt.Fprintf(out, "guest %d, executor %d read %s", index, number, line)
			fmt.Fprint(log, "executor starts\n")
			fmt.Fprint(console, "kernel boots\n")
			<-ctx.Done()
			return errors.Join(err, context.Cause(ctx))
		}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	var failed error
	go func() { (&proxy{pool: p, failed: func(err error) { failed = err }}).serve(served, l); close(done) }()
	client, err := jsonrpc.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	ask := func(method string, in object) object {
		t.Helper()
		out := object{}
		if err := client.Call("ProxyVM."+method, in, &out); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		return out
	}
	logs := client.Go("ProxyVM.PoolLogs", object{}, &object{}, nil)
	if n := ask("CreatePool", object{"Debug": false, "Param": "null"})["Count"]; n != 1.0 {
		t.Errorf("%v guests", n)
	}
	// A second guest in the same place has the same number.
	ask("CreateInstance", object{"Workdir": "/w", "Index": 3})
	id := ask("CreateInstance", object{"Workdir": "/w", "Index": 3})["ID"]
	if name := ask("Copy", object{"ID": id, "HostSrc": "/x/syz-executor"})["VMFileName"]; name != "/x/syz-executor" {
		t.Errorf("executor %v", name)
	}
	port := manager.Addr().(*net.TCPAddr).Port
	if a := ask("Forward", object{"ID": id, "Port": port})["ManagerAddress"]; a != fmt.Sprintf("127.0.0.1:%d", port) {
		t.Errorf("manager at %v", a)
	}
	ask("RunStart", object{"ID": id, "Command": "ignored"})
	if line := <-said; line != "guest 1, executor 3 read hello\n" {
		t.Errorf("the manager read %q", line)
	}
	var log, console string
	for !strings.Contains(log, "starts") || !strings.Contains(console, "boots") {
		out := ask("RunReadProgress", object{"ID": id, "RunID": id})
		log += out["StderrChunk"].(string)
		console += out["ConsoleOutChunk"].(string)
		if out["Finished"] == true {
			t.Fatal("finished early")
		}
	}
	ask("RunStop", object{"ID": id, "RunID": id})
	if !errors.Is(ended, context.Canceled) {
		t.Errorf("the guest ended with %v", ended)
	}
	if out := ask("RunReadProgress", object{"ID": id}); out["Finished"] != true {
		t.Errorf("after the end: %v", out)
	}
	ask("Close", object{"ID": id})
	if err := client.Call("ProxyVM.Forward", object{"ID": "7"}, &object{}); err == nil {
		t.Error("a guest that was not created")
	}
	if err := client.Call("ProxyVM.Snapshot", object{}, &object{}); err == nil || !errors.Is(failed, errMethod) {
		t.Errorf("unknown question: %v, %v", err, failed)
	}
	stop()
	<-done
	if call := <-logs.Done; call.Error == nil {
		t.Error("PoolLogs was answered")
	}
}

// A guest that ends before it is up releases whoever waits for its connection.
func TestGuestThatDoesNotBoot(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	read := make(chan error, 1)
	p := &pool{ctx: ctx, ended: func(int, time.Time, error) {},
		boot: func(_ context.Context, _, _ int, _ func(), in io.Reader, _, _, _ io.Writer) error {
			go func() {
				_, err := in.Read(make([]byte, 1))
				read <- err
			}()
			return errors.New("no kernel")
		}}
	i, err := p.find(p.create(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := i.start(); err != nil {
		t.Fatal(err)
	}
	if err := i.start(); err == nil {
		t.Error("started twice")
	}
	p.running.Wait()
	if err := <-read; err != io.EOF {
		t.Errorf("read: %v", err)
	}
	if _, _, done := i.output(ctx); !done {
		t.Error("not done")
	}
	i.stop()
}

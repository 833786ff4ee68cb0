// SPDX-License-Identifier: GPL-2.0-only OR MIT

package syz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// proxy answers syz-manager's questions about virtual machines: its machine type
// "proxyapp", JSON-RPC 1.0 over a connection on the loopback device.
//
// Any local user may connect. All that a caller can start is the executor, in a guest
// without the host's files.
type proxy struct {
	pool *pool
	// failed is called with the error of a question that proxy does not understand.
	failed func(error)
}

type rpcRequest struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
	ID     json.RawMessage   `json:"id"`
}

type rpcReply struct {
	ID     json.RawMessage `json:"id"`
	Result any             `json:"result"`
	Error  any             `json:"error"`
}

// serve answers all connections until ctx ends. It returns when the answers are written.
func (p *proxy) serve(ctx context.Context, l net.Listener) {
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		all.Go(func() {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			defer conn.Close()
			p.answer(ctx, conn)
		})
	}
}

// answer answers the questions of one connection. Some wait, so each has a goroutine.
func (p *proxy) answer(ctx context.Context, conn io.ReadWriter) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	in, out := json.NewDecoder(conn), json.NewEncoder(conn)
	var mu sync.Mutex
	for {
		var q rpcRequest
		if err := in.Decode(&q); err != nil {
			// The manager is gone.
			cancel()
			return
		}
		all.Go(func() {
			a := rpcReply{ID: q.ID}
			result, err := p.call(ctx, q)
			if err != nil {
				a.Error = err.Error()
			} else {
				a.Result = result
			}
			mu.Lock()
			defer mu.Unlock()
			// An error means that the manager is gone: Decode fails, too.
			_ = out.Encode(a)
		})
	}
}

// errMethod is returned for a question that proxy does not know.
var errMethod = errors.New("unknown method")

// call answers one question.
func (p *proxy) call(ctx context.Context, q rpcRequest) (any, error) {
	var in struct {
		ID      string
		Index   int
		HostSrc string
		Port    int
	}
	if len(q.Params) > 0 {
		if err := json.Unmarshal(q.Params[0], &in); err != nil {
			return nil, fmt.Errorf("%s: %w", q.Method, err)
		}
	}
	type object = map[string]any
	switch q.Method {
	case "ProxyVM.CreatePool":
		return object{"Count": 1}, nil
	case "ProxyVM.CreateInstance":
		return object{"ID": p.pool.create(in.Index)}, nil
	case "ProxyVM.Copy":
		// The guest has the executor already.
		return object{"VMFileName": in.HostSrc}, nil
	case "ProxyVM.Forward":
		i, err := p.pool.find(in.ID)
		if err != nil {
			return nil, err
		}
		i.port = in.Port
		return object{"ManagerAddress": fmt.Sprintf("127.0.0.1:%d", in.Port)}, nil
	case "ProxyVM.RunStart":
		i, err := p.pool.find(in.ID)
		if err != nil {
			return nil, err
		}
		return object{"RunID": in.ID}, i.start()
	case "ProxyVM.RunReadProgress":
		i, err := p.pool.find(in.ID)
		if err != nil {
			return nil, err
		}
		out, console, done := i.output(ctx)
		return object{"StderrChunk": out, "ConsoleOutChunk": console, "Finished": done}, nil
	case "ProxyVM.RunStop", "ProxyVM.Close":
		i, err := p.pool.find(in.ID)
		if err != nil {
			return nil, err
		}
		i.stop()
		return object{}, nil
	case "ProxyVM.Diagnose":
		return object{"Diagnosis": ""}, nil
	case "ProxyVM.PoolLogs":
		// There are none, so wait: the manager would ask again at once.
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	err := fmt.Errorf("syz-manager asks %s: %w", q.Method, errMethod)
	p.failed(err)
	return nil, err
}

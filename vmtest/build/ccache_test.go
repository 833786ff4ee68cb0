// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/testenv"
)

// A build sees the settings of ccache, such as those of its remote storage, and nothing
// that changes its result.
func TestBuildEnvCcache(t *testing.T) {
	for _, name := range []string{"CCACHE_DIR", "CCACHE_REMOTE_STORAGE", "CCACHE_BASEDIR"} {
		t.Setenv(name, "x")
		if !slices.Contains(buildEnv(), name+"=x") {
			t.Errorf("a build does not see %s", name)
		}
	}
	t.Setenv("KCFLAGS", "-O0")
	t.Setenv("CC", "x")
	for _, kv := range buildEnv() {
		if strings.HasPrefix(kv, "KCFLAGS=") || strings.HasPrefix(kv, "CC=") {
			t.Errorf("a build sees %s", kv)
		}
	}
}

// Two machines share objects through ccache's remote storage. The second one has an empty
// local cache and compiles nothing.
func TestCcacheRemote(t *testing.T) {
	testenv.Require(t, "engines", "runs ccache with redis and a web server")
	for name, storage := range map[string]func(*testing.T) string{"redis": redis, "http": objectServer} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CCACHE_REMOTE_STORAGE", storage(t))
			t.Setenv("PATH", "/usr/lib/ccache:"+os.Getenv("PATH"))
			source := t.TempDir()
			for file, text := range map[string]string{"x.c": "int x(void) { return 7; }\n", "Makefile": "x.o: x.c\n\tgcc -O2 -c -o $@ $<\n"} {
				if err := os.WriteFile(filepath.Join(source, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{"\ncache_miss\t1\n", "\nremote_storage_hit\t1\n"} {
				t.Setenv("CCACHE_DIR", t.TempDir())
				if err := (&proc.Cmd{Args: []string{"make", "-s", "-B", "x.o"}, Dir: source, Env: buildEnv()}).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				stats, err := (&proc.Cmd{Args: []string{"ccache", "--print-stats"}, Env: buildEnv()}).Output(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains("\n"+string(stats), want) {
					t.Errorf("no %q in\n%s", want, stats)
				}
			}
		})
	}
}

// redis starts a server and returns its address for ccache.
func redis(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (xpsgen deps --for engines installs it)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 600 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return "redis://" + address
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer within 30 s")
	return ""
}

// objectServer is a web server that keeps what is put into it.
func objectServer(t *testing.T) string {
	t.Helper()
	var objects sync.Map
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPut:
			data, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			objects.Store(r.URL.Path, data)
		default:
			data, found := objects.Load(r.URL.Path)
			if !found {
				http.NotFound(w, r)
				return
			}
			if _, err := w.Write(data.([]byte)); err != nil {
				t.Error(err)
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

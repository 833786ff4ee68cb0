// SPDX-License-Identifier: GPL-2.0-only OR MIT

package build

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// makeRun is one call of make whose output goes to a log.
type makeRun struct {
	// args follow "make", or program.
	args []string
	// program is what to run; empty means make.
	program string
	dir     string
	env     []string
	// step and total are for progress; total 0 means not known.
	step  string
	total int64
	p     progress.Func
	// log is the path of the log, appended to.
	log string
	// hold is kept open by all children.
	hold *os.File
	// needBytes is the needed space to report when the disk is full.
	needBytes int64
}

// run runs make. A failure is returned as one of the package's errors.
// objects is the number of compiled objects.
func (m *makeRun) run(ctx context.Context) (objects int64, err error) {
	f, err := os.OpenFile(m.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, cache.Explain(err, m.dir, m.needBytes)
	}
	start, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	w := &objectCounter{w: f, began: time.Now(), emit: func(n int64, elapsed time.Duration) {
		total := m.total
		if total > 0 {
			total = max(total, n) // it was an estimate
		}
		m.p.Emit(progress.Event{Step: m.step, State: progress.Advanced, Done: n, Total: total,
			Unit: "objects", Elapsed: elapsed, Log: m.log})
	}}
	program := cmp.Or(m.program, "make")
	fmt.Fprintf(f, "# %s %s\n", program, strings.Join(m.args, " "))
	c := &proc.Cmd{Args: append([]string{program}, m.args...), Dir: m.dir, Env: m.env, Stdout: w, Stderr: w}
	if m.hold != nil {
		c.Files = []*os.File{m.hold}
	}
	runErr := c.Run(ctx)
	if err := f.Close(); err != nil && runErr == nil {
		return 0, cache.Explain(err, m.dir, m.needBytes)
	}
	if runErr == nil {
		return w.count(), nil
	}
	if ctx.Err() != nil {
		return 0, runErr
	}
	text, err := readFrom(m.log, start)
	if err != nil {
		return 0, errors.Join(runErr, err)
	}
	return 0, m.explain(text, runErr)
}

// explain finds the cause of a failed make in its output.
func (m *makeRun) explain(text []byte, err error) error {
	if cache.DiskFull(err) || bytes.Contains(text, []byte("No space left on device")) {
		free, _ := cache.Free(m.dir)
		return &cache.SpaceError{Dir: m.dir, NeedBytes: m.needBytes, FreeBytes: free, Err: err}
	}
	return parseLog(m.step, m.log, text, err)
}

func readFrom(path string, offset int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// objectLine matches a line of kbuild or iproute2 about an object that is
// compiled.
var objectLine = lazyregexp.New(`^\s+(?:CC|AS|HOSTCC|HOSTCXX)\s`)

// objectCounter passes make's output on and counts objects in it.
type objectCounter struct {
	w     io.Writer
	began time.Time
	emit  func(n int64, elapsed time.Duration)

	mu   sync.Mutex
	line []byte
	n    int64
	last time.Time
}

// emitEvery is the minimum time between two events.
const emitEvery = 200 * time.Millisecond

func (c *objectCounter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			c.line = append(c.line, rest...)
			break
		}
		c.line = append(c.line, rest[:i]...)
		if objectLine.Match(c.line) {
			c.n++
			if now := time.Now(); now.Sub(c.last) >= emitEvery {
				c.last = now
				c.emit(c.n, now.Sub(c.began))
			}
		}
		c.line, rest = c.line[:0], rest[i+1:]
	}
	return c.w.Write(p)
}

func (c *objectCounter) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// buildEnv returns the environment of a build. It leaves out variables that
// change the result, and those of a make that runs xpsgen. more is added.
func buildEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if keepVariable(name) {
			env = append(env, kv)
		}
	}
	return append(append(env, "LC_ALL=C"), more...)
}

// keepVariable reports whether a build may see a variable of the user.
func keepVariable(name string) bool {
	if strings.HasPrefix(name, "CCACHE_") {
		return true // ccache's result is the compiler's
	}
	switch name {
	case "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TERM", "SHELL", "LD_LIBRARY_PATH",
		"PKG_CONFIG_PATH", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GONOSUMDB",
		"GONOSUMCHECK", "GOPRIVATE", "GOROOT", "GOTOOLCHAIN", "GOENV", "GOSUMDB", "XDG_CACHE_HOME",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR":
		return true
	}
	return false
}

// jobs is how many commands run at once: n, or one for each CPU.
func jobs(n int) string {
	if n <= 0 {
		n = runtime.NumCPU()
	}
	return fmt.Sprintf("-j%d", n)
}

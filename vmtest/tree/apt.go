// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/lazyregexp"
	"xpsgen/vmtest/proc"
	"xpsgen/vmtest/progress"
)

// errNoApt says that this system does not use apt.
var errNoApt = errors.New("no apt on this machine")

// apt runs apt with a private state: lists, package cache and sources are in the
// workbench's cache. It uses the machine's keys, proxies and pins, and writes no
// file of the system.
type apt struct {
	// dir holds the private states.
	dir  string
	step string
	p    progress.Func
	// arch is Debian's name of another architecture, whose packages to fetch; empty means
	// the architecture of the machine.
	arch string
	// updated are the states with up-to-date lists.
	updated map[string]bool
}

// aptState is one private state: one set of sources.
type aptState struct {
	dir, conf string
	// sources is the file that says where packages come from.
	sources []byte
	// updateErr is apt's error in the last update.
	updateErr string
}

// fetch downloads the package that o names into dir and describes it.
func (a *apt) fetch(ctx context.Context, o *Origin, dir string) (*download, error) {
	attempts, names, err := a.attempts(ctx, o)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, entries := range attempts {
		d, err := a.fetchFrom(ctx, entries, o, dir)
		if err == nil {
			return d, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		errs = append(errs, fmt.Errorf("%s: %w", names[i], err))
	}
	return nil, errors.Join(errs...)
}

// attempts are the sets of sources to look in, in order, and their names.
func (a *apt) attempts(ctx context.Context, o *Origin) (attempts [][]aptSource, names []string, err error) {
	have, err := a.machineSources(ctx)
	if err != nil {
		return nil, nil, err
	}
	attempts, names = append(attempts, own(have)), append(names, "the configured suites")
	for _, suite := range o.Suites {
		if made := forSuite(have, suite); made != nil {
			attempts, names = append(attempts, made), append(names, suite)
		}
	}
	return attempts, names, nil
}

func (a *apt) fetchFrom(ctx context.Context, entries []aptSource, o *Origin, dir string) (*download, error) {
	st := a.state(entries, string(o.Kind))
	// Two bases may want the same state at once, and apt does not wait.
	lock, err := cache.Acquire(ctx, filepath.Join(st.dir, "xpsgen.lock"), a.step, a.p)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if err := a.update(ctx, st, entries); err != nil {
		return nil, err
	}
	d, err := st.find(ctx, o)
	if err != nil {
		if st.updateErr != "" {
			err = fmt.Errorf("%w (%s)", err, st.updateErr)
		}
		return nil, err
	}
	a.p.Emit(progress.Event{Step: a.step, State: progress.Notice,
		Text: fmt.Sprintf("downloading %s %s, %d MB", o.Package, d.Version, (d.Size+500_000)/1_000_000)})
	stop := a.watch(dir, d.Size)
	defer stop()
	_, err = st.run(ctx, dir, st.getArgs(o, d.Version)...)
	return d, err
}

// machineSources returns the machine's sources, at least one.
func (a *apt) machineSources(ctx context.Context) ([]aptSource, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, errNoApt
	}
	have, err := a.sources(ctx)
	if err == nil && len(have) == 0 {
		err = errors.New("apt has no sources configured")
	}
	return have, err
}

// sources reads the machine's sources from all places where apt reads them.
func (a *apt) sources(ctx context.Context) ([]aptSource, error) {
	c := &proc.Cmd{Args: []string{"apt-config", "shell",
		"list", "Dir::Etc::sourcelist/f", "parts", "Dir::Etc::sourceparts/d"}, Env: cleanEnv()}
	out, err := c.Output(ctx)
	if err != nil {
		return nil, err
	}
	list, parts := "/etc/apt/sources.list", "/etc/apt/sources.list.d"
	for line := range bytes.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
		switch value = strings.Trim(value, "'"); key {
		case "list":
			list = value
		case "parts":
			parts = value
		}
	}
	return readAptSources(list, parts), nil
}

// state is the private state for a set of sources.
func (a *apt) state(entries []aptSource, typ string) *aptState {
	if a.arch != "" {
		entries = forArch(entries, a.arch)
	}
	text := formatSources(entries, typ)
	sum := sha256.Sum256(text)
	st := &aptState{dir: filepath.Join(a.dir, fmt.Sprintf("%x", sum[:6])), sources: text}
	st.conf = filepath.Join(st.dir, "apt.conf")
	return st
}

// update makes a private state and brings its lists up to date. A failed update
// is not an error: old lists may suffice.
func (a *apt) update(ctx context.Context, st *aptState, entries []aptSource) error {
	if a.updated[st.dir] {
		return nil
	}
	for _, sub := range []string{"sources.d", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(st.dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(st.dir, "sources.d", "xpsgen.sources"), st.sources, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(st.conf, []byte(aptConf(st.dir, os.Geteuid() == 0, a.arch)), 0o644); err != nil {
		return err
	}
	a.p.Emit(progress.Event{Step: a.step, State: progress.Notice, Text: "reading the package lists of " + archives(entries)})
	if _, err := st.run(ctx, "", "update", "-qq"); err != nil {
		if ctx.Err() != nil {
			return err
		}
		st.updateErr = aptComplaint(err)
	}
	if a.updated == nil {
		a.updated = map[string]bool{}
	}
	a.updated[st.dir] = true
	return nil
}

// archives names the archives that apt asks, for messages.
func archives(entries []aptSource) string {
	var names []string
	for _, s := range entries {
		names = append(names, strings.Join(s.Suites, " "))
	}
	return strings.Join(names, ", ")
}

// aptConf returns the configuration that apt reads after the machine's own. It
// clears the hooks of packages, since they work on the system's state. arch is
// as in [apt].
func aptConf(dir string, root bool, arch string) string {
	var b strings.Builder
	for _, hook := range []string{"APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success"} {
		fmt.Fprintf(&b, "#clear %s;\n", hook)
	}
	fmt.Fprintf(&b, "Dir::State::lists %q;\n", dir+"/lists/")
	fmt.Fprintf(&b, "Dir::Cache %q;\n", dir+"/cache/")
	fmt.Fprintf(&b, "Dir::Etc::sourcelist \"/dev/null\";\n")
	fmt.Fprintf(&b, "Dir::Etc::sourceparts %q;\n", dir+"/sources.d/")
	fmt.Fprintf(&b, "Acquire::Languages \"none\";\nAcquire::Retries \"2\";\n")
	if arch != "" {
		fmt.Fprintf(&b, "APT::Architecture %q;\n#clear APT::Architectures;\nAPT::Architectures { %q; };\n", arch, arch)
	}
	if root {
		// apt's own user for downloads cannot write to root's cache
		// directory.
		fmt.Fprintf(&b, "APT::Sandbox::User \"root\";\n")
	}
	return b.String()
}

func (st *aptState) run(ctx context.Context, dir string, args ...string) (string, error) {
	c := &proc.Cmd{Args: append([]string{"apt-get", "-c", st.conf}, args...), Dir: dir, Env: cleanEnv()}
	out, err := c.Output(ctx)
	return string(out), err
}

// getArgs is the command that downloads a package into the current directory.
// apt checks it against the signed lists.
func (st *aptState) getArgs(o *Origin, version string) []string {
	pkg := o.Package
	if version != "" {
		pkg += "=" + version
	}
	if o.Kind == KindDebSrc {
		return []string{"source", "-qq", "--download-only", "--tar-only", "--only-source", pkg}
	}
	return []string{"download", "-qq", pkg}
}

// find asks the lists for the package, without downloading it.
func (st *aptState) find(ctx context.Context, o *Origin) (*download, error) {
	version := ""
	if o.Version != "" {
		c := &proc.Cmd{Args: []string{"apt-cache", "-c", st.conf, "madison", o.Package}, Env: cleanEnv()}
		out, err := c.Output(ctx)
		if err != nil {
			return nil, err
		}
		if version = matchVersion(string(out), o); version == "" {
			return nil, fmt.Errorf("no version %s of %s", o.Version, o.Package)
		}
	}
	out, err := st.run(ctx, st.dir, append(st.getArgs(o, version), "--print-uris")...)
	if err != nil {
		if msg := aptComplaint(err); msg != "" {
			return nil, errors.New(msg)
		}
		return nil, err
	}
	for line := range strings.Lines(out) {
		if d := parsePrintURI(line); d != nil {
			d.Package = o.Package
			if d.Version = version; version == "" {
				d.Version = versionOf(d.File)
			}
			return d, nil
		}
	}
	return nil, fmt.Errorf("no download of %s known", o.Package)
}

// matchVersion picks the first, which is the newest, version of a table by
// apt-cache madison that is of the right kind and matches.
func matchVersion(table string, o *Origin) string {
	index := "Packages"
	if o.Kind == KindDebSrc {
		index = "Sources"
	}
	for line := range strings.Lines(table) {
		cols := strings.Split(line, "|")
		if len(cols) < 3 || !strings.HasSuffix(strings.TrimSpace(cols[2]), index) {
			continue
		}
		version := strings.TrimSpace(cols[1])
		if ok, _ := path.Match(o.Version, version); ok {
			return version
		}
	}
	return ""
}

var printURI = lazyregexp.New(`^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})\s*$`)

// parsePrintURI reads a line of apt-get --print-uris, or returns nil.
func parsePrintURI(line string) *download {
	m := printURI.FindStringSubmatch(line)
	if m == nil || m[2] != filepath.Base(m[2]) || strings.HasPrefix(m[2], ".") {
		return nil
	}
	size, err := strconv.ParseInt(m[3], 10, 64)
	if err != nil {
		return nil
	}
	return &download{URI: m[1], File: m[2], Size: size, SHA256: m[4]}
}

// versionOf takes the version out of a package's file name.
func versionOf(file string) string {
	parts := strings.Split(file, "_")
	if len(parts) < 2 {
		return ""
	}
	if v, err := url.PathUnescape(parts[1]); err == nil {
		return v
	}
	return parts[1]
}

// aptComplaint returns the first error in apt's output, or the first warning.
func aptComplaint(err error) string {
	var perr *proc.Error
	if !errors.As(err, &perr) {
		return ""
	}
	for _, mark := range []string{"E: ", "W: "} {
		for line := range strings.Lines(perr.Stderr) {
			if msg, ok := strings.CutPrefix(strings.TrimSpace(line), mark); ok {
				return "apt: " + msg
			}
		}
	}
	return ""
}

// watch reports the size of the files in dir until stop is called.
func (a *apt) watch(dir string, total int64) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				a.p.Emit(progress.Event{Step: a.step, State: progress.Advanced, Done: dirSize(dir), Total: total, Unit: "bytes"})
			}
		}
	}()
	return func() { close(done); <-gone }
}

func dirSize(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

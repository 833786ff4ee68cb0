// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeApt is a machine with shell scripts as apt. What they print was
// recorded from apt 2.6.1.
type fakeApt struct {
	dir string
	deb string
}

const fakeAptGet = `#!/bin/sh
echo "$*" >> @/calls
args=
while [ $# -gt 0 ]; do
	case $1 in -c) shift;; -qq) ;; --print-uris) print=1;; *) args="$args $1";; esac
	shift
done
set -- $args
[ -e @/offline ] && {
	case $1 in update)
		echo "W: Failed to fetch http://mirror.invalid/debian/dists/bookworm/InRelease  Could not resolve 'mirror.invalid'" >&2
		echo "W: Some index files failed to download. They have been ignored, or old ones used instead." >&2
		exit 0;;
	esac
	echo "E: Unable to locate package ${2%%=*}" >&2
	exit 100
}
[ -e @/slow.$1 ] && { touch @/reached; sleep 3600; }
case $1 in
update) ;;
download)
	f=$(ls @/${2%%=*}_*_all.deb 2>&-) || { echo "E: Unable to locate package ${2%%=*}" >&2; exit 100; }
	if [ "$print" ]; then
		promised=$f
		[ ${2%%=*} = linux-source-6.12 ] && promised=@/promised
		echo "'http://mirror.invalid/pool/${f##*/}' ${f##*/} $(stat -c %s $promised) SHA256:$(sha256sum < $promised | cut -d' ' -f1)"
	else
		cp $f .
	fi;;
*) exit 100;;
esac
`

const fakeAptCache = `#!/bin/sh
[ -e @/offline ] && exit 0
case $3 in
pkgnames)
	ls @ | sed -n "s/^\($4[^_]*\)_.*_all.deb$/\1/p";;
madison)
	ls @ | sed -n "s,^\($4\)_\([^_]*\)_all.deb$,   \1 | \2 | http://mirror.invalid/debian bookworm/main amd64 Packages,p";;
esac
`

func newFakeApt(t *testing.T) *fakeApt {
	t.Helper()
	a := &fakeApt{dir: t.TempDir()}
	a.deb = filepath.Join(a.dir, "linux-source-6.12_6.12.7-1_all.deb")
	mustDeb(t, a.deb, sourceFiles())
	mustWrite(t, filepath.Join(a.dir, "promised"), mustRead(t, a.deb))
	mustWrite(t, filepath.Join(a.dir, "sources.list"), "deb http://mirror.invalid/debian bookworm main\n")
	script := func(name, text string) {
		path := filepath.Join(a.dir, "bin", name)
		mustWrite(t, path, strings.ReplaceAll(text, "@", a.dir))
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("apt-get", fakeAptGet)
	script("apt-cache", fakeAptCache)
	script("apt-config", "#!/bin/sh\necho \"list='@/sources.list'\"\necho \"parts='@/sources.list.d/'\"\n")
	t.Setenv("PATH", filepath.Join(a.dir, "bin")+":"+os.Getenv("PATH"))
	return a
}

func (a *fakeApt) offline(t *testing.T, yes bool) {
	t.Helper()
	if !yes {
		if err := os.Remove(filepath.Join(a.dir, "offline")); err != nil {
			t.Fatal(err)
		}
		return
	}
	mustWrite(t, filepath.Join(a.dir, "offline"), "")
}

// calls returns how often apt-get was run since the last call.
func (a *fakeApt) calls(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(a.dir, "calls"))
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(a.dir, "calls")); err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

func TestObtainFromPackage(t *testing.T) {
	apt := newFakeApt(t)
	var ev events
	opt := Options{Project: mustSeries(t, mailOf("net: one", diffFirst)), Cache: t.TempDir(), Progress: ev.add}
	src := mustOpen(t, opt)
	if src.Version != "6.12.7" || src.Origin != "deb linux-source-6.12 6.12.7-1" {
		t.Errorf("version %q from %q", src.Version, src.Origin)
	}
	tr := mustCheckout(t, src)
	for name, want := range sourceFiles() {
		if name == "net/core/dev.c" {
			continue
		}
		if got := mustRead(t, filepath.Join(tr.Dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	tr.Close()
	if n := apt.calls(t); n != 3 {
		t.Errorf("apt-get was run %d times, want update, --print-uris, download", n)
	}

	// Warm, and without network: nothing is run at all.
	apt.offline(t, true)
	t.Setenv("PATH", "/nowhere")
	again := mustOpen(t, opt)
	if again.Key() != src.Key() || again.Version != src.Version {
		t.Errorf("the second time it is another: %+v", again)
	}
	if n := apt.calls(t); n != 0 {
		t.Errorf("apt-get was run %d times", n)
	}
}

func TestObtainWithoutNetwork(t *testing.T) {
	apt := newFakeApt(t)
	apt.offline(t, true)
	opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
	_, err := Open(t.Context(), opt)
	if !errors.Is(err, ErrObtain) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"fetch linux 6.12", "linux-source-6.12", "Unable to locate package", "Connect to the network", "KERNEL=DIR"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	apt.offline(t, false)
	mustOpen(t, opt)
}

// TestCachedDownload damages what was downloaded, with the base gone so that
// it is needed again.
func TestCachedDownload(t *testing.T) {
	truncate := func(s string) string { return s[:len(s)-100] }
	alter := func(s string) string { return s[:len(s)/2] + "\x00" + s[len(s)/2+1:] }
	for name, tc := range map[string]struct {
		damage  func(string) string
		offline bool
		calls   int
		notice  string
		err     string
	}{
		"whole, offline":     {nil, true, 0, "", ""},
		"truncated":          {truncate, false, 3, "the cached download is damaged, fetching it again", ""},
		"altered":            {alter, false, 3, "sha256 is ", ""},
		"truncated, offline": {truncate, true, 4, "", "is damaged ("},
		"altered, offline":   {alter, true, 4, "", "could not be fetched again"},
	} {
		t.Run(name, func(t *testing.T) {
			apt := newFakeApt(t)
			var ev events
			opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
			want := mustOpen(t, opt).BaseCommit
			apt.calls(t)
			opt.Progress = ev.add
			if err := os.RemoveAll(filepath.Join(opt.Cache, "base")); err != nil {
				t.Fatal(err)
			}
			found, err := filepath.Glob(filepath.Join(opt.Cache, "download", "*", "*.deb"))
			if err != nil || len(found) != 1 {
				t.Fatalf("downloads: %v, %v", found, err)
			}
			if tc.damage != nil {
				mustWrite(t, found[0], tc.damage(mustRead(t, found[0])))
			}
			if tc.offline {
				apt.offline(t, true)
			}
			src, err := Open(t.Context(), opt)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || !errors.Is(err, ErrObtain) {
					t.Errorf("got %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if src.BaseCommit != want {
				t.Errorf("commit %s, want %s", src.BaseCommit, want)
			}
			if n := apt.calls(t); n != tc.calls {
				t.Errorf("apt-get was run %d times, want %d", n, tc.calls)
			}
			if !strings.Contains(ev.notices(), tc.notice) {
				t.Errorf("notices: %s", ev.notices())
			}
		})
	}
}

// TestDownloadIsNotAsPromised has apt deliver something else than its lists
// say, as a broken mirror does.
func TestDownloadIsNotAsPromised(t *testing.T) {
	apt := newFakeApt(t)
	mustWrite(t, filepath.Join(apt.dir, "promised"), "something else")
	opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
	_, err := Open(t.Context(), opt)
	if !errors.Is(err, ErrObtain) || !strings.Contains(err.Error(), "downloaded file is damaged") {
		t.Errorf("got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(opt.Cache, "download", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestOtherManifestOtherBase: a base is used only if it is the source that the
// manifest requests.
func TestOtherManifestOtherBase(t *testing.T) {
	apt := newFakeApt(t)
	opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
	mustOpen(t, opt)
	apt.offline(t, true)
	opt.Project.Bases[0].Origins[0].Suites = nil // the suites are not part of the source
	mustOpen(t, opt)
	opt.Project.Bases[0].Origins[0].Version = "6.12.8-*"
	if _, err := Open(t.Context(), opt); !errors.Is(err, ErrObtain) {
		t.Errorf("got %v", err)
	}
}

func TestObtainFromGit(t *testing.T) {
	dir := mustSource(t)
	mustGit(t, dir, "init", "-q")
	mustGit(t, dir, "add", "-A", "-f")
	mustGit(t, dir, "commit", "-qm", "base")
	mustGit(t, dir, "tag", "v6.12.7")
	s := mustSeries(t, mailOf("net: one", diffFirst))
	s.Bases[0].Origins = []Origin{{Kind: KindGit, URL: dir, Ref: "v6.12.7"}}
	opt := Options{Project: s, Cache: t.TempDir()}
	src := mustOpen(t, opt)
	if src.Version != "6.12.7" || src.BaseCommit != mustGit(t, dir, "rev-parse", "HEAD") {
		t.Errorf("version %q, commit %s", src.Version, src.BaseCommit)
	}
	mustCheckout(t, src)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, opt)
}

func TestTwoFetchesAtOnce(t *testing.T) {
	apt := newFakeApt(t)
	opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := Open(t.Context(), opt)
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := apt.calls(t); n != 3 {
		t.Errorf("apt-get was run %d times, want 3", n)
	}
}

// TestInterruptedFetch stops a run in each of its stages.
func TestInterruptedFetch(t *testing.T) {
	for _, stage := range []string{"update", "download"} {
		t.Run(stage, func(t *testing.T) {
			apt := newFakeApt(t)
			opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
			mustWrite(t, filepath.Join(apt.dir, "slow."+stage), "")
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for t.Context().Err() == nil {
					if _, err := os.Stat(filepath.Join(apt.dir, "reached")); err == nil {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
				cancel()
			}()
			// NB: an apt-get that is not stopped takes an hour.
			if _, err := Open(ctx, opt); !errors.Is(err, context.Canceled) || errors.Is(err, ErrObtain) {
				t.Errorf("got %v", err)
			}
			if err := os.Remove(filepath.Join(apt.dir, "slow."+stage)); err != nil {
				t.Fatal(err)
			}
			mustOpen(t, opt)
		})
	}
}

func TestTarballRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"upwards":  {"../../evil": "x"},
		"git":      {".git/config": "x"},
		"no files": {},
	} {
		t.Run(name, func(t *testing.T) {
			apt := newFakeApt(t)
			mustDeb(t, apt.deb, files)
			mustWrite(t, filepath.Join(apt.dir, "promised"), mustRead(t, apt.deb))
			opt := Options{Project: mustSeries(t), Cache: t.TempDir()}
			if _, err := Open(t.Context(), opt); !errors.Is(err, ErrObtain) {
				t.Errorf("got %v", err)
			}
			left, err := filepath.Glob(filepath.Join(opt.Cache, "base", "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestTruncatedPackage serves a package that is shorter than announced.
func TestTruncatedPackage(t *testing.T) {
	for _, cut := range []int{4, 30, 100, 400} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			apt := newFakeApt(t)
			mustWrite(t, apt.deb, mustRead(t, apt.deb)[:cut])
			mustWrite(t, filepath.Join(apt.dir, "promised"), mustRead(t, apt.deb))
			if _, err := Open(t.Context(), Options{Project: mustSeries(t), Cache: t.TempDir()}); !errors.Is(err, ErrObtain) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParsePrintURI(t *testing.T) {
	sum := fmt.Sprintf("%x", sha256.Sum256(nil))
	for line, want := range map[string]bool{
		"'http://m/p/a_1_all.deb' a_1_all.deb 12 SHA256:" + sum + "\n": true,
		"'http://m/p/a_1_all.deb' ../a.deb 12 SHA256:" + sum:           false,
		"'http://m/p/a_1_all.deb' a_1_all.deb 12 MD5Sum:" + sum[:32]:   false,
		"Need to get 12 B of source archives.":                         false,
	} {
		if got := parsePrintURI(line) != nil; got != want {
			t.Errorf("%q: accepted: %v", line, got)
		}
	}
}

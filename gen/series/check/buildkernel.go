// SPDX-License-Identifier: GPL-2.0-only OR MIT

package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"xpsgen/vmtest/cache"
	"xpsgen/vmtest/proc"
)

// kernelConfig restricts allmodconfig. It disables options that make the compiler two to
// three times slower on the same code, and those that turn warnings into errors.
const kernelConfig = `# CONFIG_WERROR is not set
# CONFIG_DRM_WERROR is not set
# CONFIG_KVM_WERROR is not set
# CONFIG_KASAN is not set
# CONFIG_KCSAN is not set
# CONFIG_KMSAN is not set
# CONFIG_KCOV is not set
# CONFIG_UBSAN is not set
# CONFIG_GCOV_KERNEL is not set
# CONFIG_FTRACE is not set
# CONFIG_GCC_PLUGINS is not set
# CONFIG_MODVERSIONS is not set
# CONFIG_RUST is not set
# CONFIG_LOCALVERSION_AUTO is not set
CONFIG_DEBUG_INFO_NONE=y
`

// compiler is a wrapper that stores the compiler's diagnostics next to each object.
// Otherwise an incremental build would only show those of recompiled files.
const compiler = `#!/bin/sh
out= prev=
for a; do
	[ "$prev" = -o ] && out=$a
	prev=$a
done
case $out in
*.o)
	"$@" 2>"$out.diag.tmp"
	rc=$?
	cat "$out.diag.tmp" >&2
	mv "$out.diag.tmp" "$out.diag"
	exit $rc ;;
esac
exec "$@"
`

// checker does the same for sparse, which gets no output file. It never fails: the stored
// file has the findings.
const checker = `#!/bin/sh
for src; do :; done
rel=${src#"$XPSGEN_SRC"/}
case " $XPSGEN_SPARSE " in
*" $rel "* | " all ") ;;
*) exit 0 ;;
esac
mkdir -p "$(dirname "$rel")"
sparse "$@" 2>"${rel%.c}.o.sparse.tmp"
mv "${rel%.c}.o.sparse.tmp" "${rel%.c}.o.sparse"
exit 0
`

// kernel builds a kernel tree in an object directory that is kept.
func (b *builder) kernel(ctx context.Context) (*state, error) {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"cc": compiler, "check": checker} {
		if err := cache.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o755); err != nil {
			return nil, err
		}
	}
	allmod := filepath.Join(b.dir, "all.config")
	if err := os.WriteFile(allmod, []byte(kernelConfig), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(b.dir + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	objects, err := b.objects()
	if err != nil {
		return nil, err
	}
	if err := b.forgetMissing(); err != nil {
		return nil, err
	}
	cc := "gcc"
	if b.flavor == "clang" {
		cc = Clang()
	}
	if _, err := exec.LookPath("ccache"); err == nil {
		cc = "ccache " + cc
	}
	sparse := strings.Join(b.changed, " ")
	if b.full {
		sparse = "all"
	}
	make := func(args ...string) error {
		line := []string{"make", "-s", "-k", "-C", b.src, "O=" + b.dir, fmt.Sprintf("-j%d", b.jobs),
			"CC=" + filepath.Join(b.dir, "cc") + " " + cc, "HOSTCC=gcc", "W=1"}
		switch b.flavor {
		case "gcc":
			line = append(line, "C=1", "CHECK="+filepath.Join(b.dir, "check"))
		case "32bit":
			line = append(line, "ARCH=i386")
		}
		c := &proc.Cmd{Args: append(line, args...), Dir: b.dir, Stdout: log, Stderr: log,
			Env: plainEnv("XPSGEN_SRC="+b.src, "XPSGEN_SPARSE="+sparse, "KCONFIG_ALLCONFIG="+allmod, "LC_ALL=C", "KBUILD_BUILD_TIMESTAMP=1970-01-01")}
		return c.Run(ctx)
	}
	if err := b.configure(cc, make); err != nil {
		return b.broken(ctx, "make allmodconfig", err)
	}
	if !b.full && len(objects) == 0 {
		return &state{}, nil
	}
	// Objects depend on the target prepare, which make builds first.
	err = make(objects...)
	if err == nil {
		return b.collect(objects, "")
	}
	if ctx.Err() != nil || !exited(err) {
		return nil, err
	}
	// The diagnostics show which objects failed. If prepare failed, the compiler was
	// not called.
	if err := make("prepare"); err != nil {
		return b.broken(ctx, "make prepare", err)
	}
	return b.collect(objects, log.Name())
}

// forgetMissing removes the results of changed files that this tree does not have.
// Otherwise a later tree, whose Makefile lacks such a file, would seem to compile it.
func (b *builder) forgetMissing() error {
	for _, f := range b.changed {
		if _, err := os.Stat(filepath.Join(b.src, f)); err == nil {
			continue
		}
		object := filepath.Join(b.dir, strings.TrimSuffix(f, ".c")+".o")
		for _, name := range []string{object, object + ".diag", object + ".sparse", commandFile(object)} {
			if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// commandFile is where kbuild records the command and the inputs of an object.
func commandFile(object string) string {
	return filepath.Join(filepath.Dir(object), "."+filepath.Base(object)+".cmd")
}

// configure writes the configuration, unless it is up to date.
func (b *builder) configure(cc string, make func(...string) error) error {
	stamp := filepath.Join(b.dir, "configured")
	want := b.config + "\n" + b.flavor + " " + cc + "\n" + toolID(cc[strings.LastIndexByte(cc, ' ')+1:])
	if have, err := os.ReadFile(stamp); err == nil && string(have) == want {
		return nil
	}
	if err := os.Remove(stamp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := make("allmodconfig"); err != nil {
		return err
	}
	return cache.WriteFile(stamp, []byte(want), 0o644)
}

// exited reports whether a program ended with an exit status other than 0.
func exited(err error) bool {
	var perr *proc.Error
	return errors.As(err, &perr) && perr.ExitCode > 0
}

// broken returns the state of a tree in which make fails before it compiles an object.
func (b *builder) broken(ctx context.Context, what string, err error) (*state, error) {
	if ctx.Err() != nil || !exited(err) {
		return nil, err
	}
	why := whyFailed(b.dir + ".log")
	d := newDiagnostics(b.src)
	data, rerr := os.ReadFile(b.dir + ".log")
	if rerr != nil {
		return nil, rerr
	}
	d.read(string(data))
	d.readFailed(string(data))
	return &state{Errors: d.errors, Warnings: d.warnings, Order: d.order, Broken: what + ": " + why}, nil
}

// objects returns the objects to build: those of the changed files, or with gcc those of
// all C files in the targets. narrow limits gcc to the changed files.
func (b *builder) objects() (objects []string, err error) {
	if b.flavor != "gcc" || b.narrow {
		for _, f := range b.changed {
			if _, err := os.Stat(filepath.Join(b.src, f)); err == nil {
				objects = append(objects, strings.TrimSuffix(f, ".c")+".o")
			}
		}
		return objects, nil
	}
	for _, dir := range b.targets {
		found, err := filepath.Glob(filepath.Join(b.src, dir, "*.c"))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			objects = append(objects, dir+"/"+strings.TrimSuffix(filepath.Base(f), ".c")+".o")
		}
	}
	return objects, nil
}

// collect reads the diagnostics of each object, from this build or an earlier one. log is
// the output file of a make that failed, or empty.
func (b *builder) collect(objects []string, log string) (*state, error) {
	if b.full {
		var err error
		if objects, err = b.allObjects(); err != nil {
			return nil, err
		}
	}
	cc, sparse := newDiagnostics(b.src), newDiagnostics(b.src)
	s := &state{Objects: len(objects)}
	for _, o := range objects {
		data, err := os.ReadFile(filepath.Join(b.dir, o+".diag"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		cc.read(string(data))
		if b.flavor != "gcc" || !b.full && !slices.Contains(b.changed, strings.TrimSuffix(o, ".o")+".c") {
			continue
		}
		s.Checked++
		if data, err = os.ReadFile(filepath.Join(b.dir, o+".sparse")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		before := sparse.errors.total()
		sparse.read(string(data))
		if sparse.errors.total() > before {
			s.GaveUp++
		}
	}
	if log != "" {
		data, err := os.ReadFile(log)
		if err != nil {
			return nil, err
		}
		cc.readMake(string(data))
	}
	s.Errors, s.Warnings, s.Sparse, s.Order = cc.errors, cc.warnings, sparse.warnings, cc.order
	if b.flavor == "gcc" {
		var err error
		if s.Read, err = b.readOf(objects); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readOf returns the touched files that make and the compiler read for some objects.
func (b *builder) readOf(objects []string) (read []string, err error) {
	seen, dirs := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		if _, err := os.Stat(filepath.Join(b.dir, o+".diag")); err != nil {
			continue
		}
		dirs[path.Dir(o)] = true
		data, err := os.ReadFile(commandFile(filepath.Join(b.dir, o)))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		seen[strings.TrimSuffix(o, ".o")+".c"] = true
		for f := range readOf(string(data), b.src, "") {
			seen[f] = true
		}
	}
	for _, f := range b.touched {
		base := path.Base(f)
		switch {
		case seen[f], strings.HasPrefix(base, "Kconfig"), f == "Makefile",
			(base == "Makefile" || base == "Kbuild") && dirs[path.Dir(f)]:
			read = append(read, f)
		}
	}
	return read, nil
}

func (b *builder) allObjects() (objects []string, err error) {
	err = filepath.WalkDir(b.dir, func(path string, _ os.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, ".diag"); ok && err == nil {
			rel, rerr := filepath.Rel(b.dir, name)
			if rerr != nil {
				return rerr
			}
			objects = append(objects, rel)
		}
		return err
	})
	slices.Sort(objects)
	return objects, err
}

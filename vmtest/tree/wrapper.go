// SPDX-License-Identifier: GPL-2.0-only OR MIT

package tree

import (
	"fmt"
	"os"
	"path/filepath"

	"xpsgen/vmtest/cache"
)

// Wrapper returns a script that runs a program of unpacked packages with the C
// library of these packages, since the machine's may be older. dir is what
// [Packages.Unpack] returned. program is a path below it.
func Wrapper(dir, program string) (path string, err error) {
	loaders, err := filepath.Glob(filepath.Join(dir, "usr", "lib", "*-linux-gnu", "ld-linux*.so.*"))
	if err != nil || len(loaders) == 0 {
		return "", fmt.Errorf("no loader in %s", dir)
	}
	lib, err := filepath.Rel(dir, filepath.Dir(loaders[0]))
	if err != nil {
		return "", err
	}
	// A few libraries are in usr/lib itself.
	script := fmt.Sprintf("#!/bin/sh\nd=${0%%/*}\nexec \"$d/%s/%s\" --library-path \"$d/%[1]s:$d/usr/lib\" \"$d/%[3]s\" \"$@\"\n",
		lib, filepath.Base(loaders[0]), program)
	path = filepath.Join(dir, "run-"+filepath.Base(program))
	if have, err := os.ReadFile(path); err == nil && string(have) == script {
		return path, nil
	}
	return path, cache.WriteFile(path, []byte(script), 0o755)
}

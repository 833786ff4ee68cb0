// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"os"
	"slices"
	"strings"

	"xpsgen/vmtest/guest/wire"
)

// handedOn are the host's variables that a program in the guest gets: locations of
// libraries, output files, and the locale (LC_*).
var handedOn = []string{
	"HOME", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH",
	"GOCOVERDIR", "GODEBUG", "GOTRACEBACK", "GORACE", "GOMAXPROCS",
}

// guestPath is PATH in the guest.
const guestPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ is the environment of a program that starts in dir, in addition to the
// guest's own. Later ones win.
func (opt *GuestOptions) environ(dir string) []wire.Raw {
	search := guestPath
	var env []string
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case name == "PATH" && opt.EnvAll:
			search = value
		case opt.EnvAll, slices.Contains(handedOn, name), strings.HasPrefix(name, "LC_"):
			env = append(env, kv)
		}
	}
	switch {
	case opt.foreign():
		search = wire.ToolDir // the host's programs do not run
	case !opt.HostTools:
		search = wire.ToolDir + ":" + search
	}
	env = append(env, "PATH="+search, "PWD="+dir)
	for _, e := range opt.Env {
		if !strings.Contains(e, "=") {
			value, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + value
		}
		env = append(env, e)
	}
	return wire.Raws(env)
}

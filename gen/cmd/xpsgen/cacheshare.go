// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"os"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/share"
)

// shareArg names the store.
func shareArg(what string) []command.Arg {
	return []command.Arg{{Name: "DIR|URL", Help: what}}
}

// shareOptions are the options of cache push and cache pull.
type shareOptions struct {
	kinds []string
	newer string
}

func (o *shareOptions) flags() []command.Flag {
	return []command.Flag{{Name: "kind", Arg: "KIND", To: command.Choices(&o.kinds, share.Kinds()...), Help: "copy only entries of this kind; default all"}}
}

// shareLong describes stores.
const shareLong = "An entry is one file, KIND/KEY.tar.gz. The key is the hash of all inputs, so an entry never changes. A store is a directory that the machines share, or the URL " +
	"of a web server; push needs one that accepts PUT. Entries are not signed: use a store only if you trust " +
	"everybody who can write to it."

func cachePushCommand(env *environment) *command.Command {
	var o shareOptions
	return &command.Command{
		Name:  "push",
		Short: "copy entries of the cache to a store",
		Long:  "Copies sources, kernels and programs that the store lacks. " + shareLong,
		Args:  shareArg("store to copy to"),
		Flags: append(o.flags(), command.Flag{Name: "newer", Arg: "FILE", To: command.String(&o.newer),
			Help: "copy only entries that were made after FILE was changed"}),
		Needs:    []string{"share"},
		Examples: []command.Example{{Line: "cache push /srv/xpsgen"}, {Line: "cache push --kind kernel http://cache.example.org/xpsgen"}},
		Run: func(ctx context.Context, args []string) error {
			return env.share(ctx, args[0], "pushed", &o, share.Push)
		},
	}
}

func cachePullCommand(env *environment) *command.Command {
	var o shareOptions
	return &command.Command{
		Name:     "pull",
		Short:    "copy entries of a store to the cache",
		Long:     "Copies sources, kernels and programs that the cache lacks. A store that does not exist counts as empty. " + shareLong,
		Args:     shareArg("store to copy from"),
		Flags:    o.flags(),
		Needs:    []string{"share"},
		Examples: []command.Example{{Line: "cache pull /srv/xpsgen"}, {Line: "cache pull --kind base --kind kernel http://cache.example.org/xpsgen"}},
		Run: func(ctx context.Context, args []string) error {
			return env.share(ctx, args[0], "pulled", &o, share.Pull)
		},
	}
}

func (env *environment) share(ctx context.Context, where, verb string, o *shareOptions, copy func(context.Context, share.Store, share.Options) (int, error)) error {
	dir, err := env.checkedCache()
	if err != nil {
		return err
	}
	store, err := share.Open(where)
	if err != nil {
		return command.Usagef("%v", err)
	}
	var total int64
	opt := share.Options{Cache: dir, Kinds: o.kinds}
	if o.newer != "" {
		info, err := os.Stat(o.newer)
		if err != nil {
			return command.Usagef("--newer: %v", err)
		}
		opt.Newer = info.ModTime()
	}
	opt.Done = func(name string, bytes int64) {
		total += bytes
		env.ui.Printf("      %s %s, %.1f MB", verb, name, float64(bytes)/1e6)
	}
	n, err := copy(ctx, store, opt)
	if err != nil {
		return err
	}
	env.ui.Printf("done  %s %d entries, %.1f MB", verb, n, float64(total)/1e6)
	return nil
}

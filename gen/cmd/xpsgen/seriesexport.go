// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series"
	"xpsgen/gen/series/check"
	"xpsgen/gen/series/export"
	"xpsgen/gen/series/gate"
	"xpsgen/gen/series/mail"
	"xpsgen/vmtest/tree"
	"xpsgen/vmtest/tree/manifest"
)

// exportOptions are the options of series export.
type exportOptions struct {
	out, results, netNext, tags string
	signOff                     bool
	baseRepos                   []string
	outstanding                 int
	// threads, netNextState and figures are read from the arguments and flags.
	threads      []manifest.Thread
	netNextState gate.State
	figures      map[string]string
}

func seriesExportCommand(env seriesCommands) *command.Command {
	var o exportOptions
	return &command.Command{
		Name:  "export",
		Short: "write the mails of the series, one thread per series",
		Long: "Writes a directory per series. Its subdirectory mails holds only the mails: pass it to git send-email. Its subdirectory " +
			"mboxes holds thread.mbox (with the cover, for b4) and patches.mbox (without the cover, for git am). state.toml lists " +
			"what is missing. If one series depends on another, their cover letters link to each other. Nothing is sent.\n\n" +
			"Without --sign-off the mails are not ready to send. With --sign-off, it asks once for confirmation. Then the " +
			"user in git's user.name and user.email is the sender, and signs off every patch.",
		Args: []command.Arg{{Name: "SERIES", Optional: true, Repeat: true, Values: env.submittedKeys,
			Help: "series to export; default all series to submit"}},
		Flags: []command.Flag{
			{Name: "out", Letter: "o", Arg: "DIR", To: command.String(&o.out), Help: "directory to write to"},
			{Name: "sign-off", To: command.Bool(&o.signOff), Help: "sign off as the user in git's user.name and user.email; asks first"},
			{Name: "results", Arg: "FILE", To: command.String(&o.results), Help: "JSON file with the figures for {{bench:NAME}} in a cover letter; default the results of make bench"},
			{Name: "net-next", Arg: "STATE", To: command.Choice(&o.netNext, "open", "closed"), Help: "state of net-next, which is closed during the merge window"},
			{Name: "tags", Arg: "FILE", To: command.String(&o.tags), Help: "file with the output of git ls-remote --tags on Linus's tree, to detect the merge window"},
			{Name: "base-repo", Arg: "DIR", To: command.Strings(&o.baseRepos), Help: "git clone of a public tree; the base-commit is its newest commit, in remote branches and tags, in which the files of the series are the same as in the base"},
			{Name: "outstanding", Arg: "N", To: command.Int(&o.outstanding, 0, 1000), Help: "number of your other patches that are pending for the same tree"},
		},
		Examples: []command.Example{
			{Line: "series export -o /tmp/v1"},
			{Line: "series export -o /tmp/v1 hook"},
			{Line: "series export -o /tmp/v1 --base-repo ~/src/net-next"},
			{Line: "series export -o /tmp/v1 --sign-off --net-next open"},
		},
		Exits: seriesExit,
		Needs: []string{"series"},
		Valid: func(args []string) error { return o.valid(env, args) },
		Run:   func(ctx context.Context, _ []string) error { return env.seriesExport(ctx, &o) },
	}
}

func (o *exportOptions) valid(env seriesCommands, args []string) (err error) {
	if o.out == "" {
		return command.Usagef("-o DIR is missing: directory to write to")
	}
	if o.netNextState, err = o.state(); err != nil {
		return err
	}
	if o.threads, err = env.threads(args); err != nil {
		return err
	}
	for _, t := range o.threads {
		switch {
		case !t.Series.Sent():
			return command.Usagef("%s has the role %s, which is never sent", t.Series.Key, t.Series.Role)
		case !t.Submitted():
			return command.Usagef("%s: the base has the role %s, which is never sent", t.Name(), t.Base.Role)
		}
	}
	if o.results != "" {
		o.figures, err = export.LoadResults(o.results)
	}
	return err
}

func (env seriesCommands) seriesExport(ctx context.Context, o *exportOptions) (err error) {
	e := &exporter{env: env.environment, threads: o.threads, state: o.netNextState, results: o.figures, outstanding: o.outstanding, now: time.Now()}
	if e.root, e.cache, err = env.locate(); err != nil {
		return err
	}
	var signer *mail.Address
	if o.signOff {
		wd, err := os.Getwd()
		if err != nil {
			return err
		}
		person, err := export.Identity(ctx, wd)
		if err != nil {
			return err
		}
		if err := env.askToSign(ctx, person, manifest.Names(o.threads)); err != nil {
			return err
		}
		signer = &person
	}
	halves, err := e.load(ctx, signer)
	if err != nil {
		return err
	}
	if err := e.findBases(ctx, halves, o.baseRepos); err != nil {
		return err
	}
	for _, h := range halves {
		e.judge(h)
	}
	if err := export.Write(o.out, halves); err != nil {
		return err
	}
	for _, h := range halves {
		if err := e.report(ctx, h, o.out); err != nil {
			return err
		}
	}
	return nil
}

// state returns the state of net-next from --net-next or --tags.
func (o *exportOptions) state() (gate.State, error) {
	switch {
	case o.netNext != "" && o.tags != "":
		return gate.Unknown, command.Usagef("--net-next and --tags are mutually exclusive")
	case o.netNext == "open":
		return gate.Open, nil
	case o.netNext == "closed":
		return gate.Closed, nil
	case o.tags == "":
		return gate.Unknown, nil
	}
	f, err := os.Open(o.tags)
	if err != nil {
		return gate.Unknown, fmt.Errorf("--tags: %w", err)
	}
	defer f.Close()
	return gate.ParseTags(f)
}

// errNotSigned is returned if the user did not confirm the sign-off.
var errNotSigned = errors.New("not signed off; nothing was written")

// askToSign asks the person at the terminal once. Only a person can certify the origin
// of a patch.
func (env seriesCommands) askToSign(ctx context.Context, person mail.Address, names []string) error {
	if !term.IsTerminal(int(env.stdin.Fd())) {
		return fmt.Errorf("--sign-off: stdin is not a terminal, and only a person can sign off: %w", errNotSigned)
	}
	env.ui.Above(func() {
		fmt.Fprintf(env.stderr, "Sign off every patch of %s as\n  %s\nThat certifies the Developer's Certificate of Origin 1.1 (Documentation/process/submitting-patches.rst).\nYes? [y/N] ",
			strings.Join(names, " and "), person)
	})
	type line struct {
		text string
		err  error
	}
	// A pending read of the terminal cannot be cancelled. It outlives an interrupt.
	answered := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(env.stdin).ReadString('\n')
		answered <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("--sign-off: %w", ctx.Err())
	case answer := <-answered:
		if answer.err != nil && !errors.Is(answer.err, io.EOF) {
			return fmt.Errorf("read the answer: %w", answer.err)
		}
		switch strings.ToLower(strings.TrimSpace(answer.text)) {
		case "y", "yes":
			return nil
		}
		return errNotSigned
	}
}

// exporter makes the threads of an export.
type exporter struct {
	env         *environment
	root, cache string
	threads     []manifest.Thread
	// results are the results of --results. Nil means the last counts.
	results     map[string]string
	state       gate.State
	outstanding int
	now         time.Time

	rows map[string][]check.Row
}

func (e *exporter) load(ctx context.Context, signer *mail.Address) (halves []*export.Half, err error) {
	change, err := series.Load(e.root)
	if err != nil {
		return nil, err
	}
	e.rows = map[string][]check.Row{}
	checker := &seriesChecker{env: e.env, cache: e.cache}
	for _, t := range e.threads {
		s, b := change.Of(t)
		h := &export.Half{Series: s, Base: b, Signer: signer}
		for _, key := range s.Manifest.Stands {
			if o := change.Find(key); o != nil {
				h.Needs = append(h.Needs, o)
			}
		}
		if h.Results, err = e.figures(ctx, t); err != nil {
			return nil, err
		}
		opt := check.Options{Known: true}
		if opt, err = checker.options(ctx, t, opt); err != nil {
			return nil, err
		}
		if h.Thread = opt.Thread; h.Thread.ApplyErr != nil {
			return nil, h.Thread.ApplyErr
		}
		h.Copies, err = check.Copies(ctx, opt)
		if missing := new(check.ToolError); errors.As(err, &missing) && missing.Tree != "" {
			e.env.ui.Important(fmt.Sprintf("note  %s: only the recipients in series.toml get a copy: %v", t.Name(), err))
		} else if err != nil {
			return nil, err
		}
		if e.rows[h.Name()], err = check.Run(ctx, opt); err != nil {
			return nil, err
		}
		if h.Stat, err = export.Diffstat(ctx, h.Thread); err != nil {
			return nil, err
		}
		if h.RangeDiff, err = export.RangeDiff(ctx, s, h.Thread, tree.Options{Cache: e.cache, Progress: e.env.ui.Progress()}); err != nil {
			return nil, err
		}
		halves = append(halves, h)
	}
	for _, h := range halves {
		for _, o := range halves {
			if o != h {
				h.Beside = append(h.Beside, o)
			}
		}
	}
	return halves, nil
}

// findBases searches the user's clones for the public base commits of the threads. A
// clone without any of them is an error.
func (e *exporter) findBases(ctx context.Context, halves []*export.Half, repos []string) error {
	for _, dir := range repos {
		var last error
		found := false
		for _, h := range halves {
			if h.Thread.Commit != "" {
				continue
			}
			commit, err := export.PublicBase(ctx, h.Thread, dir)
			if errors.Is(err, export.ErrNoPublicBase) {
				last = err
				continue
			}
			if err != nil {
				return err
			}
			h.Thread.Commit, found = commit, true
		}
		if !found && last != nil {
			return last
		}
	}
	return nil
}

// judge sets the state of a thread.
func (e *exporter) judge(h *export.Half) {
	in := gate.Input{Now: e.now, RFC: h.RFC(), Patches: len(h.Base.Patches), State: e.state, Outstanding: e.outstanding}
	if t := h.Series.Target; t != nil {
		in.Tree, in.Page, in.MaxPatches = t.Name, t.Window, t.MaxPatches
		in.Interval = time.Duration(t.IntervalHours) * time.Hour
	}
	for _, p := range h.Series.Sent {
		if p.Version < h.Series.Version {
			in.LastSent = p.Date
		}
	}
	status := h.Status(e.rows[h.Name()], gate.Check(in))
	h.Judged = &status
}

// report prints the directory and the state of a thread, and the next command.
func (e *exporter) report(ctx context.Context, h *export.Half, out string) error {
	status := h.Judged
	dir := filepath.Join(out, h.Name())
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %d patches\n", dir, status.State, len(h.Base.Patches))
	for _, m := range status.Missing {
		fmt.Fprintf(&b, "  missing: %s\n", m)
	}
	for _, w := range status.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", strings.ReplaceAll(w, "\n", "\n    "))
	}
	fmt.Fprintf(&b, "  look at it as a maintainer does:\n    b4 am -m %s\n", filepath.Join(dir, export.MboxesDir, export.ThreadName))
	if status.State == export.Ready {
		fmt.Fprintf(&b, "  send it:\n    git send-email --no-thread --suppress-cc=author --suppress-cc=body --confirm=always %s\n"+
			"  and then:\n    xpsgen series sent %s v%d --from %s\n",
			filepath.Join(dir, export.MailsDir), h.Series.Key, h.Series.Version, dir)
	}
	if _, err := io.WriteString(e.env.stdout, b.String()); err != nil {
		return fmt.Errorf("print the state: %w", err)
	}
	return ctx.Err()
}

// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/gen/series"
	"xpsgen/gen/series/reply"
)

// sentOptions are the options of series sent.
type sentOptions struct {
	messageID, date, from string
	force                 bool
	// series, version and when are the parsed arguments and --date.
	series  string
	version int
	when    time.Time
}

func seriesSentCommand(env seriesCommands) *command.Command {
	var o sentOptions
	return &command.Command{
		Name:  "sent",
		Short: "archive a version that you sent, and start the next",
		Long: "Copies the sent version to sent/vN with a hash of each file; it never changes again. The series becomes " +
			"vN+1, with an empty section in changelog.md to fill in. The Message-Id is that of the cover letter; exported mails contain " +
			"it.\n\n" +
			"Rejects mails that cannot have been sent: a draft, mails with the placeholder address, or mails without sign-off. " +
			"--force archives them anyway.",
		Args: []command.Arg{
			{Name: "SERIES", Optional: true, Help: "series that was sent; optional if there is only one", Values: env.submittedKeys},
			{Name: "vN", Help: "version that was sent, such as v1", Values: env.versions},
		},
		Flags: []command.Flag{
			{Name: "message-id", Arg: "ID", To: command.String(&o.messageID), Help: "Message-Id of the cover letter, or of the only patch"},
			{Name: "date", Arg: "TIME", To: command.String(&o.date), Help: "time of sending, such as 2026-11-23T09:00:00Z; default now"},
			{Name: "from", Arg: "DIR", To: command.String(&o.from), Help: "directory of series export with the mails that were sent; default the patch files"},
			{Name: "force", To: command.Bool(&o.force), Help: "also archive mails that cannot have been sent"},
		},
		Examples: []command.Example{
			{Line: "series sent hook v1 --message-id 20261123.1@example.org"},
			{Line: "series sent hook v1 --from out/export/hook-net-next"},
		},
		Exits: seriesExit,
		Valid: func(args []string) error { return o.valid(env, args) },
		Run:   func(ctx context.Context, _ []string) error { return env.seriesSent(ctx, &o) },
	}
}

func (o *sentOptions) valid(env seriesCommands, args []string) (err error) {
	if len(args) == 2 {
		o.series = args[0]
	}
	word := args[len(args)-1]
	if o.version, err = strconv.Atoi(strings.TrimPrefix(word, "v")); err != nil || o.version < 1 {
		return command.Usagef("%q is not a version: name the series and the version: SERIES v1", word)
	}
	if o.messageID == "" && o.from == "" {
		return command.Usagef("--message-id: the Message-Id of the cover letter is missing")
	}
	o.when = time.Now()
	if o.date != "" {
		if o.when, err = time.Parse(time.RFC3339, o.date); err != nil {
			return command.Usagef("--date %q: want 2026-11-23T09:00:00Z", o.date)
		}
	}
	root, _, err := env.locateOwn()
	if err != nil {
		return err
	}
	change, err := series.Load(root)
	if err != nil {
		return err
	}
	if _, err := oneSeries(change, o.series); err != nil {
		return command.Usagef("%v", err)
	}
	return nil
}

// versions complete an argument: the current version of each series.
func (env *place) versions() (words []string) {
	root, _, err := env.locate()
	if err != nil {
		return nil
	}
	change, err := series.Load(root)
	if err != nil {
		return nil
	}
	for _, s := range change.All() {
		if v := fmt.Sprintf("v%d", s.Version); !slices.Contains(words, v) {
			words = append(words, v)
		}
	}
	return words
}

func (env seriesCommands) seriesSent(ctx context.Context, o *sentOptions) error {
	change, lock, err := env.openSeries(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	s, err := oneSeries(change, o.series)
	if err != nil {
		return command.Usagef("%v", err)
	}
	p, err := s.Archive(series.SentOptions{Version: o.version, MessageID: o.messageID, Date: o.when, From: o.from, Force: o.force})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(env.stdout, relative(p.Dir)); err != nil {
		return fmt.Errorf("print the archive: %w", err)
	}
	env.ui.Printf("v%d of %s is archived. The series is v%d now: describe its changes in %s, and commit all files",
		p.Version, s.Key, s.Version, relative(filepath.Join(s.Dir, series.ChangelogName)))
	return nil
}

// creditOptions are the options of series credit.
type creditOptions struct{ anyone, dryRun bool }

func seriesCreditCommand(env seriesCommands) *command.Command {
	var o creditOptions
	return &command.Command{
		Name:  "credit",
		Short: "add Reviewed-by and other tags from replies to the patches",
		Long: "Reads mboxes (as lore.kernel.org serves them, compressed or not), maildirs and single mails; - is stdin. " +
			"Matches a reply to its patch by In-Reply-To and References, otherwise by the subject. A tag in a reply to the " +
			"cover letter is for all patches. Accepts a tag only if its address or name is the sender's. Adds tags only to patches of the bases " +
			"to submit.\n\n" +
			"Prints a row per tag and patch: added, present (the patch had it) or refused. A mail that cannot be read gets a row, too.",
		Args: []command.Arg{{Name: "MBOX|MAILDIR", Repeat: true, Help: "replies to read, - for stdin"}},
		Flags: []command.Flag{
			{Name: "anyone", To: command.Bool(&o.anyone), Help: "also accept tags of people other than the sender"},
			{Name: "dry-run", Letter: "n", To: command.Bool(&o.dryRun), Help: "print what would be done, and write nothing"},
		},
		Examples: []command.Example{
			{Line: "series credit replies.mbox"},
			{Line: "series credit ~/Mail/netdev --dry-run"},
			{Line: "$ b4 mbox -o - 20261123.1@example.org | xpsgen series credit --dry-run -"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "a tag was refused, or a mail could not be read"}},
		Run:   func(ctx context.Context, args []string) error { return env.seriesCredit(ctx, &o, args) },
	}
}

func (env seriesCommands) seriesCredit(ctx context.Context, o *creditOptions, names []string) error {
	var sources []reply.Source
	for _, name := range names {
		if name == "-" {
			data, err := io.ReadAll(env.stdin)
			if err != nil {
				return fmt.Errorf("read replies: stdin: %w", err)
			}
			sources = append(sources, reply.Source{Name: "stdin", Data: data})
			continue
		}
		found, err := reply.Open(name)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("read replies: %s: the directory holds no mail", name)
		}
		sources = append(sources, found...)
	}
	change, lock, err := env.openSeries(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	r, err := change.Credit(series.CreditOptions{Sources: sources, Anyone: o.anyone, DryRun: o.dryRun})
	if err != nil {
		return err
	}
	for _, row := range r.Rows {
		if _, err := fmt.Fprintln(env.stdout, row); err != nil {
			return fmt.Errorf("print the credits: %w", err)
		}
	}
	if len(r.Rows) == 0 {
		env.ui.Printf("mails read: %d; none has a tag for this change", r.Mails)
	}
	if r.Foreign > 0 {
		env.ui.Printf("tags for patches of other series: %d", r.Foreign)
	}
	if n := r.Added(); !o.dryRun && n > 0 {
		env.ui.Printf("trailers added: %d; git diff shows them. Trees of tree checkout do not have them yet", n)
	}
	if n := r.Failed(); n > 0 {
		env.ui.Important(fmt.Sprintf("tags or mails not used: %d; add valid ones by hand", n))
		return &statusError{exitFailed}
	}
	return nil
}

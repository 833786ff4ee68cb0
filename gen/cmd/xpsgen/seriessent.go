// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series"
	"xpsgen/gen/series/reply"
)

func seriesSentCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "sent",
		Usage:     "archive a version that you sent, and open the next",
		ArgsUsage: "SERIES vN --message-id ID",
		Description: "Puts what was sent into sent/vN with the hashes of all files; it never changes\n" +
			"again. The series becomes vN+1, with an empty section in changelog.md to fill in.\n" +
			"The Message-Id is that of the cover letter; the mails of an export have it. Each\n" +
			"series is sent by itself; SERIES may be left out where there is only one.\n\n" +
			"Mails that cannot have been sent are refused: those of a draft, from an address of\n" +
			"nobody, or not signed off. --force archives them nevertheless.\n\n" +
			"Examples:\n" +
			"  xpsgen series sent hook v1 --message-id 20261123.1@example.org\n" +
			"  xpsgen series sent hook v1 --from out/export/hook-net-next",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "message-id", Usage: "`ID` of the cover letter, or of the only patch"},
			&cli.StringFlag{Name: "date", Usage: "`TIME` it was sent, as 2026-11-23T09:00:00Z; default now"},
			&cli.StringFlag{Name: "from", Usage: "`DIR` with the mails as they were sent, of series export; default the patch files as they are"},
			&cli.BoolFlag{Name: "force", Usage: "archive mails that cannot have been sent as they are"},
		},
		Action:       env.seriesSent,
		BashComplete: env.completeSeries,
	}
}

func (env *environment) seriesSent(c *cli.Context) error {
	usage := func(format string, a ...any) error {
		return &usageError{text: fmt.Sprintf(format, a...), command: "xpsgen series sent"}
	}
	words := c.Args().Slice()
	if len(words) == 1 {
		words = append([]string{""}, words...)
	}
	if len(words) != 2 {
		return usage("name the series and the version: SERIES v1")
	}
	version, err := strconv.Atoi(strings.TrimPrefix(words[1], "v"))
	if err != nil || version < 1 {
		return usage("%q is no version: name the series and the version: SERIES v1", words[1])
	}
	if c.String("message-id") == "" && c.String("from") == "" {
		return usage("--message-id: the Message-Id of the cover letter is missing")
	}
	date := time.Now()
	if text := c.String("date"); text != "" {
		if date, err = time.Parse(time.RFC3339, text); err != nil {
			return usage("--date %q: want 2026-11-23T09:00:00Z", text)
		}
	}
	change, lock, err := env.openSeries(c)
	if err != nil {
		return err
	}
	defer lock.Release()
	s, err := oneSeries(change, words[0])
	if err != nil {
		return usage("%v", err)
	}
	p, err := s.Archive(series.SentOptions{Version: version, MessageID: c.String("message-id"), Date: date, From: c.String("from"), Force: c.Bool("force")})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(env.stdout, relative(p.Dir)); err != nil {
		return fmt.Errorf("print the archive: %w", err)
	}
	env.ui.Printf("v%d of %s is archived. This is v%d now: say in %s what changes, and commit all of it",
		p.Version, s.Key, s.Version, relative(filepath.Join(s.Dir, series.ChangelogName)))
	return nil
}

func seriesCreditCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "credit",
		Usage:     "put Reviewed-by, Acked-by, Tested-by and other tags of replies onto the patches",
		ArgsUsage: "MBOX|MAILDIR...",
		Description: "Reads mboxes (as lore.kernel.org gives them, compressed or not), maildirs and\n" +
			"single mails; - is stdin. In-Reply-To and References tie a reply to its patch; if\n" +
			"they do not, the subject does. A reply to the cover letter is for all patches.\n" +
			"Only tags that are the sender's own are taken, and only patches of bases that are\n" +
			"submitted get them.\n\n" +
			"Prints a row per tag: added, present (the patch had it) or refused. A mail that\n" +
			"cannot be read is a row, too. Exits with 1 if a row is refused or unread.\n\n" +
			"Examples:\n" +
			"  xpsgen series credit replies.mbox\n" +
			"  xpsgen series credit ~/Mail/netdev --dry-run\n" +
			"  b4 mbox -o - 20261123.1@example.org | xpsgen series credit --dry-run -",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "anyone", Usage: "take tags that are not the sender's own, too"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, and write nothing"},
		},
		Action: env.seriesCredit,
	}
}

func (env *environment) seriesCredit(c *cli.Context) error {
	if c.Args().Len() == 0 {
		return &usageError{text: "name an mbox, or - for stdin", command: "xpsgen series credit"}
	}
	var sources []reply.Source
	for _, name := range c.Args().Slice() {
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
	change, lock, err := env.openSeries(c)
	if err != nil {
		return err
	}
	defer lock.Release()
	r, err := change.Credit(series.CreditOptions{Sources: sources, Anyone: c.Bool("anyone"), DryRun: c.Bool("dry-run")})
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
	if n := r.Added(); !c.Bool("dry-run") && n > 0 {
		env.ui.Printf("trailers added: %d; git diff shows them. A tree made by tree checkout does not have them", n)
	}
	if n := r.Failed(); n > 0 {
		env.ui.Important(fmt.Sprintf("tags or mails not used: %d; add by hand what counts", n))
		return &statusError{exitFailed}
	}
	return nil
}

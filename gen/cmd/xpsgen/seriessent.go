// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"xpsgen/gen/series"
)

func seriesSentCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "sent",
		Usage:     "archive a version that you sent, and open the next",
		ArgsUsage: "vN --message-id ID",
		Description: "Puts what was sent into sent/vN with the hashes of all files; it never changes\n" +
			"again. The series becomes vN+1, with an empty section in changelog.md to fill in.\n" +
			"The Message-Id is that of the cover letter; the mails of an export have it. Each\n" +
			"project is sent by itself.\n\n" +
			"Examples:\n" +
			"  xpsgen series sent v1 --message-id 20261123.1@example.org\n" +
			"  xpsgen series sent v1 --from out/export/linux-net-next\n" +
			"  xpsgen series sent v1 --message-id 20261123.2@example.org --project iproute2",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "message-id", Usage: "`ID` of the cover letter, or of the only patch"},
			&cli.StringFlag{Name: "project", Usage: "`NAME` of the project whose series was sent: linux or iproute2", Value: "linux"},
			&cli.StringFlag{Name: "date", Usage: "`TIME` it was sent, as 2026-11-23T09:00:00Z; default now"},
			&cli.StringFlag{Name: "from", Usage: "`DIR` with the mails as they were sent; default the patch files as they are"},
		},
		Action: env.seriesSent,
	}
}

func (env *environment) seriesSent(c *cli.Context) error {
	usage := func(format string, a ...any) error {
		return &usageError{text: fmt.Sprintf(format, a...), command: "xpsgen series sent"}
	}
	version, err := strconv.Atoi(strings.TrimPrefix(c.Args().First(), "v"))
	if c.Args().Len() != 1 || err != nil || version < 1 {
		return usage("name the version: v1")
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
	s := projectOf(change, c.String("project"))
	if s == nil {
		return usage("--project %q: want linux or iproute2", c.String("project"))
	}
	p, err := s.Archive(series.SentOptions{Version: version, MessageID: c.String("message-id"), Date: date, From: c.String("from")})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(env.stdout, relative(p.Dir)); err != nil {
		return fmt.Errorf("print the archive: %w", err)
	}
	env.ui.Printf("v%d is archived. This is v%d now: say in %s what changes, and commit all of it",
		p.Version, s.Version, relative(filepath.Join(s.Dir, series.ChangelogName)))
	return nil
}

func seriesCreditCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "credit",
		Usage:     "put Reviewed-by, Acked-by and Tested-by of replies onto the patches",
		ArgsUsage: "MBOX...",
		Description: "A reply is tied to its patch by the thread, or else by its subject; one to the\n" +
			"cover letter is to all patches. Only trailers that are the sender's own are taken,\n" +
			"and only patches of bases that are submitted get them. MBOX - is stdin.\n\n" +
			"Examples:\n" +
			"  xpsgen series credit replies.mbox\n" +
			"  b4 mbox -o - 20261123.1@example.org | xpsgen series credit --dry-run -",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "anyone", Usage: "take trailers that are not the sender's own, too"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, and write nothing"},
		},
		Action: env.seriesCredit,
	}
}

func (env *environment) seriesCredit(c *cli.Context) error {
	if c.Args().Len() == 0 {
		return &usageError{text: "name an mbox, or - for stdin", command: "xpsgen series credit"}
	}
	mboxes := map[string][]byte{}
	for _, name := range c.Args().Slice() {
		var err error
		if name == "-" {
			mboxes[name], err = io.ReadAll(env.stdin)
		} else {
			mboxes[name], err = os.ReadFile(name)
		}
		if err != nil {
			return fmt.Errorf("read replies: %w", err)
		}
	}
	change, lock, err := env.openSeries(c)
	if err != nil {
		return err
	}
	defer lock.Release()
	credits, err := change.Credit(series.CreditOptions{Mboxes: mboxes, Anyone: c.Bool("anyone"), DryRun: c.Bool("dry-run")})
	if err != nil {
		return err
	}
	added := 0
	for _, cr := range credits {
		if cr.Added {
			added++
		}
		if _, err := fmt.Fprintln(env.stdout, cr); err != nil {
			return fmt.Errorf("print the credits: %w", err)
		}
	}
	switch {
	case len(credits) == 0:
		env.ui.Printf("no trailer in any reply")
	case !c.Bool("dry-run") && added > 0:
		env.ui.Printf("trailers added: %d; git diff shows them. A tree made by tree checkout does not have them", added)
	}
	return nil
}

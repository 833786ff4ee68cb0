// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"xpsgen/gen/cmd/xpsgen/command"
	"xpsgen/vmtest/ktap"
	"xpsgen/vmtest/mutants"
	"xpsgen/vmtest/runs"
	"xpsgen/vmtest/syz"
	"xpsgen/vmtest/tree/manifest"
)

type syzOptions struct {
	sourceOptions
	machineOptions
	patchOption
	checkout, mutant, out string
	time                  time.Duration
	describe              bool
}

// defaultSyzTime is how long vm syz fuzzes.
const defaultSyzTime = 10 * time.Minute

func vmSyzCommand(env *environment) *command.Command {
	o := syzOptions{time: defaultSyzTime}
	return &command.Command{
		Name:  "syz",
		Short: "fuzz the patched kernel with syzkaller",
		Long: "Builds syz-manager, syz-executor and syz-execprog from a copy of your checkout, with the descriptions of the series " +
			"(xpsgen uapi syzlang) and the programs in vmtest/syz/corpus. Runs syz-manager on the host and the executor in a " +
			"guest with KCOV and KASAN (--config syz). The guest has no network and none of the host's files. The file " +
			"vmtest/syz/calls lists the system calls.\n\n" +
			"Ends when the kernel panics or warns, or when the time is over. After a panic or warning, it searches for a program that " +
			"reproduces it, and prints the command that runs this program. Keeps the run in out/runs/ID, to which out/syz/BASE points. Writes KTAP to stdout.",
		Flags: slices.Concat(o.sourceOptions.flags(env, false), o.machineOptions.flags(), []command.Flag{
			{Name: "syzkaller", Arg: "DIR", Env: "XPSGEN_SYZKALLER", To: command.String(&o.checkout), Help: "checkout of https://github.com/google/syzkaller (read-only)"},
			{Name: "time", Arg: "DURATION", To: command.Duration(&o.time), Help: "how long to fuzz, from the boot of the first guest on"},
			{Name: "mutant", Arg: "NAME", To: command.String(&o.mutant), Help: "known defect of vmtest/mutants/kernel to put into the kernel: the run must find it"},
			o.patchFlag(),
			{Name: "describe", To: command.Bool(&o.describe), Help: "only compile the descriptions, together with those of syzkaller"},
			{Name: "out", Arg: "DIR", To: command.String(&o.out), Help: "directory that gets the results and the record of the run, instead of out/runs"},
		}),
		Examples: []command.Example{
			{Line: "vm syz --syzkaller ~/syzkaller"},
			{Line: "vm syz --syzkaller ~/syzkaller --time 2h"},
			{Line: "vm syz --syzkaller ~/syzkaller --mutant puts-a-refused-program-twice", Note: "must exit with 1"},
			{Line: "vm syz --syzkaller ~/syzkaller --describe"},
		},
		Exits: []command.Exit{{Code: 1, Meaning: "the kernel panicked or warned"}},
		Needs: []string{"vmtest", "syz"},
		Valid: func([]string) error {
			if o.checkout == "" {
				return command.Usagef("name a checkout of syzkaller with --syzkaller; to get one: git clone https://github.com/google/syzkaller")
			}
			return nil
		},
		Run: func(ctx context.Context, _ []string) error { return env.vmSyz(ctx, &o) },
	}
}

func (env *environment) vmSyz(ctx context.Context, o *syzOptions) error {
	env.ui.Patient()
	src, err := o.source(env)
	if err != nil {
		return err
	}
	if !slices.Contains(src.Fragments, syz.Fragment) {
		src.Fragments = append(src.Fragments, syz.Fragment)
	}
	if src.KernelExtra, err = o.extra(); err != nil {
		return err
	}
	if o.mutant != "" {
		path, err := mutantPatch(src.Root, src.BaseName(), o.mutant)
		if err != nil {
			return err
		}
		src.KernelExtra = append(src.KernelExtra, path)
	}
	dir := filepath.Join(src.Root, "vmtest", "syz")
	calls, err := readCalls(filepath.Join(dir, "calls"))
	if err != nil {
		return err
	}
	checkout := syz.Checkout{Dir: o.checkout, Cache: src.Cache, Progress: env.ui.Progress()}
	// Check the checkout before anything is built.
	if err := checkout.Check(); err != nil {
		return checkoutUsage(err)
	}
	if checkout.Corpus, err = readCorpus(filepath.Join(dir, "corpus")); err != nil {
		return err
	}
	described, err := describeSource(ctx, src)
	if err != nil {
		return err
	}
	for _, f := range described {
		checkout.Descriptions = append(checkout.Descriptions, syz.File{Name: f.Name, Text: f.Text})
	}
	if o.describe {
		if _, err := checkout.Describe(ctx); err != nil {
			return err
		}
		env.ui.Verdict(true, "the descriptions of "+src.Name()+" compile with those of "+o.checkout)
		return nil
	}
	tools, err := checkout.Build(ctx)
	if err != nil {
		return err
	}
	rec, err := recordSource(runs.Syz, &src)
	if err != nil {
		return err
	}
	rec.dir, rec.link = o.out, filepath.Join("syz", src.Name())
	rec.selection = o.selection()
	return env.recordKTAP(ctx, rec, env.results(), func(r *runs.Run, results io.Writer) error {
		opt := syz.Options{Source: src, Machine: o.machine(), Tools: tools, Calls: calls, Time: o.time, Dir: r.Dir(), Progress: env.ui.Progress()}
		res, err := syz.Run(ctx, opt)
		if err != nil {
			return err
		}
		rerun, err := o.rerun(&opt, res)
		if err != nil {
			return err
		}
		r.Record.Reasons = append(r.Record.Reasons, complaints(res)...)
		return env.syzResult(results, res, rerun)
	})
}

// checkoutUsage turns an error about the checkout into a usage error.
func checkoutUsage(err error) error {
	if errors.Is(err, syz.ErrCheckout) {
		return command.Usagef("--syzkaller: %v", err)
	}
	return err
}

// selection describes why the run is partial: a mutant, patches, or a shorter
// time. It is empty for a complete run.
func (o *syzOptions) selection() string {
	var parts []string
	if o.mutant != "" {
		parts = append(parts, "--mutant "+o.mutant)
	}
	for _, p := range o.patches {
		parts = append(parts, "--patch "+p)
	}
	if o.time < defaultSyzTime {
		parts = append(parts, "--time "+o.time.String())
	}
	return strings.Join(parts, " ")
}

// rerun returns the command that runs the reproducer, or "" if there is none.
func (o *syzOptions) rerun(opt *syz.Options, res *syz.Result) (string, error) {
	if res.Reproducer == nil {
		return "", nil
	}
	args, err := o.vmRun(&opt.Source, &opt.Machine)
	if err != nil {
		return "", err
	}
	args[0] = "xpsgen"
	var patches []string
	for _, p := range opt.Source.KernelExtra {
		patches = append(patches, "--patch", p)
	}
	args = slices.Insert(args, len(args)-1, patches...)
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return "", err
	}
	args = append(args, filepath.Join(dir, filepath.Base(opt.Tools.Execprog)))
	return shellWords(append(args, syz.ExecprogArgs(dir)...)), nil
}

// plainWord matches a word that needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// shellWords joins words so that a shell splits them again.
func shellWords(words []string) string {
	var quoted []string
	for _, w := range words {
		if !plainWord.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		quoted = append(quoted, w)
	}
	return strings.Join(quoted, " ")
}

// complaints are the reasons for a failed run.
func complaints(res *syz.Result) []string {
	if res.Complaint == "" {
		return nil
	}
	first, _, _ := strings.Cut(res.Complaint, "\n")
	return []string{first}
}

// syzResult writes the result of a run.
func (env *environment) syzResult(to io.Writer, res *syz.Result, rerun string) error {
	w := ktap.NewWriter(to)
	w.Plan(1)
	numbers := fmt.Sprintf("%d programs executed in %s, %d in the corpus, %d edges covered, %d guests",
		res.Executed, res.Elapsed.Round(time.Second), res.Corpus, res.Coverage, res.Guests)
	w.Diag("%s", numbers)
	for _, e := range res.Ended {
		first, _, _ := strings.Cut(e, "\n")
		w.Diag("ended early: %s", first)
		env.ui.Important("note  ended early: " + first)
	}
	status, reason := ktap.Pass, ""
	if res.Complaint != "" {
		status, reason = ktap.Fail, complaints(res)[0]
		for line := range strings.Lines(res.Complaint) {
			w.Diag("%s", strings.TrimRight(line, "\n"))
		}
		switch {
		case rerun != "":
			w.Diag("rerun: %s", rerun)
		default:
			w.Diag("no program reproduces the panic or warning")
		}
	}
	w.Result("syzkaller", status, reason)
	if err := w.Err(); err != nil {
		return err
	}
	env.ui.Verdict(status == ktap.Pass, numbers)
	if status == ktap.Pass {
		return nil
	}
	env.ui.Printf("      %s", reason)
	if rerun != "" {
		env.ui.Printf("      rerun: %s", rerun)
	} else {
		env.ui.Printf("      no program reproduces the panic or warning")
	}
	return &statusError{code: exitFailed}
}

// mutantPatch returns the patch of a mutant of the kernel.
func mutantPatch(root, base, name string) (string, error) {
	list, err := mutants.Load(root, filepath.Join(root, "vmtest", "mutants"), base, []string{name})
	if errors.Is(err, mutants.ErrUnknown) {
		return "", command.Usagef("%v", err)
	}
	if err != nil {
		return "", err
	}
	if list[0].Part != manifest.GuestKernel {
		return "", command.Usagef("--mutant %s: not a mutant of the kernel", name)
	}
	return list[0].Path, nil
}

// readCalls reads the list of system calls, one per line, with comments.
func readCalls(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the system calls to fuzz: %w", err)
	}
	var calls []string
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line != "" {
			calls = append(calls, line)
		}
	}
	return calls, lines.Err()
}

// readCorpus reads the initial programs.
func readCorpus(dir string) ([]syz.File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the corpus: %w", err)
	}
	var files []syz.File
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the corpus: %w", err)
		}
		files = append(files, syz.File{Name: e.Name(), Text: text})
	}
	return files, nil
}

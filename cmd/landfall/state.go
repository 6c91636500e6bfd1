package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/commitlog"
	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/status"
	"github.com/landfall/landfall/internal/terminal"
)

// stateCommand shows and changes where a table's next load begins.
type stateCommand struct {
	Show  stateShowCommand  `cmd:"" help:"Show where the next load begins, and the last batch."`
	Set   stateSetCommand   `cmd:"" help:"Let the next load begin at a value of the cursor."`
	Reset stateResetCommand `cmd:"" help:"Let the next load begin at the start. Readers see what has landed until it is committed."`
}

// tableFlags name a table.
type tableFlags struct {
	Table    string `arg:"" help:"The table, as schema.table."`
	Catalog  string `help:"Its catalog, where several have the table." placeholder:"NAME"`
	Database string `help:"Its database, where it has landed from several, or not yet." placeholder:"NAME"`
	stackFlags
}

// target is a table that was found.
type target struct {
	row   status.Row
	store *commitlog.Store
	glue  *glue.Client
	place commitlog.Place
	state commitlog.State
	table string
}

func (f *tableFlags) find(a *app) (*target, error) {
	table, err := catalog.CanonicalTable(f.Table)
	if err != nil {
		return nil, err
	}
	s, err := deployed.Open(a.ctx, f.Stack)
	if err != nil {
		return nil, err
	}
	t := &target{table: table, glue: glue.NewFromConfig(s.Config)}
	t.store = commitlog.New(s3.NewClient(s.Config), t.glue)
	if t.row, err = status.New(s.Config, s.ArtifactsBucket, s.RawBucket).Workflow(a.ctx, f.Catalog, table); err != nil {
		return nil, err
	}
	t.place, t.state, err = t.store.Find(a.ctx, t.row.Bucket(), f.Database, table)
	return t, err
}

// author is who runs the command, for the people who read the records.
func author() commitlog.Author {
	name, host := "somebody", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return commitlog.Author{Name: name + "@" + host, Now: time.Now()}
}

type stateShowCommand struct {
	tableFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// shownState is what state show --json prints.
type shownState struct {
	Table     string              `json:"table"`
	Database  string              `json:"database"`
	Workflow  string              `json:"workflow"`
	Watermark *string             `json:"watermark"`
	Records   int                 `json:"records"`
	Last      *commitlog.Record   `json:"last,omitempty"`
	Batch     *commitlog.Record   `json:"batch,omitempty"`
	Pending   []commitlog.Request `json:"pending"`
}

// Run prints the state of the table.
func (c *stateShowCommand) Run(a *app) error {
	t, err := c.find(a)
	if err != nil {
		return err
	}
	pending, err := t.store.Pending(a.ctx, t.place, t.table)
	if err != nil {
		return err
	}
	if c.JSON {
		s := shownState{
			Table: t.table, Database: t.place.Database, Workflow: t.row.Workflow, Records: t.state.Records,
			Last: t.state.Last, Batch: t.state.Batch, Pending: append([]commitlog.Request{}, pending...),
		}
		if s.Last != nil {
			s.Watermark = s.Last.Watermark
		}
		return a.printJSON(s)
	}
	showState(a.print(), t, pending)
	return nil
}

func showState(p *terminal.Printer, t *target, pending []commitlog.Request) {
	line := func(name, format string, args ...any) []terminal.Cell {
		return []terminal.Cell{{Text: name, Style: terminal.Faint}, {Text: oneLine(fmt.Sprintf(format, args...))}}
	}
	rows := [][]terminal.Cell{line("workflow", "%s", t.row.Workflow), line("next load", "%s", nextLoad(t.state))}
	if l := t.state.Last; l != nil && l.Kind == commitlog.StateKind {
		rows = append(rows, line("changed", "%s, by %s, %s", l.Action, l.By, l.CommittedAt.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	if b := t.state.Batch; b != nil {
		rows = append(rows, line("last batch", "%s: %s, %s, %s", b.Batch, humanize.Count(int(b.Rows), "row"),
			humanize.Bytes(b.Bytes), b.CommittedAt.UTC().Format("2006-01-02 15:04:05 UTC")))
		if w := b.Window; w != nil {
			low := "the start"
			if w.Low != nil {
				low = *w.Low
			}
			rows = append(rows, line("load window", "%s from %s to %s (%s)", strings.Join(w.Names(), ", "), low, w.High, w.Type))
		}
		rows = append(rows, line("readers see", "batches %d to %d", t.state.Last.Base, b.Seq))
	}
	rows = append(rows, line("records", "%d", t.state.Records))
	for _, r := range pending {
		rows = append(rows, line("backfill", "from %s to %s, requested by %s, waiting for the next job run", r.From, r.To, r.By))
	}
	p.Line("%s", p.Paint(terminal.Bold, terminal.Clean(t.place.Database+" "+t.table, 0)))
	p.Table(2, rows)
}

func nextLoad(s commitlog.State) string {
	switch {
	case s.Watermark() != "":
		return "from " + s.Watermark()
	case s.Batch != nil && s.Batch.LoadType == catalog.Full:
		return "the whole table"
	default:
		return "from the start"
	}
}

type stateSetCommand struct {
	tableFlags
	Watermark string `arg:"" help:"Value of the cursor, such as \"2026-11-24 21:10:00+00\" or 1200."`
	Yes       bool   `short:"y" help:"Do not ask before rows are passed over."`
}

// Run sets the watermark.
func (c *stateSetCommand) Run(a *app) error {
	t, err := c.find(a)
	if err != nil {
		return err
	}
	skips, err := t.store.CheckSet(a.ctx, t.place, t.table, c.Watermark)
	if err != nil {
		return err
	}
	if skips && !c.Yes {
		question := fmt.Sprintf("Rows of %s before %s that have not landed yet will not land (%s now). Set it?", t.table, c.Watermark, nextLoad(t.state))
		if err := a.confirm(question); err != nil {
			return err
		}
	}
	done, err := t.store.Set(a.ctx, t.place, t.table, c.Watermark, author())
	return a.printDone(done, err, "The next load of "+t.table+" begins at "+c.Watermark+".", "The next load of "+t.table+" begins there already.")
}

type stateResetCommand struct {
	tableFlags
	Yes bool `short:"y" help:"Do not ask."`
}

// Run forgets the watermark.
func (c *stateResetCommand) Run(a *app) error {
	t, err := c.find(a)
	if err != nil {
		return err
	}
	if t.state.Records > 0 && !c.Yes {
		if err := a.confirm("The next load of " + t.table + " reads the whole table again. Reset it?"); err != nil {
			return err
		}
	}
	done, err := t.store.Reset(a.ctx, t.place, t.table, author())
	return a.printDone(done, err, "The next load of "+t.table+" begins at the start; readers see what has landed until it is committed.",
		"The next load of "+t.table+" begins at the start already.")
}

// printDone prints did, or already when there was nothing to do.
func (a *app) printDone(done bool, err error, did, already string) error {
	if err != nil {
		return err
	}
	if !done {
		did = already
	}
	fmt.Fprintln(a.stdout, terminal.Clean(did, 0))
	return nil
}

// confirm asks a person. Where there is none, the answer is no.
func (a *app) confirm(question string) error {
	in, isFile := a.stdin.(*os.File)
	if !isFile || !terminal.IsTerminal(in) {
		return errors.New(terminal.Clean(question, 0) + " Standard input is no terminal: pass --yes to confirm")
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", terminal.Clean(question, 0))
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// start starts the workflow, unless it is running.
func (t *target) start(a *app) (started bool, err error) {
	_, err = t.glue.StartWorkflowRun(a.ctx, &glue.StartWorkflowRunInput{Name: &t.row.Workflow})
	if isRunning(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("start workflow %q: %w", t.row.Workflow, err)
	}
	return true, nil
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/status"
	"github.com/landfall/landfall/internal/terminal"
)

// statusCommand shows the status of every table.
type statusCommand struct {
	Catalog  string        `help:"Show the tables of one catalog. Default: all." placeholder:"NAME"`
	Failed   bool          `help:"Show only tables whose last workflow run failed."`
	Watch    bool          `short:"w" help:"Show again and again until Ctrl-C."`
	Interval time.Duration `default:"15s" help:"Time between two polls with --watch."`
	JSON     bool          `name:"json" help:"Print JSON, times in UTC."`
	stackFlags
}

// Run prints one row per table, and fails when the last workflow run of one failed.
func (c *statusCommand) Run(a *app) error {
	if c.Watch && c.JSON {
		return errors.New("--watch is for people and --json for machines: choose one")
	}
	s, err := deployed.Open(a.ctx, c.Stack)
	if err != nil {
		return err
	}
	reader := status.New(s.Config, s.ArtifactsBucket, s.RawBucket)
	for {
		failed, err := c.show(a, reader)
		if err != nil || !c.Watch {
			if err == nil && failed {
				err = errDiffers
			}
			return err
		}
		select {
		case <-a.ctx.Done():
			return nil // that is how watching ends
		case <-time.After(max(c.Interval, time.Second)):
		}
	}
}

func (c *statusCommand) show(a *app, reader *status.Reader) (failed bool, err error) {
	live := terminal.NewLive(a.stderr)
	if !c.Watch {
		live.Show("Reading workflows and commit records", "")
	}
	rows, err := reader.Read(a.ctx, c.Catalog)
	live.End()
	if err != nil {
		return false, err
	}
	failed = slices.ContainsFunc(rows, func(r status.Row) bool { return r.Result == status.Failed })
	all := len(rows)
	counts := resultCounts(rows)
	if c.Failed {
		rows = slices.DeleteFunc(rows, func(r status.Row) bool { return r.Result != status.Failed })
	}
	if c.JSON {
		if rows == nil {
			rows = []status.Row{}
		}
		return failed, a.printJSON(rows)
	}
	p := a.print()
	if c.Watch && terminal.IsTerminal(a.stdout) {
		fmt.Fprint(a.stdout, "\x1b[H\x1b[2J")
	}
	now := reader.Now()
	if all == 0 {
		p.Line("No workflows: deploy a catalog first (landfall deploy catalog.json).")
		return false, nil
	}
	showStatus(p, rows, now)
	line := humanize.Count(all, "table") + ": " + counts + "."
	if c.Watch {
		line += "  " + now.UTC().Format("15:04:05") + " UTC; Ctrl-C ends."
	}
	p.Line("%s", line)
	return failed, nil
}

func resultCounts(rows []status.Row) string {
	n := map[status.Result]int{}
	for _, r := range rows {
		n[r.Result]++
	}
	var parts []string
	for _, w := range []struct {
		result status.Result
		words  string
	}{
		{status.Succeeded, "succeeded"}, {status.Running, "running"}, {status.Failed, "failed"}, {status.Stopped, "stopped"}, {status.Never, "never ran"},
	} {
		if n[w.result] > 0 {
			parts = append(parts, humanize.Number(n[w.result])+" "+w.words)
		}
	}
	return strings.Join(parts, ", ")
}

var resultStyles = map[status.Result]terminal.Style{
	status.Succeeded: terminal.Green, status.Failed: terminal.Red, status.Stopped: terminal.Yellow, status.Never: terminal.Faint,
}

func showStatus(p *terminal.Printer, rows []status.Row, now time.Time) {
	head := []terminal.Cell{}
	for _, name := range []string{"TABLE", "SCHEDULE (UTC)", "LAST RUN", "AGE", "TOOK", "WATERMARK", "NEXT RUN"} {
		head = append(head, terminal.Cell{Text: name, Style: terminal.Faint, Right: name == "AGE" || name == "TOOK"})
	}
	catalog := ""
	table, below := [][]terminal.Cell{}, []func(){}
	flush := func() {
		if len(table) > 0 {
			p.Line("%s", p.Paint(terminal.Bold, terminal.Clean(catalog, 0)))
			p.TableWith(2, append([][]terminal.Cell{head}, table...), append([]func(){nil}, below...))
			p.Line("")
		}
		table, below = nil, nil
	}
	for _, r := range rows {
		if r.Catalog != catalog {
			flush()
			catalog = r.Catalog
		}
		table = append(table, statusRow(r, now))
		var under func()
		if r.Error != "" {
			under = func() { p.Line("      %s", p.Paint(terminal.Red, terminal.Clean(r.Error, 6))) }
		}
		below = append(below, under)
	}
	flush()
}

func statusRow(r status.Row, now time.Time) []terminal.Cell {
	schedule := r.Schedule
	switch {
	case schedule == "":
		schedule = "on demand"
	case !r.Active:
		schedule += " (off)"
	}
	watermark := r.Watermark
	switch {
	case len(r.Databases) > 1:
		watermark = "in databases " + strings.Join(r.Databases, ", ")
	case watermark == "" && r.CommittedAt != nil:
		watermark = "full load"
	case watermark == "":
		watermark = "–"
	}
	age, took, next := "–", "–", "–"
	if r.StartedAt != nil {
		until := now
		if r.EndedAt != nil {
			until = *r.EndedAt
		}
		age, took = humanize.Age(now.Sub(until)), humanize.Duration(until.Sub(*r.StartedAt))
		if r.Result == status.Running {
			age = "now"
		}
	}
	if r.Next != nil {
		next = r.Next.Format("2006-01-02 15:04") + "  in " + humanize.Age(r.Next.Sub(now))
	}
	return []terminal.Cell{
		{Text: terminal.Clean(r.Table, 0)},
		{Text: terminal.Clean(schedule, 0), Style: terminal.Faint},
		{Text: string(r.Result), Style: resultStyles[r.Result]},
		{Text: age, Right: true},
		{Text: took, Right: true},
		{Text: oneLine(watermark)},
		{Text: next},
	}
}

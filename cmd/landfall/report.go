package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/terminal"
)

// actionStyles say how a change is printed; its mark and words say the same without colour.
var actionStyles = map[plan.Action]terminal.Style{
	plan.Create: terminal.Green, plan.Update: terminal.Yellow, plan.Delete: terminal.Red,
	plan.Conflict: terminal.Red, plan.Orphan: terminal.Faint,
}

// showReport prints one catalog's changes, and everything that needs a person; nothing of a catalog that is in step.
func showReport(p *terminal.Printer, r reconcile.CatalogReport) {
	quiet := reconcile.Counts{Unchanged: r.Counts.Unchanged}
	if r.Counts == quiet && len(r.Problems)+len(r.Warnings) == 0 && r.Error == "" {
		return
	}
	p.Line("%s", p.Paint(terminal.Bold, terminal.Clean(r.Catalog, 0)))
	for _, text := range r.Problems {
		p.Line("  %s %s", p.Paint(terminal.Red, "!"), terminal.Clean(text, 4))
	}
	if r.Error != "" {
		p.Line("  %s %s", p.Paint(terminal.Red, "!"), terminal.Clean(r.Error, 4))
	}
	for _, text := range r.Warnings {
		p.Line("  %s %s", p.Paint(terminal.Yellow, "warning:"), terminal.Clean(text, 4))
	}
	var rows [][]terminal.Cell
	var shown []reconcile.Row
	for _, row := range r.Tables {
		if row.Action != plan.None {
			rows, shown = append(rows, reportRow(row)), append(shown, row)
		}
	}
	below := make([]func(), len(rows))
	for i, row := range shown {
		below[i] = func() { showDetail(p, row) }
	}
	p.TableWith(2, rows, below)
	p.Line("")
}

func reportRow(row reconcile.Row) []terminal.Cell {
	style := actionStyles[row.Action]
	word := string(row.Action)
	if row.Status == reconcile.Failed && row.Action != plan.Conflict {
		style, word = terminal.Red, word+" failed"
	}
	cells := []terminal.Cell{
		{Text: string(row.Action.Rune()), Style: style}, {Text: terminal.Clean(row.Table, 0)}, {Text: word, Style: style},
	}
	took := ""
	if row.Seconds > 0 {
		took = humanize.Duration(time.Duration(row.Seconds * float64(time.Second)))
	}
	reason := terminal.Cell{Text: oneLine(row.Reason), Style: terminal.Faint}
	if row.Action == plan.Conflict {
		reason.Style = terminal.Plain // it says what to do
	}
	return append(cells, terminal.Cell{Text: took, Right: true}, reason)
}

// oneLine keeps a reason in its column.
func oneLine(text string) string {
	return terminal.Clean(strings.Join(strings.Fields(text), " "), 0)
}

// showDetail prints the parameters that changed, and what failed.
func showDetail(p *terminal.Printer, row reconcile.Row) {
	var rows [][]terminal.Cell
	for _, d := range row.Changed {
		rows = append(rows, []terminal.Cell{
			{Text: oneLine(d.Parameter), Style: terminal.Faint},
			{Text: fmt.Sprintf("%s → %s", orNothing(d.Old), orNothing(d.New))},
		})
	}
	p.Table(6, rows)
	if row.Status == reconcile.Failed && row.Action != plan.Conflict {
		p.Line("      %s", p.Paint(terminal.Red, terminal.Clean(row.Error, 6)))
	}
}

func orNothing(value string) string {
	if value == "" {
		return "(nothing)"
	}
	return oneLine(value)
}

// showSummary prints the counts in one line.
func showSummary(p *terminal.Printer, e ended, took time.Duration) {
	dryRun := len(e.Reports) > 0 && e.Reports[0].DryRun
	counts := e.Counts.Words(dryRun)
	switch {
	case dryRun && !e.changes():
		p.Line("Plan: nothing to do; %s in step.", isOrAre(e.Counts.Unchanged))
	case dryRun:
		p.Line("Plan: %s.", counts)
	case counts == "":
		p.Line("Nothing was deployed.")
	default:
		p.Line("Deployed in %s: %s.", humanize.Duration(took), counts)
	}
}

func isOrAre(tables int) string {
	if tables == 1 {
		return "1 table is"
	}
	return humanize.Count(tables, "table") + " are"
}

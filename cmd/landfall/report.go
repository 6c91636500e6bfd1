package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
	"github.com/landfall/landfall/internal/terminal"
)

// actionStyles say how a change is printed; its mark and words say the same without colour.
var actionStyles = map[plan.Action]terminal.Style{
	plan.Create: terminal.Green, plan.Update: terminal.Yellow, plan.Delete: terminal.Red, plan.Orphan: terminal.Faint,
}

// namedTables is how many of the tables of a cause are named.
const namedTables = 5

// showReport prints one catalog's changes and everything that needs a person,
// and nothing for a catalog that is in sync.
func showReport(p *terminal.Printer, r report.CatalogReport) {
	quiet := report.Counts{Unchanged: r.Counts.Unchanged}
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
	causes := report.Causes(r.Tables)
	shared := map[string]bool{}
	for _, c := range causes {
		shared[c.Message] = len(c.Tables) > 1
	}
	var rows [][]terminal.Cell
	var below []func()
	for _, row := range r.Tables {
		if row.Action != plan.None && row.Action != plan.Conflict {
			rows, below = append(rows, reportRow(row)), append(below, func() { showDetail(p, row, shared[row.Error]) })
		}
	}
	p.TableWith(2, rows, below)
	showCauses(p, causes)
	p.Line("")
}

// showCauses prints each conflict, and each failure that several tables have in common, once.
func showCauses(p *terminal.Printer, causes []report.Cause) {
	for _, c := range causes {
		switch several := len(c.Tables) > 1; {
		case several:
			p.Line("  %s %s", p.Paint(terminal.Red, "!"), terminal.Clean(c.Message, 4))
			p.Line("    %s", p.Paint(terminal.Faint, terminal.Clean(humanize.Count(len(c.Tables), "table")+": "+c.Names(namedTables), 4)))
		case c.Type == report.Conflict:
			p.Line("  %s %s", p.Paint(terminal.Red, "!"), terminal.Clean(c.Tables[0]+": "+c.Message, 4))
		}
	}
}

func reportRow(row report.Row) []terminal.Cell {
	style := actionStyles[row.Action]
	word := string(row.Action)
	if row.Status == reconcile.Failed {
		style, word = terminal.Red, word+" failed"
	}
	cells := []terminal.Cell{
		{Text: string(row.Action.Rune()), Style: style}, {Text: terminal.Clean(row.Table, 0)}, {Text: word, Style: style},
	}
	took := ""
	if row.Seconds > 0 {
		took = humanize.Duration(time.Duration(row.Seconds * float64(time.Second)))
	}
	return append(cells, terminal.Cell{Text: took, Right: true}, terminal.Cell{Text: oneLine(row.Reason), Style: terminal.Faint})
}

// oneLine keeps a reason in its column.
func oneLine(text string) string {
	return terminal.Clean(strings.Join(strings.Fields(text), " "), 0)
}

// showDetail prints the parameters that changed, and the error unless it is printed for several tables at once.
func showDetail(p *terminal.Printer, row report.Row, shared bool) {
	var rows [][]terminal.Cell
	for _, d := range row.Changed {
		rows = append(rows, []terminal.Cell{
			{Text: oneLine(d.Parameter), Style: terminal.Faint},
			{Text: fmt.Sprintf("%s → %s", orNothing(d.Old), orNothing(d.New))},
		})
	}
	p.Table(6, rows)
	if row.Status == reconcile.Failed && !shared {
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
		p.Line("Plan: nothing to do; %s in sync.", isOrAre(e.Counts.Unchanged))
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

package main

import (
	"fmt"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/discover"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/terminal"
)

// showDiscovery prints what a discovery found: a line for each table with what is proposed and the reasons.
func showDiscovery(p *terminal.Printer, r discover.Report) {
	if len(r.Tables) > 0 {
		showProposals(p, r.Tables)
		p.Line("")
	}
	for _, l := range r.LeftOut {
		p.Line("%s %s: %s", p.Paint(terminal.Yellow, "left out:"), terminal.Clean(l.Table, 2), terminal.Clean(l.Reason, 2))
	}
	for _, f := range r.Findings {
		p.Line("%s %s %s", p.Paint(terminal.Red, "check:"), terminal.Clean(f.Table, 2), terminal.Clean(f.What, 2))
	}
	for _, note := range r.Notes {
		p.Line("%s %s", p.Paint(terminal.Yellow, "note:"), terminal.Clean(note, 2))
	}
	p.Line("%s", discoverySummary(r))
}

func showProposals(p *terminal.Printer, proposals []discover.Proposal) {
	var rows [][]terminal.Cell
	heading := func(words ...string) []terminal.Cell {
		var row []terminal.Cell
		for _, word := range words {
			row = append(row, terminal.Cell{Text: word, Style: terminal.Faint, Right: word == "SIZE"})
		}
		return row
	}
	rows = append(rows, heading("TABLE", "SIZE", "LOAD", "CURSOR", "KEY", "ENGINE", "WHY"))
	plain := func(s string) terminal.Cell {
		if s == "" {
			s = "-"
		}
		return terminal.Cell{Text: terminal.Clean(strings.ReplaceAll(s, "\n", " "), 0)}
	}
	for _, t := range proposals {
		engine := t.Engine
		if t.Engine == catalog.PythonShell {
			engine = fmt.Sprintf("%s %v", t.Engine, t.Capacity)
		}
		rows = append(rows, []terminal.Cell{
			plain(t.Table),
			{Text: humanize.Bytes(t.Bytes), Right: true},
			plain(strings.ToLower(t.LoadType)),
			plain(strings.Join(t.Cursor, ", ")), plain(strings.Join(t.Key, ", ")), plain(engine), plain(strings.Join(t.Why, "; ")),
		})
	}
	p.Table(0, rows)
}

func discoverySummary(r discover.Report) string {
	incremental := 0
	for _, t := range r.Tables {
		if t.LoadType == catalog.Incremental {
			incremental++
		}
	}
	noun := "table"
	if r.Kept > 0 {
		noun = "new table"
	}
	line := fmt.Sprintf("database %s: %s", terminal.Clean(r.Database, 0), humanize.Count(len(r.Tables), noun))
	if len(r.Tables) > 0 {
		line += fmt.Sprintf(" (%s incremental, %s full)", humanize.Number(incremental), humanize.Number(len(r.Tables)-incremental))
	}
	for _, more := range []struct {
		n    int
		text string
	}{{r.Kept, "kept"}, {len(r.LeftOut), "left out"}, {len(r.Findings), "to check"}} {
		if more.n > 0 {
			line += fmt.Sprintf(", %s %s", humanize.Number(more.n), more.text)
		}
	}
	return line + fmt.Sprintf(", in %.2f s", r.Seconds)
}

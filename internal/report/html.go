package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

var (
	//go:embed page/report.html.tmpl
	pageSource string
	//go:embed page/report.css
	pageStyle string
	//go:embed page/report.js
	pageScript string
)

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"mark": func(r Row) string { return string(r.Action.Rune()) }, "tone": rowTone, "word": rowWord,
	"day": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
	"time": func(r Row) string {
		if r.Seconds == 0 {
			return ""
		}
		return duration(r.Seconds)
	},
	"number": humanize.Number, "count": humanize.Count, "names": func(c pageCause) string { return c.Names(causeTables) },
}).Parse(pageSource))

// pagePolicy allows the page's own script and style and nothing else, whatever a name or an error contains.
var pagePolicy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'", digest(pageScript), digest(pageStyle))

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// How much of a report is in the markup, which is all that is shown without JavaScript.
const (
	openCauses   = 4
	staticCauses = 50
	causeTables  = 8
	staticRows   = 200
)

// page is the data of the template.
type page struct {
	Report *CatalogReport
	// Verdict is the status in words; Tone is good, bad or plain.
	Verdict, Tone, Took string
	Tiles               []tile
	// Causes are the first few, FoldedCauses those that are folded away, and MoreCauses how many the markup leaves out.
	Causes, FoldedCauses []pageCause
	MoreCauses           int
	// Timeline summarizes the timeline in words; empty without one.
	Timeline string
	Static   staticTable
	Console  console
	Data     pageData
	Policy   string
	Style    template.CSS
	Script   template.JS
}

// tile is one count. Kind is the filter that it sets on the list of tables.
type tile struct {
	Kind, Mark, Label string
	N                 int
}

// pageCause is a cause with its index in pageData.Causes.
type pageCause struct {
	Cause
	Number int
}

type staticTable struct {
	Rows []Row
	Of   int
	More bool
}

// pageData is what the page's script reads. Its names are short: a report has up to tens of humanize.Number of rows.
type pageData struct {
	DryRun    bool   `json:"dryRun"`
	Workflows string `json:"workflows,omitempty"`
	// Causes are the messages that rows refer to; Shown is how many of them are in the markup.
	Causes []string  `json:"causes,omitempty"`
	Shown  int       `json:"shown,omitempty"`
	Rows   []pageRow `json:"rows"`
}

type pageRow struct {
	Table    string      `json:"t"`
	Workflow string      `json:"w"`
	Action   plan.Action `json:"a"`
	Status   string      `json:"s"`
	Reason   string      `json:"y,omitempty"`
	// Causes are indexes of the page's causes.
	Causes  []int   `json:"x,omitempty"`
	Seconds float64 `json:"d,omitempty"`
	// Offset is the start of the change, in seconds after the execution's start.
	Offset  *float64    `json:"o,omitempty"`
	Changed [][3]string `json:"c,omitempty"`
}

// renderReport makes a page that loads no other file.
func renderReport(report *CatalogReport) ([]byte, error) {
	p := page{
		Report: report, Took: duration(report.FinishedAt.Sub(report.StartedAt).Seconds()), Tiles: tiles(report),
		Console: newConsole(report.ExecutionARN), Policy: pagePolicy, Style: template.CSS(pageStyle), Script: template.JS(pageScript),
	}
	p.Verdict, p.Tone = verdict(report)
	numbers := map[causeKey]int{}
	causes := Causes(report.Tables)
	shown := make([]pageCause, min(len(causes), staticCauses))
	for i, c := range causes {
		numbers[causeKey{c.Type, c.Message}] = i
		p.Data.Causes = append(p.Data.Causes, c.Message)
		if i < len(shown) {
			shown[i] = pageCause{c, i}
		}
	}
	open := min(len(shown), openCauses)
	p.Causes, p.FoldedCauses, p.MoreCauses = shown[:open], shown[open:], len(causes)-len(shown)
	changed := slices.DeleteFunc(slices.Clone(report.Tables), func(r Row) bool { return r.Action == plan.None })
	p.Static = staticTable{Rows: changed[:min(len(changed), staticRows)], Of: len(changed), More: len(changed) > staticRows}
	p.Timeline = timeline(report)
	p.Data.DryRun, p.Data.Workflows, p.Data.Shown = report.DryRun, p.Console.Workflows(), len(shown)
	p.Data.Rows = make([]pageRow, len(report.Tables))
	for i, r := range report.Tables {
		p.Data.Rows[i] = dataRow(r, report.StartedAt, numbers)
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("render report of %s: %w", report.Catalog, err)
	}
	return out.Bytes(), nil
}

func dataRow(r Row, started time.Time, causes map[causeKey]int) pageRow {
	row := pageRow{Table: r.Table, Workflow: r.Workflow, Action: r.Action, Status: r.Status, Seconds: rounded(r.Seconds)}
	if r.Status == reconcile.Failed {
		for _, message := range r.reasons() {
			row.Causes = append(row.Causes, causes[causeKey{r.failure(), message}])
		}
	}
	if r.Action != plan.None && r.Error != r.Reason {
		row.Reason = r.Reason
	}
	if r.StartedAt != nil {
		row.Offset = new(rounded(max(0, r.StartedAt.Sub(started).Seconds())))
	}
	for _, d := range r.Changed {
		row.Changed = append(row.Changed, [3]string{d.Parameter, d.Old, d.New})
	}
	return row
}

// rounded rounds to hundredths, which keeps the page small.
func rounded(seconds float64) float64 { return float64(int64(seconds*100+0.5)) / 100 }

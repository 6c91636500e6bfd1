package reconcile

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"time"

	"github.com/landfall/landfall/internal/plan"
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
		return spoken(r.Seconds)
	},
	"number": thousands, "count": func(n int, noun string) string { return countOf(n, noun) },
}).Parse(pageSource))

// pagePolicy lets the page run its own script and style, and load nothing, whatever a name or an error holds.
var pagePolicy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'", digest(pageScript), digest(pageStyle))

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// How much of a report the page shows to a reader without JavaScript.
const (
	openFailures   = 3
	staticFailures = 50
	staticRows     = 200
)

// page is what the template shows.
type page struct {
	Report *CatalogReport
	// Verdict is the status in words; Tone is good, bad or plain.
	Verdict, Tone, Took string
	Tiles               []tile
	// Failures are the first of them, FoldedFailures those that are folded away, and MoreFailures how many the markup leaves out.
	Failures, FoldedFailures []Row
	MoreFailures             int
	// Timeline is the timeline in words; empty without one.
	Timeline string
	Static   staticTable
	Console  console
	Data     pageData
	Policy   string
	Style    template.CSS
	Script   template.JS
}

// tile is one count. Kind is what the list below can be filtered by.
type tile struct {
	Kind, Mark, Label string
	N                 int
}

type staticTable struct {
	Rows []Row
	Of   int
	More bool
}

// pageData is what the page's script reads. Its names are short: a report has up to tens of thousands of rows.
type pageData struct {
	DryRun    bool      `json:"dryRun"`
	Workflows string    `json:"workflows,omitempty"`
	Rows      []pageRow `json:"rows"`
}

type pageRow struct {
	Table    string      `json:"t"`
	Workflow string      `json:"w"`
	Action   plan.Action `json:"a"`
	Status   string      `json:"s"`
	Reason   string      `json:"y,omitempty"`
	Error    string      `json:"e,omitempty"`
	Seconds  float64     `json:"d,omitempty"`
	// Offset is when the change was begun, in seconds from the execution's start.
	Offset  *float64    `json:"o,omitempty"`
	Changed [][3]string `json:"c,omitempty"`
}

// renderReport makes a page that needs nothing but itself.
func renderReport(report *CatalogReport) ([]byte, error) {
	p := page{
		Report: report, Took: spoken(report.FinishedAt.Sub(report.StartedAt).Seconds()), Tiles: tiles(report),
		Console: newConsole(report.ExecutionARN), Policy: pagePolicy, Style: template.CSS(pageStyle), Script: template.JS(pageScript),
	}
	p.Verdict, p.Tone = verdict(report)
	failed := slices.DeleteFunc(slices.Clone(report.Tables), func(r Row) bool { return r.Status != Failed })
	p.MoreFailures = max(0, len(failed)-staticFailures)
	failed = failed[:len(failed)-p.MoreFailures]
	p.Failures, p.FoldedFailures = failed[:min(len(failed), openFailures)], failed[min(len(failed), openFailures):]
	changed := slices.DeleteFunc(slices.Clone(report.Tables), func(r Row) bool { return r.Action == plan.None })
	p.Static = staticTable{Rows: changed[:min(len(changed), staticRows)], Of: len(changed), More: len(changed) > staticRows}
	p.Timeline = timeline(report)
	p.Data = pageData{DryRun: report.DryRun, Workflows: p.Console.Workflows(), Rows: make([]pageRow, len(report.Tables))}
	for i, r := range report.Tables {
		p.Data.Rows[i] = dataRow(r, report.StartedAt)
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("render report of %s: %w", report.Catalog, err)
	}
	return out.Bytes(), nil
}

func dataRow(r Row, started time.Time) pageRow {
	row := pageRow{Table: r.Table, Workflow: r.Workflow, Action: r.Action, Status: r.Status, Error: r.Error, Seconds: rounded(r.Seconds)}
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

// rounded keeps hundredths: more would only lengthen the page.
func rounded(seconds float64) float64 { return float64(int64(seconds*100+0.5)) / 100 }

func verdict(r *CatalogReport) (words, tone string) {
	switch {
	case r.Status == "Failed" && r.DryRun:
		return "Plan with problems: nothing was changed", "bad"
	case r.DryRun:
		return "Plan: nothing was changed", "plain"
	case r.Status == "Failed":
		return "Failed", "bad"
	default:
		return "Succeeded", "good"
	}
}

func tiles(r *CatalogReport) []tile {
	c := r.Counts
	label := func(happened, would string) string {
		if r.DryRun {
			return would
		}
		return happened
	}
	all := []tile{
		{"all", "", "in all", len(r.Tables)},
		{string(plan.Create), "+", label("created", "to create"), c.Created},
		{string(plan.Update), "~", label("updated", "to update"), c.Updated},
		{string(plan.Delete), "-", label("deleted", "to delete"), c.Deleted},
		{string(plan.Clean), "-", label("cleaned", "to clean"), c.Cleaned},
		{string(plan.None), "", "unchanged", c.Unchanged},
		{"failed", "", "failed", c.Failed},
		{string(plan.Conflict), "!", "in conflict", c.Conflicts},
		{string(plan.Orphan), "?", label("orphaned", "orphaned"), c.Orphans},
	}
	return slices.DeleteFunc(all, func(t tile) bool {
		always := t.Kind == "all" || t.Kind == string(plan.Create) || t.Kind == string(plan.Update) || t.Kind == string(plan.Delete) ||
			t.Kind == string(plan.None) || (t.Kind == "failed" && !r.DryRun)
		return t.N == 0 && !always
	})
}

func rowTone(r Row) string {
	tone := string(r.Action)
	if r.Status == Failed {
		tone += " bad"
	}
	return tone
}

// rowWord says what happened to a row's workflow, or would.
func rowWord(r Row) string {
	switch {
	case r.Action == plan.Conflict:
		return "in conflict"
	case r.Status == Failed:
		return string(r.Action) + " failed"
	case r.Action == plan.None:
		return "unchanged"
	case r.Action == plan.Orphan:
		return "orphan"
	case r.Status == planned:
		return "to " + string(r.Action)
	case r.Action == plan.Create || r.Action == plan.Update || r.Action == plan.Delete:
		return string(r.Action) + "d"
	default:
		return string(r.Action) + "ed"
	}
}

// timeline puts the timeline of the Map into words.
func timeline(r *CatalogReport) string {
	var took []float64
	var first, last time.Time
	slowest := Row{}
	for _, row := range r.Tables {
		if row.StartedAt == nil {
			continue
		}
		took = append(took, row.Seconds)
		if first.IsZero() || row.StartedAt.Before(first) {
			first = *row.StartedAt
		}
		if end := row.StartedAt.Add(time.Duration(row.Seconds * float64(time.Second))); end.After(last) {
			last = end
		}
		if row.Seconds > slowest.Seconds {
			slowest = row
		}
	}
	if len(took) == 0 {
		return ""
	}
	slices.Sort(took)
	text := countOf(len(took), "change") + " in " + spoken(last.Sub(first).Seconds())
	if len(took) > 1 {
		text += "; half of them took at most " + spoken(took[len(took)/2]) + ", the slowest " + spoken(slowest.Seconds) + " (" + slowest.Table + ")"
	}
	return text + "."
}

// spoken is a duration as long as it needs to be; report.js and internal/terminal say the same.
func spoken(seconds float64) string {
	whole := int(seconds)
	switch {
	case seconds < 10:
		return strconv.FormatFloat(max(0, seconds), 'f', 1, 64) + " s"
	case whole < 60:
		return fmt.Sprintf("%d s", whole)
	case whole < 3600:
		return fmt.Sprintf("%d min %d s", whole/60, whole%60)
	default:
		return fmt.Sprintf("%d h %d min", whole/3600, whole/60%60)
	}
}

// thousands sets the thousands of a number apart.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func countOf(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(n) + " " + noun
}

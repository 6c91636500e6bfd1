package report

import (
	"slices"
	"time"

	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

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
	if r.Status == reconcile.Failed {
		tone += " bad"
	}
	return tone
}

// rowWord says what happened to a row's workflow, or what would happen.
func rowWord(r Row) string {
	switch {
	case r.Action == plan.Conflict:
		return "in conflict"
	case r.Status == reconcile.Failed:
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

// timeline summarizes when the changes were made.
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
	text := humanize.Count(len(took), "change") + " in " + duration(last.Sub(first).Seconds())
	if len(took) > 1 {
		text += "; half of them took at most " + duration(took[len(took)/2]) + ", the slowest " + duration(slowest.Seconds) + " (" + slowest.Table + ")"
	}
	return text + "."
}

// duration formats seconds as report.js does.
func duration(seconds float64) string {
	return humanize.Duration(time.Duration(seconds * float64(time.Second)))
}

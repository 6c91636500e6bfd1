package report

import (
	"time"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// CatalogReport is report.json: everything one execution did for one catalog.
type CatalogReport struct {
	Catalog      string    `json:"catalog"`
	Execution    string    `json:"execution"`
	ExecutionARN string    `json:"executionArn"`
	StartedAt    time.Time `json:"startedAt"`
	FinishedAt   time.Time `json:"finishedAt"`
	DryRun       bool      `json:"dryRun"`
	Status       string    `json:"status"`
	Counts       Counts    `json:"counts"`
	Problems     []string  `json:"problems,omitempty"`
	Warnings     []string  `json:"warnings,omitempty"`
	Error        string    `json:"error,omitempty"`
	// Causes are why tables failed or are in conflict, each with all tables it concerns.
	Causes []Cause `json:"causes,omitempty"`
	Tables []Row   `json:"tables"`
}

// Row is one table of a report. Status is done, failed, or planned in a dry run.
type Row struct {
	Table    string      `json:"table"`
	Workflow string      `json:"workflow"`
	Action   plan.Action `json:"action"`
	Reason   string      `json:"reason"`
	Status   string      `json:"status"`
	Error    string      `json:"error,omitempty"`
	// Errors are the reasons of a failed table one by one, when there are several; Error has them all.
	Errors  []string `json:"errors,omitempty"`
	Seconds float64  `json:"seconds,omitempty"`
	// Changed are the parameters that an update changes.
	Changed []plan.Difference `json:"changed,omitempty"`
	// StartedAt is when work on the change began; absent when it did not.
	StartedAt *time.Time `json:"startedAt,omitempty"`
}

// planned is the status of a row in a dry run.
const planned = "planned"

func row(c plan.Change, o *reconcile.Outcome, state reconcile.State) Row {
	out := Row{Table: c.Table, Workflow: c.Workflow, Action: c.Action, Reason: c.Reason, Status: reconcile.Done, Changed: c.Changed}
	switch {
	case c.Action == plan.Conflict:
		out.Status, out.Error = reconcile.Failed, c.Reason
		if len(c.Reasons) > 1 {
			out.Errors = c.Reasons
		}
	case !c.Action.Applies():
	case state.DryRun:
		out.Status = planned
	case o != nil:
		out.Status, out.Error = o.Status, o.Error
		out.Seconds, out.StartedAt = o.FinishedAt.Sub(o.StartedAt).Seconds(), &o.StartedAt
	case state.Error != nil:
		out.Status, out.Error = reconcile.Failed, notAppliedYet
	default:
		out.Status, out.Error = reconcile.Failed, changesCutOff
	}
	return out
}

func (c *CatalogReport) count() {
	c.Status, c.Causes = "Succeeded", Causes(c.Tables)
	for _, row := range c.Tables {
		switch {
		case row.Action == plan.Conflict:
			c.Counts.Conflicts++
		case row.Status == reconcile.Failed:
			c.Counts.Failed++
		case row.Action == plan.Create:
			c.Counts.Created++
		case row.Action == plan.Update:
			c.Counts.Updated++
		case row.Action == plan.Delete:
			c.Counts.Deleted++
		case row.Action == plan.Clean:
			c.Counts.Cleaned++
		case row.Action == plan.Orphan:
			c.Counts.Orphans++
		default:
			c.Counts.Unchanged++
		}
	}
	if len(c.Problems) > 0 || c.Error != "" || c.Counts.Failed+c.Counts.Conflicts > 0 {
		c.Status = "Failed"
	}
}

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
	"github.com/landfall/landfall/internal/terminal"
)

func TestProgressInWords(t *testing.T) {
	cases := map[string]struct {
		reason string
		p      deployed.Progress
		want   string
	}{
		"before the Map": {"there is nothing to count yet", deployed.Progress{State: "PlanWorkflows", Elapsed: 3 * time.Second}, "3.0 s"},
		"nothing done":   {"there is nothing to go by", deployed.Progress{State: "ApplyChanges", Total: 1000, Elapsed: 70 * time.Second, Mapped: time.Minute}, strings.Repeat("╌", 24) + "  0 of 1,000 changes  1 min 10 s"},
		"half done": {
			"as long again",
			deployed.Progress{State: "ApplyChanges", Applied: 500, Total: 1000, Elapsed: 70 * time.Second, Mapped: time.Minute},
			strings.Repeat("━", 12) + strings.Repeat("╌", 12) + "  500 of 1,000 changes  1 min 10 s, about 1 min left",
		},
		"all done": {"the report is being written", deployed.Progress{State: "ApplyChanges", Applied: 1, Total: 1, Elapsed: 9 * time.Second, Mapped: 5 * time.Second}, strings.Repeat("━", 24) + "  1 of 1 change  9.0 s"},
		"after":    {"the count would stand still", deployed.Progress{State: "Report", Applied: 1, Total: 1, Elapsed: 10 * time.Second}, "10 s"},
		"locked out": {
			"why nothing happens",
			deployed.Progress{State: "Wait for the catalog", Elapsed: 12 * time.Second, Locked: &reconcile.Locked{Catalog: "hr", Holder: reconcile.Holder{Execution: "e1"}}},
			"12 s, e1 is at work on it",
		},
		"just taken": {"two came at once", deployed.Progress{State: "Wait for the catalog", Elapsed: 2 * time.Second, Locked: &reconcile.Locked{Catalog: "hr"}}, "2.0 s, another execution is at work on it"},
	}
	for name, c := range cases {
		if got := progress(c.p); got != c.want {
			t.Errorf("%s (%s): %q, want %q", name, c.reason, got, c.want)
		}
	}
}

// Everything that an execution reported is shown, and nothing of it can command the terminal.
func TestShowReport(t *testing.T) {
	var out strings.Builder
	report := report.CatalogReport{
		Catalog: "hr", Error: "the blueprint failed\nin two lines", Warnings: []string{"a quota was not checked"},
		Tables: []report.Row{
			{Table: "hr.same", Action: plan.None, Status: reconcile.Done},
			{Table: "hr.\x1b[31mred", Action: plan.Create, Status: reconcile.Failed, Error: "why\nand what to do", Reason: "not in Glue", Seconds: 75},
			{Table: "hr.taken", Action: plan.Conflict, Status: reconcile.Failed, Error: "it is taken", Reason: "it is taken"},
			{Table: "hr.wide", Action: plan.Update, Status: reconcile.Done, Reason: "1 parameter changed", Changed: []plan.Difference{{Parameter: "S3PartitionColumnName", Old: "", New: "year"}}},
			{Table: "hr.x", Action: plan.Conflict, Status: reconcile.Failed, Error: "no role\nno bucket", Errors: []string{"no role", "no bucket"}},
			{Table: "hr.y", Action: plan.Conflict, Status: reconcile.Failed, Error: "no bucket", Reason: "no bucket"},
			{Table: "hr.late1", Action: plan.Update, Status: reconcile.Failed, Error: "denied", Reason: "unfinished"},
			{Table: "hr.late2", Action: plan.Update, Status: reconcile.Failed, Error: "denied", Reason: "unfinished"},
			{Table: "hr.left", Action: plan.Clean, Status: reconcile.Done, Reason: "an update was cut off"},
		},
	}
	showReport(&terminal.Printer{Out: &out}, report)
	want := `hr
  ! the blueprint failed
    in two lines
  warning: a quota was not checked
  +  hr.\u001b[31mred  create failed  1 min 15 s  not in Glue
      why
      and what to do
  ~  hr.wide           update                     1 parameter changed
      S3PartitionColumnName  (nothing) → year
  ~  hr.late1          update failed              unfinished
  ~  hr.late2          update failed              unfinished
  -  hr.left           clean                      an update was cut off
  ! no bucket
    2 tables: hr.x, hr.y
  ! denied
    2 tables: hr.late1, hr.late2
  ! hr.taken: it is taken
  ! hr.x: no role

`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

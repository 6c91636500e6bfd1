package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
	"github.com/landfall/landfall/internal/terminal"
)

// follower shows an execution until its end, and then what it reported.
type follower struct {
	app    *app
	stack  *deployed.Stack
	output outputFlags
}

// ended is what --json prints.
type ended struct {
	Execution string                 `json:"execution"`
	Status    string                 `json:"status"`
	Error     string                 `json:"error,omitempty"`
	Cause     string                 `json:"cause,omitempty"`
	Counts    report.Counts          `json:"counts"`
	Reports   []report.CatalogReport `json:"reports"`
}

// changes reports whether the plan changes something or a person must act.
func (e ended) changes() bool {
	c := e.Counts
	c.Unchanged = 0
	return c != report.Counts{}
}

// failed reports whether a table differs from its catalog entry.
func (e ended) failed() bool { return e.Counts.Failed+e.Counts.Conflicts > 0 }

// follow returns an error when the execution failed as a whole, and shows
// everything else: what failed of single tables is in the counts.
func (f *follower) follow(arn string) (ended, error) {
	name := deployed.ExecutionName(arn)
	fmt.Fprintf(f.app.stderr, "Execution %s", name)
	if url := f.stack.ConsoleURL(arn); url != "" {
		fmt.Fprintf(f.app.stderr, "  %s", url)
	}
	fmt.Fprintln(f.app.stderr)
	end, err := f.watch(arn)
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(f.app.stderr, "The execution %s continues.\n", name)
	}
	if err != nil {
		return ended{}, err
	}
	reports, err := f.stack.Reports(f.app.ctx, name)
	if err != nil {
		return ended{}, err
	}
	e := ended{Execution: name, Status: end.Status, Error: end.Error, Cause: end.Cause, Reports: reports}
	whole := end.Status != "SUCCEEDED"
	for _, r := range reports {
		e.Counts.Add(r.Counts)
	}
	// The reports name failed tables. Any other error ended the execution itself.
	if end.Error == reconcile.TablesFailed {
		whole = false
	}
	if err := f.show(e, end); err != nil {
		return e, err
	}
	if err := f.save(e); err != nil {
		return e, err
	}
	if whole {
		return e, executionError(end, reports)
	}
	return e, nil
}

// watch shows an execution until its end, and whom it waits for.
func (f *follower) watch(arn string) (deployed.Ended, error) {
	live := terminal.NewLive(f.app.stderr)
	defer live.End()
	var shown reconcile.Locked
	return f.stack.Follow(f.app.ctx, arn, func(p deployed.Progress) {
		if l := p.Locked; l != nil && *l != shown {
			shown = *l
			live.End()
			fmt.Fprintln(f.app.stderr, locked(*l, f.stack.ConsoleURL(l.ExecutionARN)))
		}
		if p.State != "" {
			live.Show(p.State, progress(p))
		}
	})
}

func (f *follower) show(e ended, end deployed.Ended) error {
	if f.output.JSON {
		if e.Reports == nil {
			e.Reports = []report.CatalogReport{}
		}
		return f.app.printJSON(e)
	}
	p := f.app.print()
	for _, r := range e.Reports {
		showReport(p, r)
	}
	if len(e.Reports) > 0 {
		showSummary(p, e, end.Took)
		for _, r := range e.Reports {
			p.Line("%s", p.Paint(terminal.Faint, "Report: "+f.stack.ReportURI(r.Catalog, e.Execution)))
		}
	}
	return nil
}

// executionError is why an execution failed as a whole.
func executionError(end deployed.Ended, reports []report.CatalogReport) error {
	switch {
	case end.Error == reconcile.CatalogInvalid && len(reports) > 0:
		return errShown // the problems are in the report
	case end.Status == "ABORTED":
		return fmt.Errorf("execution %s was stopped. Deploy again; what is done stays done", end.Execution)
	case end.Error == "":
		return fmt.Errorf("execution %s ended %s", end.Execution, end.Status)
	}
	cause := end.Cause
	if !strings.Contains(cause, end.Error) {
		cause = end.Error + ": " + cause
	}
	return fmt.Errorf("execution %s failed: %s", end.Execution, terminal.Clean(cause, 2))
}

// save puts the reports into the folder that --report names.
func (f *follower) save(e ended) error {
	if f.output.Report == "" {
		return nil
	}
	if err := os.MkdirAll(f.output.Report, 0o755); err != nil {
		return err
	}
	for _, r := range e.Reports {
		for _, kind := range []string{"html", "json"} {
			body, err := f.stack.Get(f.app.ctx, keys.Report(r.Catalog, e.Execution, "report."+kind))
			if err != nil {
				return err
			}
			file := filepath.Join(f.output.Report, r.Catalog+"."+kind)
			if err := os.WriteFile(file, body, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(f.app.stderr, "Saved %s.\n", file)
		}
	}
	return nil
}

// locked says for whom an execution waits, and where that one is to be seen.
func locked(l reconcile.Locked, url string) string {
	return terminal.Clean(fmt.Sprintf("Catalog %s is worked on by %s. Waiting for its end.  %s", l.Catalog, l.Holder, cmp.Or(url, l.ExecutionARN)), 0)
}

// barWidth is the width of the bar that shows how much is applied.
const barWidth = 24

// progress puts an execution's progress into words.
func progress(p deployed.Progress) string {
	if l := p.Locked; l != nil {
		return humanize.Duration(p.Elapsed.Round(time.Second)) + ", " + terminal.Clean(cmp.Or(l.Execution, "another execution"), 0) + " is at work on it"
	}
	if p.Total == 0 || p.State != "ApplyChanges" {
		return humanize.Duration(p.Elapsed.Round(time.Second))
	}
	full := barWidth * p.Applied / p.Total
	text := fmt.Sprintf("%s%s  %s of %s  %s", strings.Repeat("━", full), strings.Repeat("╌", barWidth-full),
		humanize.Number(p.Applied), humanize.Count(p.Total, "change"), humanize.Duration(p.Elapsed.Round(time.Second)))
	if left := p.Left(); left > 0 {
		text += ", about " + humanize.Duration(left.Round(time.Second)) + " left"
	}
	return text
}

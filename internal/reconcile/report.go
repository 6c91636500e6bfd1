package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
)

// ReportInput is what the state machine knows when everything else has ended.
type ReportInput struct {
	Execution    string    `json:"execution"`
	ExecutionARN string    `json:"executionArn"`
	StartedAt    time.Time `json:"startedAt"`
	// State is the state machine's state: State after LoadCatalog, or the execution's own input with an error.
	State json.RawMessage `json:"state"`
}

// Result is the execution's output. Error and Cause are those of the Fail state.
type Result struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Cause  string `json:"cause"`
	DryRun bool   `json:"dryRun"`
	Counts Counts `json:"counts"`
	// Reports are the S3 URIs of report.html, one per catalog.
	Reports []string `json:"reports"`
	// Failures are the first of them; the report has all.
	Failures []Failure `json:"failures"`
	// Notice is what people are told, absent when there is nothing to tell.
	Notice *Notice `json:"notice,omitempty"`
}

// Failure is one table, or one catalog when Table is empty, that needs a person.
type Failure struct {
	Type    string `json:"type"`
	Catalog string `json:"catalog"`
	Table   string `json:"table,omitempty"`
	Message string `json:"message"`
}

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
	Tables       []Row     `json:"tables"`
}

// Row is one table of a report. Status is done, failed, or planned in a dry run.
type Row struct {
	Table    string      `json:"table"`
	Workflow string      `json:"workflow"`
	Action   plan.Action `json:"action"`
	Reason   string      `json:"reason"`
	Status   string      `json:"status"`
	Error    string      `json:"error,omitempty"`
	Seconds  float64     `json:"seconds,omitempty"`
	// Changed are the parameters that an update brings in step.
	Changed []plan.Difference `json:"changed,omitempty"`
	// StartedAt is when the change was first looked at; absent when it was not.
	StartedAt *time.Time `json:"startedAt,omitempty"`
}

// planned is the status of a row in a dry run.
const planned = "planned"

// maxFailures bounds the execution's output and the cause of a failed execution (32,768 characters in Step Functions).
const (
	maxFailures    = 20
	maxMessage     = 600
	changesCutOff  = "no outcome was recorded: the ApplyChange function was cut off. Start the state machine again; what is done stays done"
	notAppliedYet  = "not applied: the execution failed before. Start the state machine again"
	reportParallel = 64
)

// Report gathers what happened and writes report.json and report.html for each
// catalog. Its answer decides how the execution ends.
func (r *Reconciler) Report(ctx context.Context, bucket string, in ReportInput) (Result, error) {
	var state State
	if err := json.Unmarshal(in.State, &state); err != nil {
		return Result{}, fmt.Errorf("decode the execution's state: %w", err)
	}
	reports, err := r.gather(ctx, in, state)
	if err != nil {
		return Result{}, err
	}
	result := Result{Status: "Succeeded", DryRun: state.DryRun, Reports: []string{}, Failures: []Failure{}}
	for _, report := range reports {
		prefix := "reports/" + report.Catalog + "/" + in.Execution + "/"
		if err := r.putReport(ctx, prefix, report); err != nil {
			return Result{}, err
		}
		result.Reports = append(result.Reports, "s3://"+bucket+"/"+prefix+"report.html")
		result.add(report)
	}
	if err := r.release(ctx, in.ExecutionARN, undone(reports)); err != nil {
		return Result{}, err
	}
	if state.Error != nil {
		kind, message := taskFailure(state.Error)
		if kind != CatalogInvalid || len(result.Failures) == 0 {
			result.Failures = append([]Failure{{Type: kind, Message: message}}, result.Failures...)
		}
	}
	result.conclude()
	result.Notice = notice(in, result, reports)
	r.measure(in, result, reports)
	r.Log.Info("report written", "status", result.Status, "failures", len(result.Failures))
	return result, nil
}

// undone tells of which catalogs something may go on: they were not worked off,
// or a table failed. A conflict is nothing that was begun.
func undone(reports []*CatalogReport) func(catalog string) bool {
	inStep := map[string]bool{}
	for _, c := range reports {
		inStep[c.Catalog] = len(c.Problems) == 0 && c.Error == "" && c.Counts.Failed == 0
	}
	return func(catalog string) bool { return !inStep[catalog] }
}

// gather reads what the execution left in S3. What is absent tells how far it came.
func (r *Reconciler) gather(ctx context.Context, in ReportInput, state State) ([]*CatalogReport, error) {
	var desired desiredFile
	var planned plan.Plan
	if err := r.getJSON(ctx, desiredKey(in.Execution), &desired); err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err := r.getJSON(ctx, planKey(in.Execution), &planned); err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	outcomes, err := r.outcomes(ctx, in.Execution)
	if err != nil {
		return nil, err
	}
	byName := map[string]*CatalogReport{}
	var reports []*CatalogReport
	for _, c := range desired.Catalogs {
		report := &CatalogReport{
			Catalog: c.Name, Execution: in.Execution, ExecutionARN: in.ExecutionARN, StartedAt: in.StartedAt,
			FinishedAt: r.Now().UTC(), DryRun: state.DryRun, Problems: c.Problems, Warnings: c.Warnings, Tables: []Row{},
		}
		if state.Error != nil && len(c.Problems) == 0 {
			_, report.Error = taskFailure(state.Error)
		}
		byName[c.Name] = report
		reports = append(reports, report)
	}
	for _, report := range reports {
		report.Warnings = append(report.Warnings, planned.Unchecked...)
	}
	for _, c := range planned.Changes {
		if report := byName[c.Catalog]; report != nil {
			report.Tables = append(report.Tables, row(c, outcomes[c.Workflow], state))
		}
	}
	for _, report := range reports {
		report.count()
	}
	return reports, nil
}

// outcomes reads what ApplyChange recorded, by workflow name.
func (r *Reconciler) outcomes(ctx context.Context, execution string) (map[string]*Outcome, error) {
	objects, err := r.Objects.List(ctx, outcomesPrefix(execution))
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	found := make(map[string]*Outcome, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reportParallel)
	for _, o := range objects {
		group.Go(func() error {
			var outcome Outcome
			if err := r.getJSON(ctx, o.Key, &outcome); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			found[outcome.Workflow] = &outcome
			return nil
		})
	}
	return found, group.Wait()
}

func row(c plan.Change, o *Outcome, state State) Row {
	out := Row{Table: c.Table, Workflow: c.Workflow, Action: c.Action, Reason: c.Reason, Status: Done, Changed: c.Changed}
	switch {
	case c.Action == plan.Conflict:
		out.Status, out.Error = Failed, c.Reason
	case !c.Action.Applies():
	case state.DryRun:
		out.Status = planned
	case o != nil:
		out.Status, out.Error = o.Status, o.Error
		out.Seconds, out.StartedAt = o.FinishedAt.Sub(o.StartedAt).Seconds(), &o.StartedAt
	case state.Error != nil:
		out.Status, out.Error = Failed, notAppliedYet
	default:
		out.Status, out.Error = Failed, changesCutOff
	}
	return out
}

func (c *CatalogReport) count() {
	c.Status = "Succeeded"
	for _, row := range c.Tables {
		switch {
		case row.Action == plan.Conflict:
			c.Counts.Conflicts++
		case row.Status == Failed:
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

func (r *Result) add(c *CatalogReport) {
	r.Counts.Add(c.Counts)
	for _, p := range c.Problems {
		r.Failures = append(r.Failures, Failure{Type: CatalogInvalid, Catalog: c.Catalog, Message: p})
	}
	for _, row := range c.Tables {
		if row.Status != Failed {
			continue
		}
		kind := "TableFailed"
		if row.Action == plan.Conflict {
			kind = "Conflict"
		}
		r.Failures = append(r.Failures, Failure{Type: kind, Catalog: c.Catalog, Table: row.Table, Message: row.Error})
	}
}

// conclude sets the status, and the error and cause that a failed execution shows in the console.
func (r *Result) conclude() {
	if len(r.Failures) == 0 {
		return
	}
	r.Status = "Failed"
	r.Error = r.Failures[0].Type
	if slices.Contains([]string{"TableFailed", "Conflict"}, r.Error) {
		r.Error = TablesFailed
	}
	var lines []string
	if counts := r.Counts.Words(r.DryRun); counts != "" {
		lines = append(lines, counts)
	}
	total := len(r.Failures)
	r.Failures = r.Failures[:min(total, maxFailures)]
	for i, f := range r.Failures {
		f.Message = clip(f.Message)
		r.Failures[i] = f
		subject := strings.Join(strings.Fields(f.Type+" "+f.Catalog+" "+f.Table), " ")
		lines = append(lines, subject+": "+f.Message)
	}
	if total > maxFailures {
		lines = append(lines, fmt.Sprintf("and %d more; the report has all", total-maxFailures))
	}
	for _, uri := range r.Reports {
		lines = append(lines, "report: "+uri)
	}
	r.Cause = strings.Join(lines, "\n")
}

func clip(s string) string {
	runes := []rune(s)
	if len(runes) <= maxMessage {
		return s
	}
	return string(runes[:maxMessage]) + "…"
}

// taskFailure reads the error of a failed Task: its declared type, and the
// message inside the JSON that Step Functions puts in Cause for a Lambda.
func taskFailure(e *TaskError) (kind, message string) {
	var cause struct {
		ErrorMessage string `json:"errorMessage"`
	}
	message = e.Cause
	if json.Unmarshal([]byte(e.Cause), &cause) == nil && cause.ErrorMessage != "" {
		message = cause.ErrorMessage
	}
	if slices.Contains([]string{CatalogInvalid, CatalogLocked, BlueprintFailed, Unavailable}, e.Error) {
		return e.Error, message
	}
	return Internal, path.Base(e.Error) + ": " + message
}

func (r *Reconciler) putReport(ctx context.Context, prefix string, report *CatalogReport) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report of %s: %w", report.Catalog, err)
	}
	if err := r.Objects.Put(ctx, prefix+"report.json", data, "application/json"); err != nil {
		return err
	}
	page, err := renderReport(report)
	if err != nil {
		return err
	}
	return r.Objects.Put(ctx, prefix+"report.html", page, "text/html; charset=utf-8")
}

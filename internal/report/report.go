// Package report is the Report Task: what an execution did, as JSON and a page for
// each catalog, as a notice for subscribers, and as metrics.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/telemetry"
)

// Objects is the artifacts bucket.
type Objects interface {
	reconcile.Reader
	Put(ctx context.Context, key string, body []byte, contentType string) error
}

// Locks are those of executions on catalogs.
type Locks interface {
	// Release gives back the execution's locks, except those of catalogs that need recovery.
	Release(ctx context.Context, executionARN string, needsRecovery func(catalog string) bool) error
}

// Metrics emits measurements. Losing one must not fail the caller, hence no error.
type Metrics interface {
	Emit(m telemetry.Measurement)
}

// Task is the Report Task. All fields are required.
type Task struct {
	Objects Objects
	Locks   Locks
	Metrics Metrics
	// Bucket is the name of the artifacts bucket, for the URIs of the reports.
	Bucket string
	Now    func() time.Time
	Log    *slog.Logger
}

// parallelReads bounds the outcomes that are read at the same time.
const parallelReads = 64

// Input is what the state machine passes to its last Task.
type Input struct {
	Execution    string    `json:"execution"`
	ExecutionARN string    `json:"executionArn"`
	StartedAt    time.Time `json:"startedAt"`
	// State is the state machine's state: reconcile.State after LoadCatalog, or
	// the execution's own input with an error.
	State json.RawMessage `json:"state"`
}

// Report collects what happened and writes report.json and report.html for each
// catalog. Its result decides how the execution ends.
func (t *Task) Report(ctx context.Context, in Input) (Result, error) {
	var state reconcile.State
	if err := json.Unmarshal(in.State, &state); err != nil {
		return Result{}, fmt.Errorf("decode the execution's state: %w", err)
	}
	reports, err := t.gather(ctx, in, state)
	if err != nil {
		return Result{}, err
	}
	result := Result{Status: "Succeeded", DryRun: state.DryRun, Reports: []string{}, Failures: []Failure{}}
	for _, report := range reports {
		prefix := "reports/" + report.Catalog + "/" + in.Execution + "/"
		if err := t.putReport(ctx, prefix, report); err != nil {
			return Result{}, err
		}
		result.Reports = append(result.Reports, "s3://"+t.Bucket+"/"+prefix+"report.html")
		result.add(report)
	}
	if err := t.Locks.Release(ctx, in.ExecutionARN, needsRecovery(reports)); err != nil {
		return Result{}, err
	}
	if state.Error != nil {
		kind, message := taskFailure(state.Error)
		if kind != reconcile.CatalogInvalid || len(result.Failures) == 0 {
			result.Failures = append([]Failure{{Type: kind, Message: message}}, result.Failures...)
		}
	}
	result.conclude()
	result.Notice = notice(in, result, reports)
	t.measure(in, result, reports)
	t.Log.Info("report written", "status", result.Status, "failures", len(result.Failures))
	return result, nil
}

// needsRecovery reports whether a catalog keeps its lock: it was not fully
// processed, or a table failed. A conflict starts no work.
func needsRecovery(reports []*CatalogReport) func(catalog string) bool {
	processed := map[string]bool{}
	for _, c := range reports {
		processed[c.Catalog] = len(c.Problems) == 0 && c.Error == "" && c.Counts.Failed == 0
	}
	return func(catalog string) bool { return !processed[catalog] }
}

// gather reads what the execution left in S3. Missing files show where the execution stopped.
func (t *Task) gather(ctx context.Context, in Input, state reconcile.State) ([]*CatalogReport, error) {
	var desired reconcile.DesiredFile
	var planned plan.Plan
	if err := reconcile.ReadJSON(ctx, t.Objects, keys.Desired(in.Execution), &desired); err != nil && !errors.Is(err, reconcile.ErrNotFound) {
		return nil, err
	}
	if err := reconcile.ReadJSON(ctx, t.Objects, keys.Plan(in.Execution), &planned); err != nil && !errors.Is(err, reconcile.ErrNotFound) {
		return nil, err
	}
	outcomes, err := t.outcomes(ctx, in.Execution)
	if err != nil {
		return nil, err
	}
	byName := map[string]*CatalogReport{}
	var reports []*CatalogReport
	for _, c := range desired.Catalogs {
		report := &CatalogReport{
			Catalog: c.Name, Execution: in.Execution, ExecutionARN: in.ExecutionARN, StartedAt: in.StartedAt,
			FinishedAt: t.Now().UTC(), DryRun: state.DryRun, Problems: c.Problems, Warnings: c.Warnings, Tables: []Row{},
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

// outcomes reads the outcomes that ApplyChange recorded, by workflow name.
func (t *Task) outcomes(ctx context.Context, execution string) (map[string]*reconcile.Outcome, error) {
	objects, err := t.Objects.List(ctx, keys.Outcomes(execution))
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	found := make(map[string]*reconcile.Outcome, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for _, o := range objects {
		group.Go(func() error {
			var outcome reconcile.Outcome
			if err := reconcile.ReadJSON(ctx, t.Objects, o.Key, &outcome); err != nil {
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

func (t *Task) putReport(ctx context.Context, prefix string, report *CatalogReport) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report of %s: %w", report.Catalog, err)
	}
	if err := t.Objects.Put(ctx, prefix+"report.json", data, "application/json"); err != nil {
		return err
	}
	page, err := renderReport(report)
	if err != nil {
		return err
	}
	return t.Objects.Put(ctx, prefix+"report.html", page, "text/html; charset=utf-8")
}

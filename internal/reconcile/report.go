package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/keys"
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
		prefix := keys.Report(report.Catalog, in.Execution, "")
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

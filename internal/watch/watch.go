// Package watch is what EventBridge calls beside the state machine: it counts
// failed job runs and finds tables that did not land on schedule.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/winebarrel/cronplan"
	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/telemetry"
)

// Input is an event of EventBridge: its schedule's, or Glue's "Glue Job State Change".
type Input struct {
	DetailType string `json:"detail-type"`
	Detail     struct {
		JobName  string `json:"jobName"`
		JobRunID string `json:"jobRunId"`
		State    string `json:"state"`
		Message  string `json:"message"`
	} `json:"detail"`
}

// JobStateChange is the detail-type of Glue's event about a job run that ended.
const JobStateChange = "Glue Job State Change"

// Settings is what the deployed stack says about watching.
type Settings struct {
	Bucket        string
	StackDefaults catalog.StackDefaults
	// StaleAfter is how much later than its schedule a table may land.
	StaleAfter time.Duration
}

// Result is what a look found.
type Result struct {
	Scheduled int      `json:"scheduled"`
	Stale     []string `json:"stale,omitempty"`
	// Failed is the table whose job run failed.
	Failed string `json:"failed,omitempty"`
}

// RunHistory is the part of Glue that remembers workflow runs.
type RunHistory interface {
	// LastRuns leaves out the workflows that do not exist.
	LastRuns(ctx context.Context, workflows []string) (map[string]LastRun, error)
	// Runs returns all workflow runs that Glue remembers, in no promised order.
	Runs(ctx context.Context, workflow string) ([]WorkflowRun, error)
	// JobTags returns reconcile.ErrNotFound when the job does not exist.
	JobTags(ctx context.Context, job string) (map[string]string, error)
}

// LastRun is a workflow with its last workflow run, which is nil when there was none.
type LastRun struct {
	Owner     string
	CreatedAt time.Time
	Run       *WorkflowRun
}

// WorkflowRun is one workflow run.
type WorkflowRun struct {
	StartedAt time.Time
	// Running reports whether it has not ended yet.
	Running bool
	// Succeeded reports whether it has ended, none of its jobs and crawlers failed, and at least one succeeded.
	Succeeded bool
}

// Metrics emits measurements. Losing one must not fail the caller, hence no error.
type Metrics interface {
	Emit(m telemetry.Measurement)
}

// Watcher watches the tables of a stack. All fields are required.
type Watcher struct {
	Objects reconcile.Reader
	History RunHistory
	Metrics Metrics
	Now     func() time.Time
	Log     *slog.Logger
}

// WatchTables counts a failed job run for its table, or looks for tables that
// did not land on schedule. It changes nothing. What it finds are metrics and
// log lines: the alarms of the stack speak up.
func (w *Watcher) WatchTables(ctx context.Context, s Settings, in Input) (Result, error) {
	if in.DetailType == JobStateChange {
		return w.jobFailed(ctx, s, in)
	}
	return w.findStale(ctx, s)
}

func (w *Watcher) jobFailed(ctx context.Context, s Settings, in Input) (Result, error) {
	tags, err := w.History.JobTags(ctx, in.Detail.JobName)
	if err != nil && !errors.Is(err, reconcile.ErrNotFound) {
		return Result{}, err
	}
	table, owner := tags[plan.TableMark], tags[plan.OwnerMark]
	if table == "" || !strings.HasPrefix(owner, "s3://"+s.Bucket+"/") {
		return Result{}, nil // every job of the account sends these events
	}
	w.Log.Error(telemetry.JobRunFailed, "table", table, "job", in.Detail.JobName, "job_run", in.Detail.JobRunID, "state", in.Detail.State, "error", in.Detail.Message)
	w.Metrics.Emit(telemetry.Measurement{
		Counts: map[string]int{telemetry.MetricJobFailed: 1}, Dimension: telemetry.TableDimension,
		Properties: map[string]any{telemetry.TableDimension: table, "owner": owner, "job": in.Detail.JobName, "job_run": in.Detail.JobRunID},
	})
	return Result{Failed: table}, nil
}

// parallelHistories bounds the histories that are read at the same time: Glue throttles reads.
const parallelHistories = 8

func (w *Watcher) findStale(ctx context.Context, s Settings) (Result, error) {
	tables, unreadable, err := w.scheduled(ctx, s)
	if err != nil {
		return Result{}, err
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.WorkflowName
	}
	last, err := w.History.LastRuns(ctx, names)
	if err != nil {
		return Result{}, err
	}
	// A table that is not deployed is left out: the execution that should have deployed it says why.
	tables = slices.DeleteFunc(tables, func(t scheduledTable) bool { return last[t.WorkflowName].Owner != t.owner })
	due := make([]time.Time, len(tables))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelHistories)
	for i, t := range tables {
		group.Go(func() (err error) {
			due[i], err = w.overdue(groupCtx, s, t, last[t.WorkflowName])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
	result := Result{Scheduled: len(tables)}
	for i, t := range tables {
		if !due[i].IsZero() {
			w.Log.Warn(telemetry.TableStale, "table", t.SourceTable, "workflow", t.WorkflowName, "due", due[i], "hours_late", int(w.Now().Sub(due[i]).Hours()))
			result.Stale = append(result.Stale, t.SourceTable)
		}
	}
	w.Metrics.Emit(telemetry.Measurement{
		Counts:     map[string]int{telemetry.MetricScheduled: result.Scheduled, telemetry.MetricStale: len(result.Stale), telemetry.MetricUnreadable: unreadable},
		Properties: map[string]any{"stale_after": s.StaleAfter.String()},
	})
	return result, nil
}

// scheduledTable is a table that Glue's clock lands.
type scheduledTable struct {
	catalog.Table
	owner string
}

func (w *Watcher) scheduled(ctx context.Context, s Settings) (tables []scheduledTable, unreadable int, err error) {
	objects, err := reconcile.ListCatalogs(ctx, w.Objects, "catalogs/")
	if err != nil {
		return nil, 0, err
	}
	for _, o := range objects {
		name := reconcile.CatalogName(o.Key)
		parsed, err := reconcile.ParseCatalog(ctx, w.Objects, s.StackDefaults, name, o)
		if _, invalid := errors.AsType[*catalog.InvalidError](err); invalid || errors.Is(err, reconcile.ErrNotFound) {
			// Its workflows go on as they are, but what they should do cannot be read.
			w.Log.Warn("catalog unreadable", "catalog", name, "error", err)
			unreadable++
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		for _, t := range parsed.Tables {
			if t.Enabled && t.JobScheduleType == catalog.Cron {
				tables = append(tables, scheduledTable{t, plan.Owner(s.Bucket, name)})
			}
		}
	}
	return tables, unreadable, nil
}

// overdue returns since when the table is due, or zero when it is not late by more than StaleAfter.
func (w *Watcher) overdue(ctx context.Context, s Settings, t scheduledTable, last LastRun) (time.Time, error) {
	schedule, err := cronplan.Parse(t.ScheduleCronPattern)
	if err != nil {
		return time.Time{}, fmt.Errorf("schedule of %s: %w", t.SourceTable, err)
	}
	landed, err := w.lastLanding(ctx, s, t, last)
	if err != nil || landed.IsZero() {
		return time.Time{}, err
	}
	// A workflow run that started within a minute is that minute's.
	due := schedule.Next(landed.UTC().Truncate(time.Minute).Add(time.Minute))
	if due.IsZero() || w.Now().Sub(due) <= s.StaleAfter {
		return time.Time{}, nil
	}
	return due, nil
}

// lastLanding returns when the workflow run started that landed the table last,
// or else when its workflow was created. It is zero while a workflow run goes on
// that started within StaleAfter: that one may still land what is due, so that
// in the middle of a nightly load no history is read.
func (w *Watcher) lastLanding(ctx context.Context, s Settings, t scheduledTable, last LastRun) (time.Time, error) {
	switch {
	case last.Run == nil:
		return last.CreatedAt, nil
	case last.Run.Succeeded:
		return last.Run.StartedAt, nil
	case last.Run.Running && w.Now().Sub(last.Run.StartedAt) <= s.StaleAfter:
		return time.Time{}, nil
	}
	runs, err := w.History.Runs(ctx, t.WorkflowName)
	if err != nil && !errors.Is(err, reconcile.ErrNotFound) {
		return time.Time{}, err
	}
	landed := last.CreatedAt
	for _, run := range runs {
		if run.Succeeded && run.StartedAt.After(landed) {
			landed = run.StartedAt
		}
	}
	return landed, nil
}

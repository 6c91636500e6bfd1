// Package watch is the function that EventBridge calls: it counts failed job runs
// and finds tables that did not land on schedule. It is not part of the state machine.
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

// Input is an event of EventBridge: a scheduled one, or one that Glue sends when a job run has ended.
type Input struct {
	DetailType string `json:"detail-type"`
	Detail     struct {
		JobName  string `json:"jobName"`
		JobRunID string `json:"jobRunId"`
		State    string `json:"state"`
		Message  string `json:"message"`
	} `json:"detail"`
}

// JobStateChange is the detail-type of Glue's events about job runs.
const JobStateChange = "Glue Job State Change"

// Settings are those of the deployed stack.
type Settings struct {
	// Bucket is the artifacts bucket.
	Bucket        string
	StackDefaults catalog.StackDefaults
	// StaleAfter is how long after its scheduled time a table may land before it counts as stale.
	StaleAfter time.Duration
}

// Result is what WatchTables found.
type Result struct {
	Scheduled int      `json:"scheduled"`
	Stale     []string `json:"stale,omitempty"`
	// Failed is the table whose job run failed.
	Failed string `json:"failed,omitempty"`
}

// RunHistory is the part of Glue that keeps workflow runs and the tags of jobs.
type RunHistory interface {
	// LastRuns omits workflows that do not exist.
	LastRuns(ctx context.Context, workflows []string) (map[string]LastRun, error)
	// Runs returns all workflow runs that Glue keeps, in any order.
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

// WatchTables counts a failed job run for its table, or finds the tables that did
// not land on schedule. It changes nothing; it emits metrics, which the alarms of
// the stack read, and log lines, which its dashboard shows.
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
		return Result{}, nil // all jobs of the account send these events
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
	// A table that is not deployed is left out: the execution that should have deployed it reports why.
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

// scheduledTable is a table with a cron schedule.
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
			// Its workflows keep their schedules, which cannot be compared with the catalog.
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

// overdue returns when a stale table was due, and zero for a table that is not stale.
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

// lastLanding returns the start of the last workflow run that succeeded, or the
// creation of the workflow when none did. It returns zero while a workflow run
// is in progress that started within StaleAfter: it may still land the table, and
// so no history is read in the middle of a nightly load.
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

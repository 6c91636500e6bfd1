package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/winebarrel/cronplan"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// WatchInput is an event of EventBridge: its schedule's, or Glue's "Glue Job State Change".
type WatchInput struct {
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

// WatchSettings is what the deployed stack says about watching.
type WatchSettings struct {
	Bucket     string
	Deployment catalog.StackDefaults
	// StaleAfter is how much later than its schedule a table may land.
	StaleAfter time.Duration
}

// WatchResult is what a look found.
type WatchResult struct {
	Scheduled int      `json:"scheduled"`
	Stale     []string `json:"stale,omitempty"`
	// Failed is the table whose job run failed.
	Failed string `json:"failed,omitempty"`
}

// Watched is the part of Glue that tells how workflows fare.
type Watched interface {
	// LastRuns leaves out the workflows that do not exist.
	LastRuns(ctx context.Context, workflows []string) (map[string]LastRun, error)
	// Runs returns all workflow runs that Glue remembers, in no promised order.
	Runs(ctx context.Context, workflow string) ([]WorkflowRun, error)
	// JobTags returns ErrNotFound when the job does not exist.
	JobTags(ctx context.Context, job string) (map[string]string, error)
}

// LastRun is a workflow with its last workflow run, which is nil when there was none.
type LastRun struct {
	Owner     string
	CreatedAt time.Time
	Run       *WorkflowRun
}

// WorkflowRun is one workflow run. Succeeded tells that it has ended and that none of its jobs and crawlers failed.
type WorkflowRun struct {
	StartedAt time.Time
	Succeeded bool
}

// WatchTables counts a failed job run for its table, or looks for tables that
// did not land on schedule. It changes nothing. What it finds are metrics and
// log lines: the alarms of the stack speak up.
func (r *Reconciler) WatchTables(ctx context.Context, s WatchSettings, in WatchInput) (WatchResult, error) {
	if in.DetailType == JobStateChange {
		return r.jobFailed(ctx, s, in)
	}
	return r.lookForStale(ctx, s)
}

func (r *Reconciler) jobFailed(ctx context.Context, s WatchSettings, in WatchInput) (WatchResult, error) {
	tags, err := r.Watched.JobTags(ctx, in.Detail.JobName)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return WatchResult{}, err
	}
	table, owner := tags[plan.TableMark], tags[plan.OwnerMark]
	if table == "" || !strings.HasPrefix(owner, "s3://"+s.Bucket+"/") {
		return WatchResult{}, nil // every job of the account sends these events
	}
	r.Log.Error("job run failed", "table", table, "job", in.Detail.JobName, "job_run", in.Detail.JobRunID, "state", in.Detail.State, "error", in.Detail.Message)
	r.Metrics.Emit(Measurement{
		Counts: map[string]int{MetricJobFailed: 1}, By: "Table",
		Properties: map[string]any{"Table": table, "owner": owner, "job": in.Detail.JobName, "job_run": in.Detail.JobRunID},
	})
	return WatchResult{Failed: table}, nil
}

func (r *Reconciler) lookForStale(ctx context.Context, s WatchSettings) (WatchResult, error) {
	tables, unreadable, err := r.scheduled(ctx, s)
	if err != nil {
		return WatchResult{}, err
	}
	names := make([]string, 0, len(tables))
	for _, t := range tables {
		names = append(names, t.WorkflowName)
	}
	held, err := r.Watched.LastRuns(ctx, names)
	if err != nil {
		return WatchResult{}, err
	}
	result := WatchResult{}
	for _, t := range tables {
		w, ok := held[t.WorkflowName]
		if !ok || w.Owner != t.owner {
			continue // not deployed: the execution that should have deployed it says why
		}
		result.Scheduled++
		due, err := r.overdue(ctx, s, t, w)
		if err != nil {
			return result, err
		}
		if !due.IsZero() {
			r.Log.Warn("table stale", "table", t.SourceTable, "workflow", t.WorkflowName, "due", due, "hours_late", int(r.Now().Sub(due).Hours()))
			result.Stale = append(result.Stale, t.SourceTable)
		}
	}
	r.Metrics.Emit(Measurement{
		Counts:     map[string]int{MetricScheduled: result.Scheduled, MetricStale: len(result.Stale), MetricUnreadable: unreadable},
		Properties: map[string]any{"stale_after": s.StaleAfter.String()},
	})
	return result, nil
}

// scheduledTable is a table that Glue's clock lands.
type scheduledTable struct {
	catalog.Table
	owner string
}

func (r *Reconciler) scheduled(ctx context.Context, s WatchSettings) (tables []scheduledTable, unreadable int, err error) {
	objects, err := r.catalogObjects(ctx, "")
	if _, none := errors.AsType[*catalog.InvalidError](err); none {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	for _, o := range objects {
		name := strings.TrimSuffix(strings.TrimPrefix(o.Key, "catalogs/"), ".json")
		parsed, err := r.parse(ctx, s.Deployment, name, o)
		if _, invalid := errors.AsType[*catalog.InvalidError](err); invalid || errors.Is(err, ErrNotFound) {
			// Its workflows go on as they are, but what they should do cannot be read.
			r.Log.Warn("catalog unreadable", "catalog", name, "error", err)
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

// overdue returns when the table should have landed at the latest, or zero when it is not late.
func (r *Reconciler) overdue(ctx context.Context, s WatchSettings, t scheduledTable, w LastRun) (time.Time, error) {
	schedule, err := cronplan.Parse(t.ScheduleCronPattern)
	if err != nil {
		return time.Time{}, fmt.Errorf("schedule of %s: %w", t.SourceTable, err)
	}
	landed := w.CreatedAt
	switch {
	case w.Run == nil:
	case w.Run.Succeeded:
		landed = w.Run.StartedAt
	default:
		// Running or failed: when it last went well is in its history.
		runs, err := r.Watched.Runs(ctx, t.WorkflowName)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return time.Time{}, err
		}
		for _, run := range runs {
			if run.Succeeded && run.StartedAt.After(landed) {
				landed = run.StartedAt
			}
		}
	}
	// A workflow run that started within a minute is that minute's.
	due := schedule.Next(landed.UTC().Truncate(time.Minute).Add(time.Minute))
	if due.IsZero() || r.Now().Sub(due) <= s.StaleAfter {
		return time.Time{}, nil
	}
	return due, nil
}

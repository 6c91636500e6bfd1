package status

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/winebarrel/cronplan"

	"github.com/landfall/landfall/internal/plan"
)

func (r *Reader) row(w *types.Workflow, catalog string) Row {
	row := Row{
		Catalog: catalog, Table: w.DefaultRunProperties[plan.TableMark], Workflow: aws.ToString(w.Name),
		Result: Never, bucket: r.bucketOf(w),
	}
	if w.Graph != nil {
		for _, node := range w.Graph.Nodes {
			if node.TriggerDetails != nil && node.TriggerDetails.Trigger != nil {
				row.schedule(node.TriggerDetails.Trigger, r.Now())
			}
		}
	}
	if w.LastRun != nil {
		row.ran(w.LastRun)
	}
	return row
}

// bucketOf is where the table lands, by the parameters that its workflow was made from.
func (r *Reader) bucketOf(w *types.Workflow) string {
	var parameters struct{ DestinationBucketName string }
	if json.Unmarshal([]byte(w.DefaultRunProperties[plan.ParametersMark]), &parameters) == nil && parameters.DestinationBucketName != "" {
		return parameters.DestinationBucketName
	}
	return r.raw
}

var scheduleExpression = regexp.MustCompile(`^cron\((.*)\)$`)

func (row *Row) schedule(t *types.Trigger, now time.Time) {
	if t.Type != types.TriggerTypeScheduled {
		return
	}
	row.Schedule = aws.ToString(t.Schedule)
	m := scheduleExpression.FindStringSubmatch(row.Schedule)
	if m == nil {
		return
	}
	row.Schedule = m[1]
	row.Active = t.State == types.TriggerStateActivated || t.State == types.TriggerStateActivating
	pattern, err := cronplan.Parse(m[1])
	if err != nil || !row.Active {
		return
	}
	if next := pattern.Next(now.UTC()); !next.IsZero() {
		row.Next = &next
	}
}

func (row *Row) ran(run *types.WorkflowRun) {
	row.RunID, row.StartedAt, row.EndedAt = aws.ToString(run.WorkflowRunId), run.StartedOn, run.CompletedOn
	var bad, stopped int32
	if s := run.Statistics; s != nil {
		bad, stopped = s.FailedActions+s.TimeoutActions+s.ErroredActions, s.StoppedActions
	}
	switch {
	case run.Status == types.WorkflowRunStatusRunning || run.Status == types.WorkflowRunStatusStopping:
		row.Result, row.EndedAt = Running, nil
	case run.Status == types.WorkflowRunStatusError || bad > 0:
		row.Result = Failed
	case run.Status == types.WorkflowRunStatusStopped || stopped > 0:
		row.Result = Stopped
	default:
		row.Result = Succeeded
	}
	if row.Result == Failed {
		row.Error = failure(run)
	}
}

// failure is what the first failed job run or crawl said.
func failure(run *types.WorkflowRun) string {
	if run.Graph != nil {
		for _, node := range run.Graph.Nodes {
			if node.JobDetails == nil {
				continue
			}
			for _, j := range node.JobDetails.JobRuns {
				if j.JobRunState != types.JobRunStateSucceeded && aws.ToString(j.ErrorMessage) != "" {
					return aws.ToString(j.ErrorMessage)
				}
			}
		}
	}
	if run.ErrorMessage != nil {
		return aws.ToString(run.ErrorMessage)
	}
	return "see the workflow run in the Glue console"
}

func wrap(err error, operation string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", strings.TrimSpace(operation), err)
}

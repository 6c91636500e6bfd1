package status

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/winebarrel/cronplan"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/plan"
)

func (r *Reader) row(w *types.Workflow, catalogName string) Row {
	row := Row{
		Catalog: catalogName, Table: w.DefaultRunProperties[plan.TableMark], Workflow: aws.ToString(w.Name),
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

func (row *Row) schedule(t *types.Trigger, now time.Time) {
	if t.Type != types.TriggerTypeScheduled {
		return
	}
	row.Schedule = aws.ToString(t.Schedule)
	fields, ok := catalog.CronFields(row.Schedule)
	if !ok {
		return
	}
	row.Schedule = fields
	row.Active = t.State == types.TriggerStateActivated || t.State == types.TriggerStateActivating
	pattern, err := cronplan.Parse(fields)
	if err != nil || !row.Active {
		return
	}
	if next := pattern.Next(now.UTC()); !next.IsZero() {
		row.Next = &next
	}
}

func (row *Row) ran(run *types.WorkflowRun) {
	row.RunID, row.StartedAt, row.EndedAt = aws.ToString(run.WorkflowRunId), run.StartedOn, run.CompletedOn
	row.Result = glue.ResultOf(*run)
	if row.Result == Running {
		row.EndedAt = nil
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
	switch {
	case run.ErrorMessage != nil:
		return aws.ToString(run.ErrorMessage)
	case run.Statistics == nil || run.Statistics.TotalActions == 0:
		return "no job run was started; see the workflow run in the Glue console"
	}
	return "see the workflow run in the Glue console"
}

func wrap(err error, operation string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", strings.TrimSpace(operation), err)
}

package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/catalog"
)

const poll = 300 * time.Millisecond

// land starts every workflow and waits for its job, as Glue's triggers would on schedule.
func (d *demo) land(ctx context.Context, tables []catalog.Table) error {
	return d.phase("land the tables", func() error {
		d.print.Line("")
		api, running := glue.NewFromConfig(d.aws), map[string]string{}
		for _, t := range tables {
			out, err := api.StartWorkflowRun(ctx, &glue.StartWorkflowRunInput{Name: &t.WorkflowName})
			if err != nil {
				return fmt.Errorf("start workflow %s: %w", t.WorkflowName, err)
			}
			running[t.WorkflowName] = *out.RunId
		}
		started := time.Now()
		for len(running) > 0 {
			for _, t := range tables {
				id, ok := running[t.WorkflowName]
				if !ok {
					continue
				}
				ended, err := d.workflowEnded(ctx, api, t, id, started)
				if err != nil {
					return err
				}
				if ended {
					delete(running, t.WorkflowName)
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(poll):
			}
		}
		return nil
	})
}

// workflowEnded reads a workflow run. COMPLETED says nothing about its job, so the job run itself is read.
func (d *demo) workflowEnded(ctx context.Context, api *glue.Client, t catalog.Table, id string, started time.Time) (bool, error) {
	out, err := api.GetWorkflowRun(ctx, &glue.GetWorkflowRunInput{Name: &t.WorkflowName, RunId: &id, IncludeGraph: new(true)})
	if err != nil {
		return false, fmt.Errorf("get the workflow run of %s: %w", t.WorkflowName, err)
	}
	if s := out.Run.Status; s == types.WorkflowRunStatusRunning || s == types.WorkflowRunStatusStopping {
		return false, nil
	}
	for _, node := range out.Run.Graph.Nodes {
		if node.JobDetails == nil {
			continue
		}
		for _, run := range node.JobDetails.JobRuns {
			d.print.Line("    %5.1f s  %-18s job run %s", time.Since(started).Seconds(), t.SourceTable, run.JobRunState)
			if run.JobRunState != types.JobRunStateSucceeded {
				return false, fmt.Errorf("the job of %s ended %s: %s", t.SourceTable, run.JobRunState, aws.ToString(run.ErrorMessage))
			}
			d.took[t.SourceTable] = int(run.ExecutionTime)
		}
	}
	return true, nil
}

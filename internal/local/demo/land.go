package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/catalog"
)

// land starts every workflow and waits for its job, as Glue's triggers would on schedule.
func (d *demo) land(ctx context.Context, tables []catalog.Table) error {
	return d.phase("land the tables", func() error {
		d.page.line("")
		running := map[string]string{}
		for _, t := range tables {
			out, err := d.glue.StartWorkflowRun(ctx, &glue.StartWorkflowRunInput{Name: &t.WorkflowName})
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
				ended, err := d.workflowEnded(ctx, t, id, started)
				if err != nil {
					return err
				}
				if ended {
					delete(running, t.WorkflowName)
				}
			}
			if err := pause(ctx, poll); err != nil {
				return err
			}
		}
		return nil
	})
}

// workflowEnded reads a workflow run. COMPLETED says nothing about its job, so the job run itself is looked at.
func (d *demo) workflowEnded(ctx context.Context, t catalog.Table, id string, started time.Time) (bool, error) {
	out, err := d.glue.GetWorkflowRun(ctx, &glue.GetWorkflowRunInput{Name: &t.WorkflowName, RunId: &id, IncludeGraph: new(true)})
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
			d.page.line("    %5.1f s  %-18s job run %s", time.Since(started).Seconds(), t.SourceTable, run.JobRunState)
			if run.JobRunState != types.JobRunStateSucceeded {
				return false, fmt.Errorf("the job of %s ended %s: %s", t.SourceTable, run.JobRunState, value(run.ErrorMessage))
			}
			d.took[t.SourceTable] = int(run.ExecutionTime)
		}
	}
	return true, nil
}

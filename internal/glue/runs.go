package glue

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/watch"
)

// LastRuns implements watch.RunHistory.
func (c *Client) LastRuns(ctx context.Context, workflows []string) (map[string]watch.LastRun, error) {
	var mu sync.Mutex
	found := make(map[string]watch.LastRun, len(workflows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBatches)
	for batch := range slices.Chunk(workflows, batchSize) {
		group.Go(func() error {
			out, err := c.api.BatchGetWorkflows(ctx, &glue.BatchGetWorkflowsInput{Names: batch})
			if err != nil {
				return wrap(err, "get the workflows from", batch[0])
			}
			mu.Lock()
			defer mu.Unlock()
			for _, w := range out.Workflows {
				last := watch.LastRun{Owner: w.DefaultRunProperties[plan.OwnerMark], CreatedAt: value(w.CreatedOn)}
				if w.LastRun != nil {
					last.Run = new(workflowRun(*w.LastRun))
				}
				found[value(w.Name)] = last
			}
			return nil
		})
	}
	return found, group.Wait()
}

// Runs implements watch.RunHistory.
func (c *Client) Runs(ctx context.Context, workflow string) ([]watch.WorkflowRun, error) {
	var runs []watch.WorkflowRun
	pages := glue.NewGetWorkflowRunsPaginator(c.api, &glue.GetWorkflowRunsInput{Name: &workflow})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap(err, "get the workflow runs of", workflow)
		}
		for _, r := range page.Runs {
			runs = append(runs, workflowRun(r))
		}
	}
	return runs, nil
}

func workflowRun(r types.WorkflowRun) watch.WorkflowRun {
	result := ResultOf(r)
	return watch.WorkflowRun{StartedAt: value(r.StartedOn), Running: result == Running, Succeeded: result == Succeeded}
}

// Result is how a workflow run ended, or that it has not.
type Result string

// Results of a workflow run.
const (
	Running   Result = "running"
	Succeeded Result = "succeeded"
	Failed    Result = "failed"
	Stopped   Result = "stopped"
)

// ResultOf is the one answer to how a workflow run ended. Its status COMPLETED
// says that nothing of it goes on, not that it went well; the statistics of its
// actions, which are job runs and crawls, say that:
//
//	status            | actions                                        | result
//	RUNNING, STOPPING | –                                              | running
//	ERROR             | –                                              | failed
//	any other         | one failed, timed out, or could not be started | failed
//	STOPPED           | –                                              | stopped
//	any other         | one was stopped                                | stopped
//	COMPLETED         | at least one succeeded                         | succeeded
//	COMPLETED         | none succeeded, or there are no statistics     | failed
func ResultOf(r types.WorkflowRun) Result {
	var n types.WorkflowRunStatistics
	if r.Statistics != nil {
		n = *r.Statistics
	}
	switch {
	case r.Status == types.WorkflowRunStatusRunning || r.Status == types.WorkflowRunStatusStopping:
		return Running
	case r.Status == types.WorkflowRunStatusError || n.FailedActions+n.TimeoutActions+n.ErroredActions > 0:
		return Failed
	case r.Status == types.WorkflowRunStatusStopped || n.StoppedActions > 0:
		return Stopped
	case r.Status == types.WorkflowRunStatusCompleted && n.SucceededActions > 0:
		return Succeeded
	}
	return Failed
}

// JobTags implements watch.RunHistory.
func (c *Client) JobTags(ctx context.Context, job string) (map[string]string, error) {
	return c.Tags(ctx, plan.JobEntity, job)
}

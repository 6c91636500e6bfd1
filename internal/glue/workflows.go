package glue

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// Ownership is kept in a workflow's default run properties, because
// BatchGetWorkflows returns these for 25 workflows a call; tags would cost one
// call per workflow (ADR 0001). These properties are in addition to those of package plan.
const (
	fingerprintProperty = "landfall:fingerprint"
	// entitiesProperty is there while an update is under way: the graph names a job
	// only as long as a trigger starts it.
	entitiesProperty = "landfall:entities"
)

// batchSize is the most names that BatchGetWorkflows takes, and parallelBatches
// how many such calls are under way at once: few, because Glue throttles reads.
const (
	batchSize       = 25
	parallelBatches = 4
)

// ListWorkflows implements planworkflows.Workflows.
func (c *Client) ListWorkflows(ctx context.Context) ([]string, error) {
	var names []string
	pages := glue.NewListWorkflowsPaginator(c.api, &glue.ListWorkflowsInput{MaxResults: new(int32(batchSize))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap(err, "list workflows after", last(names))
		}
		names = append(names, page.Workflows...)
	}
	return names, nil
}

// BatchGetWorkflows implements planworkflows.Workflows and applychange.Workflows.
func (c *Client) BatchGetWorkflows(ctx context.Context, names []string) ([]reconcile.Workflow, error) {
	batches := slices.Collect(slices.Chunk(names, batchSize))
	results := make([][]reconcile.Workflow, len(batches))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBatches)
	for i, batch := range batches {
		group.Go(func() error {
			out, err := c.api.BatchGetWorkflows(ctx, &glue.BatchGetWorkflowsInput{Names: batch, IncludeGraph: new(true)})
			if err != nil {
				return wrap(err, "get the workflows from", batch[0])
			}
			for j := range out.Workflows {
				results[i] = append(results[i], workflow(&out.Workflows[j]))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(results...), nil
}

// entities are the jobs and crawlers of a workflow that is being updated.
type entities struct{ Jobs, Crawlers []string }

// remember adds what the graph no longer names.
func remember(w *reconcile.Workflow, kept string) {
	var e entities
	if kept == "" || json.Unmarshal([]byte(kept), &e) != nil {
		return
	}
	add := func(to *[]string, names []string) {
		for _, name := range names {
			if !slices.Contains(*to, name) {
				*to = append(*to, name)
			}
		}
	}
	add(&w.Jobs, e.Jobs)
	add(&w.Crawlers, e.Crawlers)
}

func workflow(observed *types.Workflow) reconcile.Workflow {
	p := observed.DefaultRunProperties
	w := reconcile.Workflow{
		Workflow: plan.Workflow{
			Name: value(observed.Name), Owner: p[plan.OwnerMark], Table: p[plan.TableMark],
			Fingerprint: p[fingerprintProperty], Parameters: p[plan.ParametersMark],
		},
		Description: value(observed.Description), Properties: p,
	}
	if observed.BlueprintDetails != nil {
		w.Blueprint, w.BlueprintRunID = value(observed.BlueprintDetails.BlueprintName), value(observed.BlueprintDetails.RunId)
	}
	if run := observed.LastRun; run != nil && (run.Status == types.WorkflowRunStatusRunning || run.Status == types.WorkflowRunStatusStopping) {
		w.RunID = value(run.WorkflowRunId)
	}
	if observed.Graph == nil {
		return w
	}
	for _, node := range observed.Graph.Nodes {
		switch node.Type {
		case types.NodeTypeTrigger:
			t := reconcile.Trigger{Name: value(node.Name), Workflow: w.Name}
			if node.TriggerDetails != nil && node.TriggerDetails.Trigger != nil {
				of := node.TriggerDetails.Trigger
				t.Type, t.State, t.Schedule = string(of.Type), string(of.State), value(of.Schedule)
			}
			w.Triggers = append(w.Triggers, t)
		case types.NodeTypeJob:
			w.Jobs = append(w.Jobs, value(node.Name))
		case types.NodeTypeCrawler:
			w.Crawlers = append(w.Crawlers, value(node.Name))
		}
	}
	remember(&w, p[entitiesProperty])
	return w
}

// FinishWorkflow implements applychange.Workflows. Whether Glue keeps or clears
// what an update leaves out is not documented, so everything is sent.
func (c *Client) FinishWorkflow(ctx context.Context, w reconcile.Workflow) error {
	properties := maps.Clone(w.Properties)
	if properties == nil {
		properties = map[string]string{}
	}
	properties[plan.OwnerMark] = w.Owner
	properties[plan.TableMark] = w.Table
	properties[fingerprintProperty] = w.Fingerprint
	delete(properties, plan.ParametersMark)
	delete(properties, entitiesProperty)
	if w.Fingerprint == plan.Updating {
		kept, err := json.Marshal(entities{w.Jobs, w.Crawlers})
		if err != nil {
			return fmt.Errorf("encode the entities of workflow %q: %w", w.Name, err)
		}
		properties[entitiesProperty] = string(kept)
	}
	if w.Parameters != "" {
		properties[plan.ParametersMark] = w.Parameters
	}
	_, err := c.api.UpdateWorkflow(ctx, &glue.UpdateWorkflowInput{
		Name: &w.Name, Description: &w.Description, DefaultRunProperties: properties, MaxConcurrentRuns: new(int32(1)),
	})
	return wrap(err, "update workflow", w.Name)
}

// StopWorkflowRun implements applychange.Workflows.
func (c *Client) StopWorkflowRun(ctx context.Context, name, runID string) error {
	_, err := c.api.StopWorkflowRun(ctx, &glue.StopWorkflowRunInput{Name: &name, RunId: &runID})
	return ignoreNotFound(wrap(err, "stop the workflow run of", name))
}

// DeleteWorkflow implements applychange.Workflows.
func (c *Client) DeleteWorkflow(ctx context.Context, name string) error {
	_, err := c.api.DeleteWorkflow(ctx, &glue.DeleteWorkflowInput{Name: &name})
	return ignoreNotFound(wrap(err, "delete workflow", name))
}

func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

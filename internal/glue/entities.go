package glue

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// entityBatch is how many entities are read by one call.
const entityBatch = 100

// GetEntities implements applychange.Entities.
func (c *Client) GetEntities(ctx context.Context, kind string, names []string) (map[string]reconcile.Definition, error) {
	if kind == plan.JobEntity {
		return c.GetJobs(ctx, names)
	}
	found := map[string]reconcile.Definition{}
	for batch := range slices.Chunk(names, entityBatch) {
		out, err := c.api.BatchGetCrawlers(ctx, &glue.BatchGetCrawlersInput{CrawlerNames: batch})
		if err != nil {
			return nil, wrap(err, "get the crawlers from", batch[0])
		}
		for _, w := range out.Crawlers {
			found[value(w.Name)] = crawlerDefinition(w)
		}
	}
	return found, nil
}

// GetJobs implements planworkflows.Entities.
func (c *Client) GetJobs(ctx context.Context, names []string) (map[string]reconcile.Definition, error) {
	found := map[string]reconcile.Definition{}
	for batch := range slices.Chunk(names, entityBatch) {
		out, err := c.api.BatchGetJobs(ctx, &glue.BatchGetJobsInput{JobNames: batch})
		if err != nil {
			return nil, wrap(err, "get the jobs from", batch[0])
		}
		for _, j := range out.Jobs {
			found[value(j.Name)] = jobDefinition(j)
		}
	}
	return found, nil
}

// CreateEntity implements applychange.Entities.
func (c *Client) CreateEntity(ctx context.Context, kind, name string, d reconcile.Definition, tags map[string]string) error {
	var err error
	if kind == plan.JobEntity {
		in := &glue.CreateJobInput{}
		if err := fill(in, d); err != nil {
			return err
		}
		in.Name, in.Tags = &name, tags
		_, err = c.api.CreateJob(ctx, in)
	} else {
		in := &glue.CreateCrawlerInput{}
		if err := fill(in, d); err != nil {
			return err
		}
		in.Name, in.Tags = &name, tags
		_, err = c.api.CreateCrawler(ctx, in)
	}
	return wrap(err, "create "+kind, name)
}

// UpdateEntity implements applychange.Entities.
func (c *Client) UpdateEntity(ctx context.Context, kind, name string, d reconcile.Definition) error {
	var err error
	switch kind {
	case plan.JobEntity:
		update := &types.JobUpdate{}
		if err := fill(update, d); err != nil {
			return err
		}
		_, err = c.api.UpdateJob(ctx, &glue.UpdateJobInput{JobName: &name, JobUpdate: update})
	case plan.CrawlerEntity:
		in := &glue.UpdateCrawlerInput{}
		if err := fill(in, d); err != nil {
			return err
		}
		in.Name = &name
		_, err = c.api.UpdateCrawler(ctx, in)
	default:
		update := &types.TriggerUpdate{}
		if err := fill(update, d); err != nil {
			return err
		}
		_, err = c.api.UpdateTrigger(ctx, &glue.UpdateTriggerInput{Name: &name, TriggerUpdate: update}, func(o *glue.Options) {
			// Busy may be Glue's way to refuse the update of an active trigger: the caller has another way.
			o.RetryMaxAttempts = 3
		})
	}
	return wrap(err, "update "+kind, name)
}

// DeleteEntity implements applychange.Entities. Glue deletes a trigger within minutes, not at once.
func (c *Client) DeleteEntity(ctx context.Context, kind, name string) error {
	var err error
	switch kind {
	case plan.JobEntity:
		_, err = c.api.DeleteJob(ctx, &glue.DeleteJobInput{JobName: &name})
	case plan.CrawlerEntity:
		_, err = c.api.DeleteCrawler(ctx, &glue.DeleteCrawlerInput{Name: &name})
	default:
		_, err = c.api.DeleteTrigger(ctx, &glue.DeleteTriggerInput{Name: &name})
	}
	return ignoreNotFound(wrap(err, "delete "+kind, name))
}

// GetTriggers implements planworkflows.Entities and applychange.Triggers.
func (c *Client) GetTriggers(ctx context.Context, names []string) ([]reconcile.Trigger, error) {
	var found []reconcile.Trigger
	for batch := range slices.Chunk(names, entityBatch) {
		out, err := c.api.BatchGetTriggers(ctx, &glue.BatchGetTriggersInput{TriggerNames: batch})
		if err != nil {
			return nil, wrap(err, "get the triggers from", batch[0])
		}
		for _, t := range out.Triggers {
			found = append(found, reconcile.Trigger{
				Name: value(t.Name), Type: string(t.Type), State: string(t.State), Workflow: value(t.WorkflowName),
				Schedule: value(t.Schedule), Definition: triggerDefinition(t),
			})
		}
	}
	return found, nil
}

// CreateTrigger implements applychange.Triggers.
func (c *Client) CreateTrigger(ctx context.Context, t reconcile.Trigger, tags map[string]string) error {
	in := &glue.CreateTriggerInput{}
	if err := fill(in, t.Definition); err != nil {
		return err
	}
	in.Name, in.Type, in.WorkflowName, in.Tags = &t.Name, types.TriggerType(t.Type), &t.Workflow, tags
	in.StartOnCreation = in.Type == types.TriggerTypeScheduled || in.Type == types.TriggerTypeConditional
	_, err := c.api.CreateTrigger(ctx, in)
	return wrap(err, "create trigger", t.Name)
}

// StartTrigger implements applychange.Triggers.
func (c *Client) StartTrigger(ctx context.Context, name string) error {
	_, err := c.api.StartTrigger(ctx, &glue.StartTriggerInput{Name: &name})
	return wrap(err, "start trigger", name)
}

// StopTrigger implements applychange.Triggers.
func (c *Client) StopTrigger(ctx context.Context, name string) error {
	_, err := c.api.StopTrigger(ctx, &glue.StopTriggerInput{Name: &name})
	return ignoreNotFound(wrap(err, "stop trigger", name))
}

// CheckConnection implements preflight.Connections.
func (c *Client) CheckConnection(ctx context.Context, name string) error {
	_, err := c.api.GetConnection(ctx, &glue.GetConnectionInput{Name: &name, HidePassword: true})
	return wrap(err, "get connection", name)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, reconcile.ErrNotFound) {
		return nil
	}
	return err
}

package glue

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/landfall/landfall/internal/reconcile"
)

// blueprintTag is the tag that Glue puts on a trigger made by a blueprint run.
const blueprintTag = "BlueprintName"

// GetTrigger implements reconcile.Entities.
func (c *Client) GetTrigger(ctx context.Context, name string) (reconcile.Trigger, error) {
	out, err := c.api.GetTrigger(ctx, &glue.GetTriggerInput{Name: &name})
	if err != nil {
		return reconcile.Trigger{}, wrap(err, "get trigger", name)
	}
	t := reconcile.Trigger{Name: name, Type: string(out.Trigger.Type), State: string(out.Trigger.State), Workflow: value(out.Trigger.WorkflowName)}
	id := c.owner
	id.Resource = "trigger/" + name
	tags, err := c.api.GetTags(ctx, &glue.GetTagsInput{ResourceArn: new(id.String())})
	if err != nil {
		return reconcile.Trigger{}, wrap(err, "get the tags of trigger", name)
	}
	t.Blueprint = tags.Tags[blueprintTag]
	return t, nil
}

// StopTrigger implements reconcile.Entities.
func (c *Client) StopTrigger(ctx context.Context, name string) error {
	_, err := c.api.StopTrigger(ctx, &glue.StopTriggerInput{Name: &name})
	return ignoreNotFound(wrap(err, "stop trigger", name))
}

// DeleteTrigger implements reconcile.Entities. Glue deletes a trigger within minutes, not at once.
func (c *Client) DeleteTrigger(ctx context.Context, name string) error {
	_, err := c.api.DeleteTrigger(ctx, &glue.DeleteTriggerInput{Name: &name})
	return ignoreNotFound(wrap(err, "delete trigger", name))
}

// DeleteJob implements reconcile.Entities.
func (c *Client) DeleteJob(ctx context.Context, name string) error {
	_, err := c.api.DeleteJob(ctx, &glue.DeleteJobInput{JobName: &name})
	return ignoreNotFound(wrap(err, "delete job", name))
}

// DeleteCrawler implements reconcile.Entities.
func (c *Client) DeleteCrawler(ctx context.Context, name string) error {
	_, err := c.api.DeleteCrawler(ctx, &glue.DeleteCrawlerInput{Name: &name})
	return ignoreNotFound(wrap(err, "delete crawler", name))
}

func ignoreNotFound(err error) error {
	if errors.Is(err, reconcile.ErrNotFound) {
		return nil
	}
	return err
}

package glue

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/glue"
)

// arn names an entity, or a workflow.
func (c *Client) arn(kind, name string) string {
	id := c.owner
	id.Resource = kind + "/" + name
	return id.String()
}

// Tags implements reconcile.Tags.
func (c *Client) Tags(ctx context.Context, kind, name string) (map[string]string, error) {
	out, err := c.api.GetTags(ctx, &glue.GetTagsInput{ResourceArn: new(c.arn(kind, name))})
	if err != nil {
		return nil, wrap(err, "get the tags of "+kind, name)
	}
	return maps.Clone(out.Tags), nil
}

// SetTags implements applychange.Tags.
func (c *Client) SetTags(ctx context.Context, kind, name string, set map[string]string, remove []string) error {
	if len(remove) > 0 {
		_, err := c.api.UntagResource(ctx, &glue.UntagResourceInput{ResourceArn: new(c.arn(kind, name)), TagsToRemove: remove})
		if err != nil {
			return wrap(err, "untag "+kind, name)
		}
	}
	if len(set) == 0 {
		return nil
	}
	_, err := c.api.TagResource(ctx, &glue.TagResourceInput{ResourceArn: new(c.arn(kind, name)), TagsToAdd: set})
	return wrap(err, "tag "+kind, name)
}

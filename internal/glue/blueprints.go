package glue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/reconcile"
)

// GetBlueprint implements registerblueprint.Blueprints.
func (c *Client) GetBlueprint(ctx context.Context, name string) (reconcile.Blueprint, error) {
	out, err := c.api.GetBlueprint(ctx, &glue.GetBlueprintInput{Name: &name})
	if err != nil {
		return reconcile.Blueprint{}, wrap(err, "get blueprint", name)
	}
	b := out.Blueprint
	return reconcile.Blueprint{
		Name: name, Location: value(b.BlueprintLocation), Description: value(b.Description),
		Status: string(b.Status), Error: value(b.ErrorMessage),
	}, nil
}

// CreateBlueprint implements registerblueprint.Blueprints.
func (c *Client) CreateBlueprint(ctx context.Context, b reconcile.Blueprint) error {
	_, err := c.api.CreateBlueprint(ctx, &glue.CreateBlueprintInput{Name: &b.Name, BlueprintLocation: &b.Location, Description: &b.Description})
	return wrap(err, "create blueprint", b.Name)
}

// UpdateBlueprint implements registerblueprint.Blueprints.
func (c *Client) UpdateBlueprint(ctx context.Context, b reconcile.Blueprint) error {
	_, err := c.api.UpdateBlueprint(ctx, &glue.UpdateBlueprintInput{Name: &b.Name, BlueprintLocation: &b.Location, Description: &b.Description})
	return wrap(err, "update blueprint", b.Name)
}

// StartBlueprintRun implements applychange.Blueprints.
func (c *Client) StartBlueprintRun(ctx context.Context, name, roleARN, parameters string) (string, error) {
	out, err := c.api.StartBlueprintRun(ctx, &glue.StartBlueprintRunInput{BlueprintName: &name, RoleArn: &roleARN, Parameters: &parameters})
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ResourceNumberLimitExceededException" {
		// How many runs may go on at the same time is not published: the next one waits for a place.
		return "", fmt.Errorf("start a run of blueprint %q: %w: %w", name, reconcile.ErrBusy, err)
	}
	if err != nil {
		return "", wrap(err, "start a run of blueprint", name)
	}
	return value(out.RunId), nil
}

// GetBlueprintRun implements reconcile.BlueprintRuns.
func (c *Client) GetBlueprintRun(ctx context.Context, name, runID string) (reconcile.BlueprintRun, error) {
	out, err := c.api.GetBlueprintRun(ctx, &glue.GetBlueprintRunInput{BlueprintName: &name, RunId: &runID})
	if err != nil {
		return reconcile.BlueprintRun{}, wrap(err, "get blueprint run", runID)
	}
	return blueprintRun(*out.BlueprintRun), nil
}

func blueprintRun(run types.BlueprintRun) reconcile.BlueprintRun {
	return reconcile.BlueprintRun{
		ID: value(run.RunId), State: string(run.State), Error: value(run.ErrorMessage), RollbackError: value(run.RollbackErrorMessage),
		Parameters: value(run.Parameters), StartedAt: value(run.StartedOn), EndedAt: value(run.CompletedOn),
	}
}

// maxRunPages bounds the reading of a history that does not begin with the newest run.
const maxRunPages = 10

// RecentBlueprintRuns implements registerblueprint.Blueprints. The order of the history
// is not documented: a page ends the reading only when it goes backwards in time.
func (c *Client) RecentBlueprintRuns(ctx context.Context, name string, since time.Time) ([]reconcile.BlueprintRun, error) {
	var runs []reconcile.BlueprintRun
	pages := glue.NewGetBlueprintRunsPaginator(c.api, &glue.GetBlueprintRunsInput{BlueprintName: &name, MaxResults: new(int32(1000))})
	for n := 0; pages.HasMorePages() && n < maxRunPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap(err, "list the runs of blueprint", name)
		}
		for _, run := range page.BlueprintRuns {
			if run.StartedOn == nil || !run.StartedOn.Before(since) {
				runs = append(runs, blueprintRun(run))
			}
		}
		if size := len(page.BlueprintRuns); size > 0 {
			first, last := value(page.BlueprintRuns[0].StartedOn), value(page.BlueprintRuns[size-1].StartedOn)
			if last.Before(since) && !last.After(first) {
				break
			}
		}
	}
	return runs, nil
}

package glue

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/landfall/landfall/internal/reconcile"
)

// GetBlueprint implements reconcile.Blueprints.
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

// CreateBlueprint implements reconcile.Blueprints.
func (c *Client) CreateBlueprint(ctx context.Context, b reconcile.Blueprint) error {
	_, err := c.api.CreateBlueprint(ctx, &glue.CreateBlueprintInput{Name: &b.Name, BlueprintLocation: &b.Location, Description: &b.Description})
	return wrap(err, "create blueprint", b.Name)
}

// UpdateBlueprint implements reconcile.Blueprints.
func (c *Client) UpdateBlueprint(ctx context.Context, b reconcile.Blueprint) error {
	_, err := c.api.UpdateBlueprint(ctx, &glue.UpdateBlueprintInput{Name: &b.Name, BlueprintLocation: &b.Location, Description: &b.Description})
	return wrap(err, "update blueprint", b.Name)
}

// StartBlueprintRun implements reconcile.Blueprints.
func (c *Client) StartBlueprintRun(ctx context.Context, name, roleARN, parameters string) (string, error) {
	out, err := c.api.StartBlueprintRun(ctx, &glue.StartBlueprintRunInput{BlueprintName: &name, RoleArn: &roleARN, Parameters: &parameters})
	if err != nil {
		return "", wrap(err, "start a run of blueprint", name)
	}
	return value(out.RunId), nil
}

// GetBlueprintRun implements reconcile.Blueprints.
func (c *Client) GetBlueprintRun(ctx context.Context, name, runID string) (reconcile.BlueprintRun, error) {
	out, err := c.api.GetBlueprintRun(ctx, &glue.GetBlueprintRunInput{BlueprintName: &name, RunId: &runID})
	if err != nil {
		return reconcile.BlueprintRun{}, wrap(err, "get blueprint run", runID)
	}
	run := out.BlueprintRun
	return reconcile.BlueprintRun{State: string(run.State), Error: value(run.ErrorMessage), RollbackError: value(run.RollbackErrorMessage)}, nil
}

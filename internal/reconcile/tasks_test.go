package reconcile_test

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/applychange"
	"github.com/landfall/landfall/internal/reconcile/loadcatalog"
	"github.com/landfall/landfall/internal/reconcile/planworkflows"
	"github.com/landfall/landfall/internal/reconcile/registerblueprint"
	"github.com/landfall/landfall/internal/report"
)

// artifacts is the artifacts bucket as all Tasks together use it.
type artifacts interface {
	reconcile.LockObjects
	reconcile.Writer
	registerblueprint.Objects
}

var discard = slog.New(slog.DiscardHandler)

func (w *system) deployment() plan.Stack {
	return plan.Stack{
		ArtifactsBucket: bucket, PythonModules: []string{"wheels/a.whl"},
		Blueprint: plan.Blueprint{Name: "landfall", Key: keys.Blueprint, Version: w.layout},
	}
}

func (w *system) loadCatalog() *loadcatalog.Task {
	return &loadcatalog.Task{Objects: w.objects, Executions: w, BlueprintName: "landfall", Now: w.now, Log: discard}
}

func (w *system) registerBlueprint() *registerblueprint.Task {
	return &registerblueprint.Task{
		Objects: w.objects, Blueprints: w.client, Bucket: bucket, Blueprint: w.deployment().Blueprint, Now: w.now, Log: discard,
		Publish: []registerblueprint.Publication{{From: "s3://" + bucket + "/blueprint.zip", To: keys.Blueprint}},
	}
}

func (w *system) planWorkflows() *planworkflows.Task {
	return &planworkflows.Task{
		Objects: w.objects, Workflows: w.client, Entities: w.client, Runs: w.client, Preflight: w.preflight, Stack: w.deployment(),
		AccountID: "123456789012", Concurrency: w.concurrency, CallsPerSecond: w.perSecond, Log: discard,
	}
}

func (w *system) applyChange() *applychange.Task {
	return &applychange.Task{
		Objects: w.objects, Blueprints: w.client, Workflows: w.client, Entities: w.client, Triggers: w.client, Tags: w.client,
		RoleARN: role, Now: w.now, Sleep: w.sleep, Log: discard,
	}
}

func (w *system) report() *report.Task {
	return &report.Task{Objects: w.objects, Locks: reconcile.Locks{Objects: w.objects}, Metrics: noMetrics{}, Bucket: bucket, Now: w.now, Log: discard}
}

// tasks are the functions of the state machine by their Task's name.
func (w *system) tasks() map[string]func(context.Context, json.RawMessage) (any, error) {
	return map[string]func(context.Context, json.RawMessage) (any, error){
		"LoadCatalog":       function(w, w.loadCatalog().LoadCatalog),
		"RegisterBlueprint": function(w, w.registerBlueprint().RegisterBlueprint),
		"PlanWorkflows":     function(w, w.planWorkflows().PlanWorkflows),
		"ApplyChange":       function(w, w.applyChange().ApplyChange),
		"Report":            function(w, w.report().Report),
	}
}

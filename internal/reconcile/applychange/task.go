// Package applychange is the ApplyChange Task: it brings workflows in sync with
// their tables, one idempotent step at a time.
//
// task.go has the ports and the item of the Map, invocation.go what one call of
// the function does with the changes of its item, runs.go how it polls blueprint
// runs, change.go how one change advances and ends, operation.go which step comes
// next. The steps are in stage.go, promote.go with merge.go and triggers.go, and
// remove.go. guard.go stands before every write.
package applychange

import (
	"context"
	"log/slog"
	"time"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// Blueprints is the part of Glue that runs blueprints.
type Blueprints interface {
	reconcile.BlueprintRuns
	// StartBlueprintRun returns ErrBusy while the blueprint is being registered.
	StartBlueprintRun(ctx context.Context, name, roleARN, parameters string) (runID string, err error)
}

// Workflows is the part of Glue that reads and writes workflows.
type Workflows interface {
	// BatchGetWorkflows leaves out the names that do not exist.
	BatchGetWorkflows(ctx context.Context, names []string) ([]reconcile.Workflow, error)
	// FinishWorkflow writes the description and the properties, the owner's among
	// them, and allows one workflow run at a time.
	FinishWorkflow(ctx context.Context, w reconcile.Workflow) error
	// StopWorkflowRun returns ErrRefused when the workflow run is not going on.
	StopWorkflowRun(ctx context.Context, name, runID string) error
	// DeleteWorkflow is no error when there is no such workflow.
	DeleteWorkflow(ctx context.Context, name string) error
}

// Entities is the part of Glue that reads and writes jobs and crawlers, and updates and
// deletes triggers, by kind: plan.JobEntity, and so on.
type Entities interface {
	// GetEntities reads jobs or crawlers. It leaves out the names that do not exist.
	GetEntities(ctx context.Context, kind string, names []string) (map[string]reconcile.Definition, error)
	// CreateEntity creates a job or crawler. It returns ErrAlreadyExists for a taken name.
	CreateEntity(ctx context.Context, kind, name string, d reconcile.Definition, tags map[string]string) error
	// UpdateEntity returns ErrBusy while a crawler runs, or a trigger is being changed.
	UpdateEntity(ctx context.Context, kind, name string, d reconcile.Definition) error
	// DeleteEntity is no error when there is no such entity. It returns before a trigger is gone.
	DeleteEntity(ctx context.Context, kind, name string) error
}

// Triggers is the part of Glue that is particular to triggers.
type Triggers interface {
	// GetTriggers leaves out the names that do not exist.
	GetTriggers(ctx context.Context, names []string) ([]reconcile.Trigger, error)
	// CreateTrigger activates the trigger, unless it is ON_DEMAND. It returns ErrAlreadyExists for a taken name.
	CreateTrigger(ctx context.Context, t reconcile.Trigger, tags map[string]string) error
	StartTrigger(ctx context.Context, name string) error
	StopTrigger(ctx context.Context, name string) error
}

// Tags reads and writes the tags of entities and workflows.
type Tags interface {
	reconcile.Tags
	SetTags(ctx context.Context, kind, name string, set map[string]string, remove []string) error
}

// Task is the ApplyChange Task. All fields are required.
type Task struct {
	Objects    reconcile.ReadWriter
	Blueprints Blueprints
	Workflows  Workflows
	Entities   Entities
	Triggers   Triggers
	Tags       Tags
	// RoleARN is the role of blueprint runs.
	RoleARN string
	Now     func() time.Time
	// Sleep returns the context's error when the context ends first.
	Sleep func(ctx context.Context, d time.Duration) error
	Log   *slog.Logger
}

// Input is one item of the Map: changes, some of which are being worked on.
// ApplyChange's answer is its next input.
type Input struct {
	Execution string `json:"execution"`
	// Queue are the changes that have not been begun, Items those that are being worked on.
	Queue []plan.Change `json:"queue"`
	Items []Item        `json:"items"`
	// Slots is how many blueprints run for this item at the same time.
	Slots       int    `json:"slots"`
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// CallsPerSecond is how often this item's child may call Glue; zero means without a limit.
	CallsPerSecond float64 `json:"callsPerSecond"`
	// RunSeconds is the duration of the shortest of this item's blueprint runs; zero while none has ended.
	RunSeconds float64 `json:"runSeconds,omitempty"`
}

// Item is one change that is being worked on.
type Item struct {
	Change   plan.Change `json:"change"`
	Progress Progress    `json:"progress"`
}

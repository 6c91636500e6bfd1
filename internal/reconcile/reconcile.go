// Package reconcile holds the use cases behind the state machine's Tasks: one
// method per Task, of the Task's name. Every method is level-triggered: it
// looks at what Glue and S3 hold now, does the next idempotent step, and says
// whether it is done, so any of them may be cut off and repeated.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/landfall/landfall/internal/plan"
)

// What an adapter's error can be told apart by, with errors.Is.
var (
	// ErrNotFound is returned when the named thing does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists is returned when a thing of that name exists.
	ErrAlreadyExists = errors.New("already exists")
	// ErrBusy is returned when Glue refuses because the thing is being changed; the call may be repeated.
	ErrBusy = errors.New("busy")
	// ErrRefused is returned when asking again does not help: wrong input, a missing permission, a quota.
	ErrRefused = errors.New("refused")
)

// Objects is the artifacts bucket. A missing key is ErrNotFound.
type Objects interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, body []byte, contentType string) error
	// List returns every object under the prefix, in key order.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Publish makes key a copy of the object at the URI from, unless it is one already.
	Publish(ctx context.Context, from, key string) error
}

// Object is one entry of a listing. Size is in bytes.
type Object struct {
	Key  string
	Size int64
}

// Blueprints is the part of Glue that registers and runs a blueprint.
type Blueprints interface {
	// GetBlueprint returns ErrNotFound when there is none.
	GetBlueprint(ctx context.Context, name string) (Blueprint, error)
	CreateBlueprint(ctx context.Context, b Blueprint) error
	// UpdateBlueprint returns ErrBusy while the blueprint is being registered.
	UpdateBlueprint(ctx context.Context, b Blueprint) error
	// StartBlueprintRun returns ErrBusy while the blueprint is being registered.
	StartBlueprintRun(ctx context.Context, name, roleARN, parameters string) (runID string, err error)
	GetBlueprintRun(ctx context.Context, name, runID string) (BlueprintRun, error)
}

// Blueprint is a registered blueprint. Status is CREATING, ACTIVE, UPDATING or FAILED.
type Blueprint struct {
	Name        string
	Location    string
	Description string
	Status      string
	Error       string
}

// BlueprintRun is one run. State is RUNNING, SUCCEEDED, ROLLING_BACK or FAILED.
type BlueprintRun struct {
	State         string
	Error         string
	RollbackError string
}

// Workflows is the part of Glue that holds workflows.
type Workflows interface {
	ListWorkflows(ctx context.Context) ([]string, error)
	// BatchGetWorkflows leaves out the names that do not exist.
	BatchGetWorkflows(ctx context.Context, names []string) ([]plan.Workflow, error)
	// GetWorkflow returns ErrNotFound when there is none.
	GetWorkflow(ctx context.Context, name string) (Workflow, error)
	// FinishWorkflow sets the owner, table and fingerprint, and allows one workflow run at a time.
	FinishWorkflow(ctx context.Context, w Workflow) error
	DeleteWorkflow(ctx context.Context, name string) error
}

// Workflow is one workflow with what its graph names.
type Workflow struct {
	plan.Workflow
	Description string
	// Properties are the default run properties, the owner's among them.
	Properties     map[string]string
	BlueprintRunID string
	// Running tells that a workflow run is going on.
	Running  bool
	Triggers []Trigger
	Jobs     []string
	Crawlers []string
}

// Trigger is one trigger. Type is SCHEDULED, CONDITIONAL, ON_DEMAND or EVENT;
// State is one of Glue's, such as ACTIVATED or DELETING.
type Trigger struct {
	Name     string
	Type     string
	State    string
	Workflow string
	// Blueprint is the name of the blueprint that made it; filled by GetTrigger only.
	Blueprint string
}

// Entities is the part of Glue that holds what a workflow is made of.
// Deleting what does not exist is no error.
type Entities interface {
	// GetTrigger returns ErrNotFound when there is none.
	GetTrigger(ctx context.Context, name string) (Trigger, error)
	StopTrigger(ctx context.Context, name string) error
	DeleteTrigger(ctx context.Context, name string) error
	DeleteJob(ctx context.Context, name string) error
	DeleteCrawler(ctx context.Context, name string) error
}

// Reconciler carries what the use cases work on. A Lambda fills only what its use case needs.
type Reconciler struct {
	Objects    Objects
	Blueprints Blueprints
	Workflows  Workflows
	Entities   Entities
	Watched    Watched
	Metrics    Metrics
	// Now is the clock; time.Now outside tests.
	Now func() time.Time
	Log *slog.Logger
}

// Statuses that a use case answers the state machine with.
const (
	Done   = "done"
	Wait   = "wait"
	Failed = "failed"
)

// Error types of an execution, which the state machine and its readers tell failures apart by.
const (
	// CatalogInvalid: a catalog cannot be loaded; nothing of it was changed.
	CatalogInvalid = "CatalogInvalid"
	// BlueprintFailed: Glue refused the blueprint; no workflow was touched.
	BlueprintFailed = "BlueprintFailed"
	// TablesFailed: some tables failed or are in conflict; the others are done.
	TablesFailed = "TablesFailed"
	// Unavailable: an AWS service did not answer as it should; the step may be repeated.
	Unavailable = "Unavailable"
	// Internal: none of the above; a defect or a missing permission.
	Internal = "Internal"
)

// BlueprintError says that Glue could not register the blueprint.
type BlueprintError struct{ Name, Message string }

func (e *BlueprintError) Error() string {
	return fmt.Sprintf("blueprint %q could not be registered: %s", e.Name, e.Message)
}

// ErrorType routes the state machine.
func (e *BlueprintError) ErrorType() string { return BlueprintFailed }

func (r *Reconciler) getJSON(ctx context.Context, key string, v any) error {
	data, err := r.Objects.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	return nil
}

func (r *Reconciler) putJSON(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return r.Objects.Put(ctx, key, data, "application/json")
}

// Where one execution keeps its values in the artifacts bucket.
func desiredKey(execution string) string { return "executions/" + execution + "/desired.json" }
func planKey(execution string) string    { return "executions/" + execution + "/plan.json" }
func changesKey(execution string) string { return "executions/" + execution + "/changes.json" }
func outcomesPrefix(execution string) string {
	return "executions/" + execution + "/outcomes/"
}

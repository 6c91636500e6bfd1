package reconcile

import (
	"context"
	"time"

	"github.com/landfall/landfall/internal/plan"
)

// Reader finds and reads objects of the artifacts bucket.
type Reader interface {
	// Get returns ErrNotFound when there is no object with the key.
	Get(ctx context.Context, key string) ([]byte, error)
	// List returns every object under the prefix, in key order.
	List(ctx context.Context, prefix string) ([]Object, error)
}

// Writer puts objects into the artifacts bucket.
type Writer interface {
	Put(ctx context.Context, key string, body []byte, contentType string) error
}

// ReadWriter is the part of the artifacts bucket in which an execution keeps its values.
type ReadWriter interface {
	Reader
	Writer
}

// Object is one entry of a listing. Size is in bytes.
type Object struct {
	Key  string
	Size int64
	// Draft is the key of the draft that is read in its place; empty outside dry runs of drafts.
	Draft string
}

// BlueprintRuns reads blueprint runs.
type BlueprintRuns interface {
	// GetBlueprintRun returns ErrNotFound for a run that Glue no longer knows.
	GetBlueprintRun(ctx context.Context, name, runID string) (BlueprintRun, error)
}

// Tags reads the tags of an entity: kind is plan.JobEntity, and so on, or WorkflowEntity.
type Tags interface {
	// Tags returns ErrNotFound when there is no such entity.
	Tags(ctx context.Context, kind, name string) (map[string]string, error)
}

// WorkflowEntity is the kind of a workflow where its tags are meant.
const WorkflowEntity = "workflow"

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
	ID            string
	State         string
	Error         string
	RollbackError string
	// Parameters is the JSON that the run was started with.
	Parameters string
	StartedAt  time.Time
	// EndedAt is zero while the run goes on.
	EndedAt time.Time
}

// Workflow is one workflow with what its graph names.
type Workflow struct {
	plan.Workflow
	Description string
	// Properties are the default run properties, the owner's among them.
	Properties     map[string]string
	BlueprintRunID string
	// RunID is the workflow run that is going on; empty when none is.
	RunID    string
	Triggers []Trigger
	Jobs     []string
	Crawlers []string
}

// Problem returns what keeps the workflow from working, as its graph shows it; empty when nothing does.
func (w Workflow) Problem() string {
	start := false
	for _, t := range w.Triggers {
		if t.State == TriggerDeleting {
			continue
		}
		if t.Idle() || t.Fires() && t.State == "DEACTIVATING" {
			return "trigger \"" + t.Name + "\" is not active"
		}
		start = start || t.Type != Conditional
	}
	if !start {
		return "its start trigger is gone"
	}
	return ""
}

// HasStart reports whether the workflow has a start trigger that stays.
func (w Workflow) HasStart() bool {
	for _, t := range w.Triggers {
		if t.IsStart() {
			return true
		}
	}
	return false
}

// Definition is a job, crawler or trigger as Glue's update calls take it, under
// the field names of Glue's API and without empty fields.
type Definition map[string]any

// Types of triggers, and the state of one that is being deleted.
const (
	OnDemand        = "ON_DEMAND"
	Scheduled       = "SCHEDULED"
	Conditional     = "CONDITIONAL"
	TriggerDeleting = "DELETING"
)

// Trigger is one trigger. Type is SCHEDULED, CONDITIONAL, ON_DEMAND or EVENT;
// State is one of Glue's, such as ACTIVATED or DELETING.
type Trigger struct {
	Name     string
	Type     string
	State    string
	Workflow string
	Schedule string
	// Definition is nil for a trigger of a workflow's graph.
	Definition Definition
}

// Fires reports whether the trigger starts something by itself when it is active.
func (t Trigger) Fires() bool { return t.Type == Scheduled || t.Type == Conditional }

// IsStart reports whether the trigger starts its workflow, and stays.
func (t Trigger) IsStart() bool { return t.Type != Conditional && t.State != TriggerDeleting }

// Settled reports whether the trigger is in none of the states that it only passes through.
func (t Trigger) Settled() bool {
	return t.State == "ACTIVATED" || t.State == "DEACTIVATED" || t.State == "CREATED"
}

// Idle reports whether the trigger should be active and is not.
func (t Trigger) Idle() bool { return t.Fires() && (t.State == "DEACTIVATED" || t.State == "CREATED") }

package reconcile

import (
	"context"
	"time"

	"github.com/landfall/landfall/internal/plan"
)

// Objects is the artifacts bucket. A missing key is ErrNotFound.
type Objects interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, body []byte, contentType string) error
	// GetTagged returns the object and its entity tag.
	GetTagged(ctx context.Context, key string) (body []byte, tag string, err error)
	// PutIf puts the object only where the one with the entity tag still is, or
	// with an empty tag where none is; else it returns ErrBusy.
	PutIf(ctx context.Context, key string, body []byte, contentType, tag string) error
	// DeleteIfMatch deletes the object only where the one with the entity tag still
	// is; else it returns ErrBusy, or ErrNotFound when there is none.
	DeleteIfMatch(ctx context.Context, key, tag string) error
	// List returns every object under the prefix, in key order.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Publish makes key a copy of the object at the URI from, unless it is one already.
	Publish(ctx context.Context, from, key string) error
}

// Object is one entry of a listing. Size is in bytes.
type Object struct {
	Key  string
	Size int64
	// from is the key of the draft that is read in its place; empty outside dry runs of drafts.
	from string
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
	// RecentBlueprintRuns returns every run that was started since, and maybe older ones.
	RecentBlueprintRuns(ctx context.Context, name string, since time.Time) ([]BlueprintRun, error)
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

// Workflows is the part of Glue that holds workflows.
type Workflows interface {
	ListWorkflows(ctx context.Context) ([]string, error)
	// BatchGetWorkflows leaves out the names that do not exist.
	BatchGetWorkflows(ctx context.Context, names []string) ([]Workflow, error)
	// FinishWorkflow writes the description and the properties, the owner's among
	// them, and allows one workflow run at a time.
	FinishWorkflow(ctx context.Context, w Workflow) error
	// StopWorkflowRun returns ErrRefused when the workflow run is not going on.
	StopWorkflowRun(ctx context.Context, name, runID string) error
	DeleteWorkflow(ctx context.Context, name string) error
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

// Definition is a job, crawler or trigger as Glue's update calls take it, under
// the field names of Glue's API and without empty fields.
type Definition map[string]any

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

// Entities is the part of Glue that holds what a workflow is made of. Gets
// leave out what does not exist, and deleting it is no error. Creates return
// ErrAlreadyExists for a taken name.
type Entities interface {
	GetJobs(ctx context.Context, names []string) (map[string]Definition, error)
	CreateJob(ctx context.Context, name string, d Definition, tags map[string]string) error
	UpdateJob(ctx context.Context, name string, d Definition) error
	DeleteJob(ctx context.Context, name string) error

	GetCrawlers(ctx context.Context, names []string) (map[string]Definition, error)
	CreateCrawler(ctx context.Context, name string, d Definition, tags map[string]string) error
	// UpdateCrawler returns ErrBusy while the crawler runs.
	UpdateCrawler(ctx context.Context, name string, d Definition) error
	DeleteCrawler(ctx context.Context, name string) error

	GetTriggers(ctx context.Context, names []string) ([]Trigger, error)
	// CreateTrigger activates the trigger, unless it is ON_DEMAND.
	CreateTrigger(ctx context.Context, t Trigger, tags map[string]string) error
	UpdateTrigger(ctx context.Context, name string, d Definition) error
	StartTrigger(ctx context.Context, name string) error
	StopTrigger(ctx context.Context, name string) error
	// DeleteTrigger returns before the trigger is gone.
	DeleteTrigger(ctx context.Context, name string) error

	// Tags and SetTags work on what is of the kind: plan.JobEntity, and so on, or WorkflowEntity.
	Tags(ctx context.Context, kind, name string) (map[string]string, error)
	SetTags(ctx context.Context, kind, name string, set map[string]string, remove []string) error

	// List returns the names of all of the kind that carry every one of the tags; no tags means all.
	List(ctx context.Context, kind string, tags map[string]string) ([]string, error)
}

// WorkflowEntity is the kind of a workflow where its tags are meant.
const WorkflowEntity = "workflow"

// Account is what else the account holds. Checks return ErrNotFound for what is
// not there, and any other error when it cannot be told.
type Account interface {
	// Quotas returns the applied Service Quotas of Glue.
	Quotas(ctx context.Context) (Quotas, error)
	// CheckRole and CheckSecret take a name or an ARN.
	CheckRole(ctx context.Context, role string) error
	CheckSecret(ctx context.Context, secret string) error
}

// Quotas of Glue in this account and Region; zero where not known.
type Quotas struct{ Workflows, Triggers, Jobs int }

// Connections is the part of Glue that holds connections.
type Connections interface {
	// CheckConnection is one of Account's checks.
	CheckConnection(ctx context.Context, name string) error
}

// Buckets is S3 in every account.
type Buckets interface {
	// CheckBucket returns ErrForbidden unless the account owns the bucket.
	CheckBucket(ctx context.Context, name, account string) error
}

// Executions is the state machine's own.
type Executions interface {
	// Running tells whether the execution is going on. One that is not known is not.
	Running(ctx context.Context, executionARN string) (bool, error)
}

package reconcile

import (
	"time"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// LoadCatalogInput is the execution and its input as the user gave it.
type LoadCatalogInput struct {
	Execution    string  `json:"execution"`
	ExecutionARN string  `json:"executionArn"`
	Input        Request `json:"input"`
}

// Request is an execution's input.
type Request struct {
	// Catalog is a key such as catalogs/hr.json; empty means all catalogs.
	Catalog string `json:"catalog"`
	DryRun  bool   `json:"dryRun"`
	// Version is the S3 version whose upload started the execution. What is loaded is the current one.
	Version string `json:"version,omitempty"`
	// Draft is the key of a draft that a dry run reads in the place of the catalog.
	Draft string `json:"draft,omitempty"`
	// Blueprint is the key of a blueprint ZIP to use instead of what the catalogs say.
	Blueprint string `json:"blueprint,omitempty"`
	// PruneLimitPercent replaces the catalogs' own for this execution.
	PruneLimitPercent *int `json:"pruneLimitPercent,omitempty"`
	// Waited is how many seconds the execution has waited for another one; the state machine hands it back.
	Waited int `json:"waited"`
}

// State is what the state machine carries from one Task to the next.
type State struct {
	Request
	Execution string `json:"execution"`
	// Status is "wait" while another execution works on a catalog, for WaitSeconds.
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// Locked is what is waited for; absent when nothing is.
	Locked *Locked `json:"locked,omitempty"`
	// TakenOver reports that an execution before this one did not finish one of the
	// catalogs: it was cut off, or it failed.
	TakenOver bool     `json:"takenOver,omitempty"`
	Catalogs  []string `json:"catalogs"`
	Tables    int      `json:"tables"`
	// Blueprints are the custom ones that the catalogs name.
	Blueprints   []plan.Blueprint `json:"blueprints"`
	Registration BlueprintState   `json:"registration"`
	Error        *TaskError       `json:"error,omitempty"`
}

// TaskError is a failed Task as Step Functions describes it.
type TaskError struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Registering is the status of a blueprint that Glue is registering: plans can be made, and not be applied.
const Registering = "registering"

// BlueprintState is RegisterBlueprint's answer; the state machine hands it back in the next round of its loop.
type BlueprintState struct {
	// Status is Done, Registering, or Wait while a blueprint run of an earlier execution may go on.
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// Requested are the blueprints that this execution has asked Glue to register.
	Requested []string `json:"requested"`
	// Waited is how many seconds this execution has waited already.
	Waited int `json:"waited"`
}

// PlanState is PlanWorkflows' answer. The plan itself stays in S3: a state's
// payload holds 256 KiB, a plan of ten thousand tables does not fit.
type PlanState struct {
	// Changes is the key of the changes to apply, a JSON array of items for the Map.
	Changes string              `json:"changes"`
	ToApply int                 `json:"toApply"`
	Counts  map[plan.Action]int `json:"counts"`
	// Concurrency is how many items the Map works on at the same time.
	Concurrency int `json:"concurrency"`
}

// DesiredFile is desired.json: the catalogs of one execution after validation.
type DesiredFile struct {
	Catalogs []LoadedCatalog `json:"catalogs"`
	// Claims are what the other catalogs in the bucket claim.
	Claims []plan.Claim `json:"claims"`
}

// LoadedCatalog is one catalog, resolved, or why it was refused.
type LoadedCatalog struct {
	Name         string          `json:"name"`
	Key          string          `json:"key"`
	Rules        plan.Rules      `json:"rules"`
	BucketOwners []string        `json:"bucketOwners,omitempty"`
	Blueprint    *plan.Blueprint `json:"blueprint,omitempty"`
	// Declares are the parameters of the blueprint.
	Declares []string        `json:"declares,omitempty"`
	Tables   []catalog.Table `json:"tables"`
	Warnings []string        `json:"warnings,omitempty"`
	// Problems is why the catalog was refused; its tables are then absent and nothing of it is touched.
	Problems []string `json:"problems,omitempty"`
}

// Outcome is how a change ended. ApplyChange records it in S3, Report gathers it.
type Outcome struct {
	Action     plan.Action `json:"action"`
	Catalog    string      `json:"catalog"`
	Table      string      `json:"table"`
	Workflow   string      `json:"workflow"`
	Status     string      `json:"status"`
	Error      string      `json:"error,omitempty"`
	StartedAt  time.Time   `json:"startedAt"`
	FinishedAt time.Time   `json:"finishedAt"`
}

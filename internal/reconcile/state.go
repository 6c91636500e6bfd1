package reconcile

import (
	"fmt"
	"slices"

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
	// TakenOver tells that an execution before this one did not get one of the
	// catalogs in step: it was cut off, or it failed.
	TakenOver bool     `json:"takenOver,omitempty"`
	Catalogs  []string `json:"catalogs"`
	Tables    int      `json:"tables"`
	// Blueprints are the users' own that the catalogs name.
	Blueprints   []plan.Blueprint `json:"blueprints"`
	Registration BlueprintState   `json:"registration"`
	Error        *TaskError       `json:"error,omitempty"`
}

// TaskError is a failed Task as Step Functions describes it.
type TaskError struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// DesiredFile is desired.json: the catalogs of one execution after validation.
type DesiredFile struct {
	Catalogs []LoadedCatalog `json:"catalogs"`
	// Claims are what the other catalogs in the bucket claim.
	Claims []plan.Claim `json:"claims"`
}

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

func (s *State) add(c LoadedCatalog) {
	s.Catalogs = append(s.Catalogs, c.Name)
	s.Tables += len(c.Tables)
	if c.Blueprint != nil && !slices.ContainsFunc(s.Blueprints, func(b plan.Blueprint) bool { return b.Key == c.Blueprint.Key }) {
		s.Blueprints = append(s.Blueprints, *c.Blueprint)
	}
}

func checkRequest(in Request) error {
	if p := in.PruneLimitPercent; p != nil && (*p < 0 || *p > 100) {
		return invalidCatalog(in.Catalog, fmt.Sprintf("the execution's input has pruneLimitPercent %d; want 0 to 100", *p), "")
	}
	if in.Blueprint != "" {
		if err := catalog.CheckBlueprint(in.Blueprint); err != nil {
			return invalidCatalog(in.Catalog, "the execution's input: "+err.Error(), "")
		}
	}
	return nil
}

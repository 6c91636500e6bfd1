package reconcile

import (
	"context"

	"github.com/landfall/landfall/internal/plan"
)

// Preflight checks, before the first change, what the changes need to be there.
type Preflight interface {
	// Check returns an error only when the context has ended; a check that cannot be made refuses nothing.
	Check(ctx context.Context, in PreflightInput) (PreflightResult, error)
}

// PreflightInput is a plan and what it is checked against.
type PreflightInput struct {
	Plan plan.Plan
	// Workflows, Triggers and Jobs are how many there are in the account and Region.
	Workflows, Triggers, Jobs int
	// Accounts are those that a catalog's buckets may belong to, the stack's own among them, by the catalog's name.
	Accounts map[string][]string
}

// PreflightResult is what the checks found.
type PreflightResult struct {
	// Refused are all reasons why creates and updates cannot succeed, by workflow name, in a stable order.
	Refused map[string][]string
	// Unchecked says which checks could not be made.
	Unchecked []string
}

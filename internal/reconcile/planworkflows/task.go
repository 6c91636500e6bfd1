// Package planworkflows is the PlanWorkflows Task: it compares the loaded catalogs
// with what exists in Glue, and shards the changes over the children of the Map.
package planworkflows

import (
	"context"
	"log/slog"
	"slices"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// Workflows is the part of Glue that reads workflows.
type Workflows interface {
	ListWorkflows(ctx context.Context) ([]string, error)
	// BatchGetWorkflows leaves out the names that do not exist.
	BatchGetWorkflows(ctx context.Context, names []string) ([]reconcile.Workflow, error)
}

// Entities is the part of Glue that reads jobs, crawlers and triggers.
type Entities interface {
	reconcile.Tags
	// ListEntities returns the names of all of the kind that carry every one of the tags; no tags means all.
	ListEntities(ctx context.Context, kind string, tags map[string]string) ([]string, error)
	// GetJobs and GetTriggers leave out the names that do not exist.
	GetJobs(ctx context.Context, names []string) (map[string]reconcile.Definition, error)
	GetTriggers(ctx context.Context, names []string) ([]reconcile.Trigger, error)
}

// Task is the PlanWorkflows Task. All fields are required.
type Task struct {
	Objects   reconcile.ReadWriter
	Workflows Workflows
	Entities  Entities
	Runs      reconcile.BlueprintRuns
	Preflight reconcile.Preflight
	// Stack is what the deployed stack adds to the tables' parameters.
	Stack plan.Stack
	// AccountID is the stack's account, which destination buckets must belong to.
	AccountID string
	// Concurrency is how many tables are worked on at the same time.
	Concurrency int
	// CallsPerSecond is how often all children of the Map together may call Glue.
	CallsPerSecond float64
	Log            *slog.Logger
}

// PlanWorkflows compares the loaded catalogs with what exists in Glue, and checks
// what the changes need to be there. It changes nothing but the execution's own files.
func (t *Task) PlanWorkflows(ctx context.Context, in reconcile.State) (reconcile.PlanState, error) {
	var file reconcile.DesiredFile
	if err := reconcile.ReadJSON(ctx, t.Objects, keys.Desired(in.Execution), &file); err != nil {
		return reconcile.PlanState{}, err
	}
	desired, policy, accounts := t.desire(file)
	file = reconcile.DesiredFile{} // large
	observed, err := t.takeInventory(ctx, desired, policy)
	if err != nil {
		return reconcile.PlanState{}, err
	}
	p := plan.New(desired, observed.workflows, observed.leftovers, policy)
	found, err := t.Preflight.Check(ctx, reconcile.PreflightInput{
		Plan: p, Workflows: len(observed.workflows), Triggers: observed.triggers, Jobs: observed.jobs, Accounts: accounts,
	})
	if err != nil {
		return reconcile.PlanState{}, err
	}
	if policy.Refused = found.Refused; len(policy.Refused) > 0 {
		p = plan.New(desired, observed.workflows, observed.leftovers, policy)
	}
	p.Unchecked = found.Unchecked
	for _, message := range p.Unchecked {
		t.Log.Warn("check not made", "check", message)
	}
	changes := p.ToApply()
	items, children := t.shard(in.Execution, changes)
	if err := reconcile.WriteJSON(ctx, t.Objects, keys.Plan(in.Execution), p); err != nil {
		return reconcile.PlanState{}, err
	}
	if err := reconcile.WriteJSON(ctx, t.Objects, keys.Changes(in.Execution), items); err != nil {
		return reconcile.PlanState{}, err
	}
	t.Log.Info("plan made", "tables", len(desired), "observed", len(observed.workflows), "to_apply", len(changes))
	return reconcile.PlanState{Changes: keys.Changes(in.Execution), ToApply: len(changes), Counts: p.Counts(), Concurrency: children}, nil
}

// desire resolves the valid catalogs. An invalid one is left out whole, so that
// none of its workflows is visible to this plan and none can be pruned. accounts
// are those that each catalog's buckets may belong to.
func (t *Task) desire(file reconcile.DesiredFile) (desired []plan.Desired, policy plan.Policy, accounts map[string][]string) {
	policy = plan.Policy{Catalogs: map[string]plan.Rules{}, Claims: file.Claims}
	accounts = map[string][]string{}
	for _, c := range file.Catalogs {
		if len(c.Problems) > 0 {
			continue
		}
		policy.Catalogs[plan.Owner(t.Stack.ArtifactsBucket, c.Name)] = c.Rules
		accounts[c.Name] = append([]string{t.AccountID}, c.BucketOwners...)
		blueprint := t.Stack.Blueprint
		if c.Blueprint != nil {
			blueprint = *c.Blueprint
			blueprint.Declares = c.Declares
		}
		desired = slices.Grow(desired, len(c.Tables))
		for _, table := range c.Tables {
			desired = append(desired, plan.NewDesired(t.Stack, blueprint, c.Name, table))
		}
	}
	return desired, policy, accounts
}

package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/landfall/landfall/internal/plan"
)

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

// PlanSettings is what the deployed stack says about plans.
type PlanSettings struct {
	plan.Stack
	// AccountID is the stack's account, which destination buckets must belong to.
	AccountID string
	// Concurrency is how many tables are worked on at the same time.
	Concurrency int
	// CallsPerSecond is how often all children of the Map together may call Glue.
	CallsPerSecond float64
}

// PlanWorkflows compares the loaded catalogs with what Glue holds, and checks
// what the changes need to be there. It changes nothing but the execution's own files.
func (r *Reconciler) PlanWorkflows(ctx context.Context, s PlanSettings, in State) (PlanState, error) {
	var file DesiredFile
	if err := r.getJSON(ctx, DesiredKey(in.Execution), &file); err != nil {
		return PlanState{}, err
	}
	desired, policy, accounts := desire(s, file)
	file = DesiredFile{} // large
	held, err := r.survey(ctx, s, desired, policy)
	if err != nil {
		return PlanState{}, err
	}
	p := plan.New(desired, held.observed, held.leftovers, policy)
	found, err := r.Preflight.Check(ctx, PreflightInput{Plan: p, Workflows: held.workflows, Triggers: held.triggers, Jobs: held.jobs, Accounts: accounts})
	if err != nil {
		return PlanState{}, err
	}
	policy.Refused, p.Unchecked = found.Refused, found.Unchecked
	if len(policy.Refused) > 0 {
		unchecked := p.Unchecked
		p = plan.New(desired, held.observed, held.leftovers, policy)
		p.Unchecked = unchecked
	}
	for _, message := range p.Unchecked {
		r.Log.Warn("check not made", "check", message)
	}
	apply := p.ToApply()
	items, concurrency := lanes(s, in.Execution, apply)
	if err := r.putJSON(ctx, PlanKey(in.Execution), p); err != nil {
		return PlanState{}, err
	}
	if err := r.putJSON(ctx, changesKey(in.Execution), items); err != nil {
		return PlanState{}, err
	}
	r.Log.Info("plan made", "tables", len(desired), "observed", len(held.observed), "to_apply", len(apply))
	return PlanState{Changes: changesKey(in.Execution), ToApply: len(apply), Counts: p.Counts(), Concurrency: concurrency}, nil
}

// An item of the Map is a lane: its child works on at most maxSlots tables at
// once, so that reading what Glue holds is one call for several, and on at most
// maxLane in all, so that its history stays far below Step Functions' 25,000
// events. Its bytes fit a state's 256 KiB, with room for the progress.
const (
	maxSlots     = 10
	maxLane      = 100
	maxLaneBytes = 200 << 10
	// maxChildren is Step Functions' limit of children at the same time, with room to spare.
	maxChildren = 1000
)

// lanes deals the changes out to items of about the same size, as few as there
// may be, in rounds of as many as work at the same time. Each has its share of the calls.
func lanes(s PlanSettings, execution string, changes []plan.Change) ([]ApplyInput, int) {
	concurrency := max(1, s.Concurrency)
	children := min(maxChildren, max(1, len(changes)), (concurrency+maxSlots-1)/maxSlots)
	slots := min(maxSlots, concurrency/children)
	rounds := max(1, (len(changes)+children*maxLane-1)/(children*maxLane))
	size := (len(changes) + children*rounds - 1) / (children * rounds)
	items := []ApplyInput{}
	bytes := 0
	for _, c := range changes {
		data, err := json.Marshal(c)
		if err != nil {
			panic(fmt.Sprintf("marshal a change: %v", err)) // it was made of JSON
		}
		last := len(items) - 1
		if last < 0 || len(items[last].Queue) >= size || bytes+len(data) > maxLaneBytes {
			items, bytes = append(items, ApplyInput{Execution: execution, Queue: []plan.Change{}, Items: []Item{}, Slots: slots}), 0
			last++
		}
		items[last].Queue = append(items[last].Queue, c)
		bytes += len(data)
	}
	for i := range items {
		items[i].CallsPerSecond = s.CallsPerSecond / float64(min(children, len(items)))
	}
	return items, children
}

// desire resolves the valid catalogs. An invalid one is left out whole, so that
// none of its workflows is visible to this plan and none can be pruned. accounts
// are those that each catalog's buckets may belong to.
func desire(s PlanSettings, file DesiredFile) (desired []plan.Desired, policy plan.Policy, accounts map[string][]string) {
	policy = plan.Policy{Catalogs: map[string]plan.Rules{}, Claims: file.Claims}
	accounts = map[string][]string{}
	for _, c := range file.Catalogs {
		if len(c.Problems) > 0 {
			continue
		}
		policy.Catalogs[plan.Owner(s.ArtifactsBucket, c.Name)] = c.Rules
		accounts[c.Name] = append([]string{s.AccountID}, c.BucketOwners...)
		blueprint := s.Blueprint
		if c.Blueprint != nil {
			blueprint = *c.Blueprint
			blueprint.Declares = c.Declares
		}
		desired = slices.Grow(desired, len(c.Tables))
		for _, t := range c.Tables {
			desired = append(desired, plan.NewDesired(s.Stack, blueprint, c.Name, t))
		}
	}
	return desired, policy, accounts
}

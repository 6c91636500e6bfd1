package reconcile

import (
	"context"
	"slices"

	"github.com/landfall/landfall/internal/plan"
)

// PlanState is PlanWorkflows' answer. The plan itself stays in S3: a state's
// payload holds 256 KiB, a plan of ten thousand tables does not fit.
type PlanState struct {
	// Changes is the key of the changes to apply, a JSON array.
	Changes string              `json:"changes"`
	ToApply int                 `json:"toApply"`
	Counts  map[plan.Action]int `json:"counts"`
}

// PlanWorkflows compares the loaded catalogs with the workflows that Glue
// holds. It changes nothing but the execution's own files.
func (r *Reconciler) PlanWorkflows(ctx context.Context, d plan.Deployment, in State) (PlanState, error) {
	var file desiredFile
	if err := r.getJSON(ctx, desiredKey(in.Execution), &file); err != nil {
		return PlanState{}, err
	}
	desired, policy := desire(d, file)
	names, err := r.Workflows.ListWorkflows(ctx)
	if err != nil {
		return PlanState{}, err
	}
	for _, w := range desired {
		// A listing is not promised to be complete at once after a create; the batch read is by name.
		names = append(names, w.Workflow)
	}
	slices.Sort(names)
	observed, err := r.Workflows.BatchGetWorkflows(ctx, slices.Compact(names))
	if err != nil {
		return PlanState{}, err
	}
	p := plan.New(desired, observed, policy)
	apply := p.ToApply()
	if err := r.putJSON(ctx, planKey(in.Execution), p); err != nil {
		return PlanState{}, err
	}
	if err := r.putJSON(ctx, changesKey(in.Execution), apply); err != nil {
		return PlanState{}, err
	}
	r.Log.Info("plan made", "tables", len(desired), "observed", len(observed), "to_apply", len(apply))
	return PlanState{Changes: changesKey(in.Execution), ToApply: len(apply), Counts: p.Counts()}, nil
}

// desire resolves the valid catalogs. An invalid one is left out whole, so that
// none of its workflows is visible to this plan and none can be pruned.
func desire(d plan.Deployment, file desiredFile) ([]plan.Desired, plan.Policy) {
	var desired []plan.Desired
	policy := plan.Policy{Catalogs: map[string]string{}, Prune: map[string]bool{}}
	for _, c := range file.Catalogs {
		if len(c.Problems) > 0 {
			continue
		}
		owner := plan.Owner(d.ArtifactsBucket, c.Name)
		policy.Catalogs[owner], policy.Prune[owner] = c.Name, c.Prune
		for _, t := range c.Tables {
			desired = append(desired, plan.NewDesired(d, c.Name, t))
		}
	}
	return desired, policy
}

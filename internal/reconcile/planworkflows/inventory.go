package planworkflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// inventory is what exists in Glue, as far as a plan needs it.
type inventory struct {
	workflows []plan.Workflow
	leftovers []plan.Leftovers
	// triggers and jobs are how many there are in the account.
	triggers, jobs int
	// used are the entities that some workflow's graph names.
	used map[plan.Entity]bool
	// jobsOf are the jobs that the graph of a finished workflow names.
	jobsOf map[string][]string
}

// workflowsInMemory is how many workflows are kept with their graphs at the same time.
const workflowsInMemory = 500

// takeInventory reads every workflow, and the names of all jobs, triggers and crawlers, in bulk.
func (t *Task) takeInventory(ctx context.Context, desired []plan.Desired, policy plan.Policy) (inventory, error) {
	v := inventory{used: map[plan.Entity]bool{}, jobsOf: map[string][]string{}}
	names, err := t.Workflows.ListWorkflows(ctx)
	if err != nil {
		return v, err
	}
	for _, d := range desired {
		// A listing is not promised to be complete at once after a create; the batch read is by name.
		names = append(names, d.Workflow)
	}
	slices.Sort(names)
	for chunk := range slices.Chunk(slices.Compact(names), workflowsInMemory) {
		workflows, err := t.Workflows.BatchGetWorkflows(ctx, chunk)
		if err != nil {
			return v, err
		}
		for _, w := range workflows {
			if w.Owner == "" && w.Fingerprint == "" && t.isOurBlueprint(w.Blueprint) {
				// A custom layout may keep no owner on the workflow; its blueprint run shows it.
				if w.Owner, err = t.ownership().RunOwner(ctx, w); err != nil {
					return v, err
				}
			}
			v.add(w)
		}
	}
	return v, t.addEntities(ctx, desired, policy, &v)
}

func (t *Task) ownership() reconcile.Ownership {
	return reconcile.Ownership{Runs: t.Runs, Tags: t.Entities}
}

// isOurBlueprint reports whether the blueprint is one of this stack, by its name: the shipped one, or a custom one.
func (t *Task) isOurBlueprint(name string) bool {
	shipped := t.Stack.Blueprint.Name
	return name == shipped || strings.HasPrefix(name, shipped+"-")
}

// add keeps what a plan needs of a workflow.
func (v *inventory) add(w reconcile.Workflow) {
	for _, name := range w.Jobs {
		v.used[plan.Entity{Kind: plan.JobEntity, Name: name}] = true
	}
	for _, name := range w.Crawlers {
		v.used[plan.Entity{Kind: plan.CrawlerEntity, Name: name}] = true
	}
	for _, t := range w.Triggers {
		v.used[plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}] = true
	}
	if w.Owner != "" && w.Fingerprint != "" {
		w.Broken = w.Problem()
		v.jobsOf[w.Name] = w.Jobs
	}
	v.workflows = append(v.workflows, w.Workflow)
}

// addEntities finds the jobs that are gone and the entities that no workflow uses.
func (t *Task) addEntities(ctx context.Context, desired []plan.Desired, policy plan.Policy, v *inventory) error {
	jobs, err := t.Entities.ListEntities(ctx, plan.JobEntity, nil)
	if err != nil {
		return err
	}
	triggers, err := t.Entities.ListEntities(ctx, plan.TriggerEntity, nil)
	if err != nil {
		return err
	}
	v.jobs, v.triggers = len(jobs), len(triggers)
	if err := t.findMissingJobs(ctx, jobs, policy, v); err != nil {
		return err
	}
	v.leftovers, err = t.findLeftovers(ctx, desired, policy, v, jobs, triggers)
	return err
}

// findMissingJobs marks the workflows of which a job is gone. What a listing lacks is read by name.
func (t *Task) findMissingJobs(ctx context.Context, listed []string, policy plan.Policy, v *inventory) error {
	exists := make(map[string]bool, len(listed))
	for _, name := range listed {
		exists[name] = true
	}
	var missing []string
	for _, w := range v.workflows {
		if _, covered := policy.Catalogs[w.Owner]; !covered {
			continue
		}
		for _, name := range v.jobsOf[w.Name] {
			if !exists[name] {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := t.Entities.GetJobs(ctx, missing)
	if err != nil {
		return err
	}
	for i := range v.workflows {
		w := &v.workflows[i]
		for _, name := range v.jobsOf[w.Name] {
			if w.Broken == "" && slices.Contains(missing, name) && found[name] == nil {
				w.Broken = fmt.Sprintf("job %q is gone", name)
			}
		}
	}
	return nil
}

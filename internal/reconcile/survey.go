package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

// holdings is what Glue holds, as far as a plan needs it.
type holdings struct {
	observed  []plan.Workflow
	leftovers []plan.Leftovers
	// workflows, triggers and jobs are how many there are in the account.
	workflows, triggers, jobs int
	// used are the entities that some workflow's graph names.
	used map[plan.Entity]bool
	// jobsOf are the jobs that the graph of a finished workflow names.
	jobsOf map[string][]string
}

// surveyChunk is how many workflows are kept whole at the same time.
const surveyChunk = 500

// survey reads every workflow, and the names of all jobs, triggers and crawlers, in bulk.
func (r *Reconciler) survey(ctx context.Context, s PlanSettings, desired []plan.Desired, policy plan.Policy) (holdings, error) {
	h := holdings{used: map[plan.Entity]bool{}, jobsOf: map[string][]string{}}
	names, err := r.Workflows.ListWorkflows(ctx)
	if err != nil {
		return h, err
	}
	for _, w := range desired {
		// A listing is not promised to be complete at once after a create; the batch read is by name.
		names = append(names, w.Workflow)
	}
	slices.Sort(names)
	for chunk := range slices.Chunk(slices.Compact(names), surveyChunk) {
		workflows, err := r.Workflows.BatchGetWorkflows(ctx, chunk)
		if err != nil {
			return h, err
		}
		for _, w := range workflows {
			if err := h.add(ctx, r, s, w); err != nil {
				return h, err
			}
		}
	}
	h.workflows = len(h.observed)
	return h, r.surveyEntities(ctx, s, desired, policy, &h)
}

// add keeps what a plan needs of a workflow.
func (h *holdings) add(ctx context.Context, r *Reconciler, s PlanSettings, w Workflow) error {
	for _, name := range w.Jobs {
		h.used[plan.Entity{Kind: plan.JobEntity, Name: name}] = true
	}
	for _, name := range w.Crawlers {
		h.used[plan.Entity{Kind: plan.CrawlerEntity, Name: name}] = true
	}
	for _, t := range w.Triggers {
		h.used[plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}] = true
	}
	if w.Owner == "" && w.Fingerprint == "" && s.madeBy(w.Blueprint) {
		// A user's layout keeps no owner; the blueprint run that made the workflow tells.
		owner, err := r.runOwner(ctx, w)
		if err != nil {
			return err
		}
		w.Owner = owner
	}
	if w.Owner != "" && w.Fingerprint != "" {
		w.Broken = broken(w)
		h.jobsOf[w.Name] = w.Jobs
	}
	h.observed = append(h.observed, w.Workflow)
	return nil
}

// madeBy tells a blueprint of this stack by its name: the shipped one, or a user's.
func (s PlanSettings) madeBy(blueprint string) bool {
	return blueprint == s.Blueprint.Name || strings.HasPrefix(blueprint, s.Blueprint.Name+"-")
}

// broken says what keeps a finished workflow from working, as its graph shows it.
func broken(w Workflow) string {
	start := false
	for _, t := range w.Triggers {
		switch t.State {
		case "DELETING":
			continue
		case "DEACTIVATED", "DEACTIVATING", "CREATED":
			if t.Type == scheduled || t.Type == conditional {
				return fmt.Sprintf("trigger %q is not active", t.Name)
			}
		}
		start = start || t.Type != conditional
	}
	if !start {
		return "its start trigger is gone"
	}
	return ""
}

// surveyEntities finds jobs that are gone and entities that no workflow holds.
func (r *Reconciler) surveyEntities(ctx context.Context, s PlanSettings, desired []plan.Desired, policy plan.Policy, h *holdings) error {
	jobs, err := r.Entities.List(ctx, plan.JobEntity, nil)
	if err != nil {
		return err
	}
	triggers, err := r.Entities.List(ctx, plan.TriggerEntity, nil)
	if err != nil {
		return err
	}
	h.jobs, h.triggers = len(jobs), len(triggers)
	if err := r.missingJobs(ctx, jobs, policy, h); err != nil {
		return err
	}
	l := newLeftoverSearch(desired, policy, h)
	for owner := range policy.Catalogs {
		for _, kind := range []string{plan.JobEntity, plan.CrawlerEntity} {
			tagged, err := r.Entities.List(ctx, kind, map[string]string{plan.OwnerMark: TagValue(owner)})
			if err != nil {
				return err
			}
			for _, name := range tagged {
				if err := r.suspect(ctx, l, plan.Entity{Kind: kind, Name: name}, owner); err != nil {
					return err
				}
			}
		}
	}
	for _, name := range jobs {
		if plan.Unstage(name) == name {
			continue
		}
		if err := r.suspect(ctx, l, plan.Entity{Kind: plan.JobEntity, Name: name}, ""); err != nil {
			return err
		}
	}
	if err := r.suspectTriggers(ctx, s, l, triggers); err != nil {
		return err
	}
	h.leftovers = l.list()
	return nil
}

// missingJobs marks the workflows of which a job is gone. What a listing lacks is asked for by name.
func (r *Reconciler) missingJobs(ctx context.Context, listed []string, policy plan.Policy, h *holdings) error {
	exists := make(map[string]bool, len(listed))
	for _, name := range listed {
		exists[name] = true
	}
	var missing []string
	for i := range h.observed {
		w := &h.observed[i]
		if _, covered := policy.Catalogs[w.Owner]; !covered {
			continue
		}
		for _, name := range h.jobsOf[w.Name] {
			if !exists[name] {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := r.Entities.GetJobs(ctx, missing)
	if err != nil {
		return err
	}
	for i := range h.observed {
		w := &h.observed[i]
		for _, name := range h.jobsOf[w.Name] {
			if w.Broken == "" && slices.Contains(missing, name) && found[name] == nil {
				w.Broken = fmt.Sprintf("job %q is gone", name)
			}
		}
	}
	return nil
}

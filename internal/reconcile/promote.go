package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/landfall/landfall/internal/plan"
)

// load reads the definitions of what two workflows are made of, in one call of each kind.
func (r *Reconciler) load(ctx context.Context, live, staged Workflow) (to, from parts, err error) {
	to, from = parts{Workflow: live, triggers: map[string]Trigger{}}, parts{Workflow: staged, triggers: map[string]Trigger{}}
	var names []string
	for _, t := range slices.Concat(live.Triggers, staged.Triggers) {
		names = append(names, t.Name)
	}
	triggers, err := r.Entities.GetTriggers(ctx, names)
	if err != nil {
		return to, from, err
	}
	for _, t := range triggers {
		if t.Workflow == staged.Name {
			from.triggers[t.Name] = t
		} else {
			to.triggers[t.Name] = t
		}
	}
	jobs, err := r.Entities.GetJobs(ctx, slices.Concat(live.Jobs, staged.Jobs))
	if err != nil {
		return to, from, err
	}
	crawlers, err := r.Entities.GetCrawlers(ctx, slices.Concat(live.Crawlers, staged.Crawlers))
	if err != nil {
		return to, from, err
	}
	to.jobs, to.crawlers = only(jobs, live.Jobs), only(crawlers, live.Crawlers)
	from.jobs, from.crawlers = only(jobs, staged.Jobs), only(crawlers, staged.Crawlers)
	return to, from, nil
}

func only(of map[string]Definition, names []string) map[string]Definition {
	found := map[string]Definition{}
	for _, name := range names {
		if d, ok := of[name]; ok {
			found[name] = d
		}
	}
	return found
}

// promote makes the live workflow what the staged one is, one idempotent step
// after the other, so that it works at every moment: first what is new, then
// what changed, the start trigger last; what is no longer made goes when no
// workflow run needs it; the fingerprint is the commit mark.
func (r *Reconciler) promote(ctx context.Context, c plan.Change, p Progress, live, staged Workflow) (Progress, error) {
	to, from, err := r.load(ctx, live, staged)
	if err != nil {
		return p, err
	}
	for _, name := range staged.Jobs {
		if from.jobs[name] == nil {
			return p, failTable("job %q of the staging workflow is gone; start the state machine again", name)
		}
	}
	t, err := merge(c, to, from)
	if err != nil {
		return p, err
	}
	if err := r.markUpdating(ctx, c, live, t); err != nil {
		return p, err
	}
	if err := r.promoteEntities(ctx, c, t, to); err != nil {
		return p, err
	}
	if settled, err := r.promoteTriggers(ctx, c, &p, t, to); err != nil || !settled {
		return p.wait("bringing the triggers in step", triggersChange), err
	}
	if len(t.drop) > 0 {
		return r.dropRest(ctx, c, p, live, t)
	}
	tags, err := r.wantedTags(ctx, c, t, staged)
	if err != nil {
		return p, err
	}
	if err := r.promoteTags(ctx, tags, tagNames(live.Parameters)); err != nil {
		return p, err
	}
	done := live
	done.Description, done.Properties = t.rename(staged.Description), map[string]string{}
	for name, value := range staged.Properties {
		done.Properties[name] = t.rename(value)
	}
	if err := r.finish(ctx, c, done); err != nil {
		return p, err
	}
	p.Promoted = true
	return p.wait("removing the staging workflow", now), nil
}

func (r *Reconciler) promoteEntities(ctx context.Context, c plan.Change, t target, live parts) error {
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		d := t.jobs[name]
		err := error(nil)
		if live.jobs[name] == nil {
			err = r.Entities.CreateJob(ctx, name, d, r.ownTags(c)) // the others come last
		}
		if live.jobs[name] != nil && !live.jobs[name].equal(d) || errors.Is(err, ErrAlreadyExists) {
			err = r.Entities.UpdateJob(ctx, name, d)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.crawlers)) {
		d := t.crawlers[name]
		err := error(nil)
		if live.crawlers[name] == nil {
			err = r.Entities.CreateCrawler(ctx, name, d, r.ownTags(c))
		}
		if live.crawlers[name] != nil && !live.crawlers[name].equal(d) || errors.Is(err, ErrAlreadyExists) {
			err = r.Entities.UpdateCrawler(ctx, name, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// markUpdating says on the workflow, before it is changed, that it is being
// changed and which jobs and crawlers it will have meanwhile: its graph names
// them only once a trigger starts them.
func (r *Reconciler) markUpdating(ctx context.Context, c plan.Change, live Workflow, t target) error {
	marked := live.Fingerprint == plan.Updating
	for _, both := range []struct {
		held *[]string
		want []string
	}{
		{&live.Jobs, slices.Sorted(maps.Keys(t.jobs))}, {&live.Crawlers, slices.Sorted(maps.Keys(t.crawlers))},
	} {
		for _, name := range both.want {
			if !slices.Contains(*both.held, name) {
				*both.held, marked = append(slices.Clone(*both.held), name), false
			}
		}
	}
	if marked {
		return nil
	}
	live.Owner, live.Table, live.Fingerprint = c.Owner, c.Table, plan.Updating
	return r.Workflows.FinishWorkflow(ctx, live)
}

// dropRest removes what the layout no longer makes: triggers first, so that
// nothing is started that is gone. Cut off in between, the owner's tag, which
// jobs and crawlers get here if they lack it, tells the next plan what is left.
func (r *Reconciler) dropRest(ctx context.Context, c plan.Change, p Progress, live Workflow, t target) (Progress, error) {
	if live.RunID != "" {
		return p.wait("waiting for the running workflow to end, to remove what is no longer made", workflowRun), nil
	}
	for _, e := range t.drop {
		if e.Kind == plan.TriggerEntity {
			continue
		}
		if err := r.Entities.SetTags(ctx, e.Kind, e.Name, r.ownTags(c), nil); err != nil && !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	for _, kind := range []string{plan.TriggerEntity, plan.JobEntity, plan.CrawlerEntity} {
		for _, e := range t.drop {
			if e.Kind != kind || live.deleting(e) {
				continue
			}
			if err := r.deleteEntity(ctx, e); err != nil {
				return p, err
			}
		}
	}
	return p.wait("removing what is no longer made", triggersGo), nil
}

// deleting tells that the entity is a trigger that is on its way out.
func (w Workflow) deleting(e plan.Entity) bool {
	return e.Kind == plan.TriggerEntity && slices.ContainsFunc(w.Triggers, func(t Trigger) bool { return t.Name == e.Name && t.State == "DELETING" })
}

// finish writes the commit mark.
func (r *Reconciler) finish(ctx context.Context, c plan.Change, w Workflow) error {
	w.Owner, w.Table, w.Fingerprint, w.Parameters = c.Owner, c.Table, c.Fingerprint, ""
	if parameters := c.Parameters.JSON(); len(parameters) <= maxKeptParameters {
		w.Parameters = parameters
	}
	return r.Workflows.FinishWorkflow(ctx, w)
}

// maxKeptParameters bounds what is kept on the workflow to show what an update
// changes. Glue documents no limit for a run property.
const maxKeptParameters = 8 << 10

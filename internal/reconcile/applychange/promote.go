package applychange

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// definedKinds are the kinds of entities that triggers start.
var definedKinds = []string{plan.JobEntity, plan.CrawlerEntity}

// namesOf are the jobs or the crawlers of the workflow's graph.
func namesOf(w *reconcile.Workflow, kind string) *[]string {
	if kind == plan.JobEntity {
		return &w.Jobs
	}
	return &w.Crawlers
}

// load reads the definitions of what the two workflows are made of, in one call of
// each kind. Of the live one it leaves out the jobs and crawlers that are not ours.
func (o *operation) load(ctx context.Context) (live, staged made, err error) {
	live, staged = newMade(o.live), newMade(o.staged)
	for _, kind := range definedKinds {
		ours, foreign, err := o.owned(ctx, o.live, entities(kind, *namesOf(&o.live, kind)))
		if err != nil {
			return live, staged, err
		}
		if len(foreign) > 0 {
			o.task.Log.Info("not changed: not made by Landfall", "workflow", o.live.Name, "entities", describe(foreign))
		}
		names := []string{}
		for _, e := range ours {
			names = append(names, e.Name)
		}
		*namesOf(&live.Workflow, kind) = names
		definitions, err := o.task.Entities.GetEntities(ctx, kind, slices.Concat(names, *namesOf(&o.staged, kind)))
		if err != nil {
			return live, staged, err
		}
		for _, m := range []*made{&live, &staged} {
			for _, name := range *namesOf(&m.Workflow, kind) {
				if d, ok := definitions[name]; ok {
					m.definitions[plan.Entity{Kind: kind, Name: name}] = d
				}
			}
		}
	}
	var names []string
	for _, t := range slices.Concat(live.Triggers, staged.Triggers) {
		names = append(names, t.Name)
	}
	triggers, err := o.task.Triggers.GetTriggers(ctx, names)
	if err != nil {
		return live, staged, err
	}
	for _, t := range triggers {
		if t.Workflow == staged.Name {
			staged.triggers[t.Name] = t
		} else {
			live.triggers[t.Name] = t
		}
	}
	return live, staged, nil
}

// promote makes the live workflow what the staged one is, one idempotent step
// after the other, so that it works at every moment: first what is new, then
// what changed, the start trigger last; what is no longer made goes when no
// workflow run needs it; the fingerprint is the commit mark.
func (o *operation) promote(ctx context.Context) error {
	live, staged, err := o.load(ctx)
	if err != nil {
		return err
	}
	for _, name := range staged.Jobs {
		if staged.definitions[plan.Entity{Kind: plan.JobEntity, Name: name}] == nil {
			return failTable("job %q of the staging workflow is gone; start the state machine again", name)
		}
	}
	t, err := merge(o.change, live, staged)
	if err != nil {
		return err
	}
	// What nobody but a person made stays.
	if t.drop, _, err = o.owned(ctx, o.live, t.drop); err != nil {
		return err
	}
	if o.isAdopting() {
		// Nothing shows yet which of these a person added: none is tagged, so that they stay.
		t.drop = slices.DeleteFunc(t.drop, func(e plan.Entity) bool { return e.Kind != plan.TriggerEntity })
	}
	if err := o.markUpdating(ctx, live, t); err != nil {
		return err
	}
	if err := o.promoteEntities(ctx, live, t); err != nil {
		return err
	}
	if settled, err := o.promoteTriggers(ctx, live, t); err != nil || !settled {
		o.progress.wait(UpdatingTriggers)
		return err
	}
	if len(t.drop) > 0 {
		return o.dropRest(ctx, t)
	}
	if err := o.promoteTags(ctx, t, tagKeys(o.live.Parameters)); err != nil {
		return err
	}
	done := live.Workflow
	done.Description, done.Properties = t.rename(o.staged.Description), map[string]string{}
	for name, value := range o.staged.Properties {
		done.Properties[name] = t.rename(value)
	}
	if err := o.finish(ctx, done); err != nil {
		return err
	}
	o.progress.Promoted = true
	o.progress.wait(RemovingStaged)
	return nil
}

// promoteEntities creates the jobs and crawlers that are new and updates those that differ.
func (o *operation) promoteEntities(ctx context.Context, live made, t target) error {
	for _, e := range t.sorted() {
		definition, observed := t.definitions[e], live.definitions[e]
		if observed == nil {
			err := o.task.Entities.CreateEntity(ctx, e.Kind, e.Name, definition, o.ownerTags()) // the other tags come last
			if err == nil {
				continue
			}
			if !errors.Is(err, reconcile.ErrAlreadyExists) {
				return err
			}
		}
		if observed == nil || !equal(observed, definition) {
			if err := o.update(ctx, o.live, e, definition); err != nil {
				return err
			}
		}
	}
	return nil
}

// markUpdating says on the workflow, before it is changed, that it is being
// changed and which jobs and crawlers it will have meanwhile: its graph names
// them only once a trigger starts them.
func (o *operation) markUpdating(ctx context.Context, live made, t target) error {
	marked := live.Fingerprint == plan.Updating
	w := live.Workflow
	for _, e := range t.sorted() {
		if names := namesOf(&w, e.Kind); !slices.Contains(*names, e.Name) {
			*names, marked = append(slices.Clone(*names), e.Name), false
		}
	}
	if marked {
		return nil
	}
	claimed := started(o.live)
	if o.change.Adopt || !o.isShipped() || o.live.Table != o.change.Table {
		claimed = parts(o.live)
	}
	if o.isAdopting() {
		claimed = slices.DeleteFunc(claimed, func(e plan.Entity) bool { return e.Kind != plan.TriggerEntity && t.definitions[e] == nil })
	}
	if err := o.claimEntities(ctx, o.live, claimed, o.change.Owner, o.change.Table); err != nil {
		return err
	}
	w.Owner, w.Table, w.Fingerprint = o.change.Owner, o.change.Table, plan.Updating
	return o.task.Workflows.FinishWorkflow(ctx, w)
}

// isAdopting reports whether the live workflow is one that nobody owns until it is marked.
func (o *operation) isAdopting() bool { return o.change.Adopt && o.live.Owner == "" }

// dropRest removes what the layout no longer makes: triggers first, so that
// nothing is started that is gone. Cut off in between, the owner's tag shows the
// next plan what is left.
func (o *operation) dropRest(ctx context.Context, t target) error {
	if o.live.RunID != "" {
		o.progress.wait(AwaitingRunToDrop)
		return nil
	}
	for _, kind := range append([]string{plan.TriggerEntity}, definedKinds...) {
		for _, e := range t.drop {
			if e.Kind != kind || isDeleting(o.live, e) {
				continue
			}
			if err := o.delete(ctx, o.live, e); err != nil {
				return err
			}
		}
	}
	o.progress.wait(DroppingEntities)
	return nil
}

// isDeleting reports whether the entity is a trigger that is being deleted.
func isDeleting(w reconcile.Workflow, e plan.Entity) bool {
	return e.Kind == plan.TriggerEntity && slices.ContainsFunc(w.Triggers, func(t reconcile.Trigger) bool {
		return t.Name == e.Name && t.State == reconcile.TriggerDeleting
	})
}

// sorted are the jobs, then the crawlers of the target.
func (t target) sorted() []plan.Entity {
	return slices.SortedFunc(maps.Keys(t.definitions), compareEntities)
}

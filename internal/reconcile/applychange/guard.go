package applychange

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// guard stands before every write to a workflow, job, crawler or trigger that
// exists: it asks ownership first, and fails the table when the thing is not ours.
// A workflow is checked when it has been read, its parts before each write.
type guard struct {
	task      *Task
	claim     reconcile.Claim
	ownership reconcile.Ownership
	tags      tagCache
}

func newGuard(t *Task, claim reconcile.Claim) *guard {
	tags := tagCache{from: t.Tags, read: map[plan.Entity]map[string]string{}}
	return &guard{task: t, claim: claim, tags: tags, ownership: reconcile.Ownership{Runs: t.Blueprints, Tags: tags}}
}

// tagCache reads the tags of an entity once per step.
type tagCache struct {
	from reconcile.Tags
	read map[plan.Entity]map[string]string
}

// Tags implements reconcile.Tags.
func (c tagCache) Tags(ctx context.Context, kind, name string) (map[string]string, error) {
	e := plan.Entity{Kind: kind, Name: name}
	if tags, ok := c.read[e]; ok {
		return tags, nil
	}
	tags, err := c.from.Tags(ctx, kind, name)
	if err == nil {
		c.read[e] = tags
	}
	return tags, err
}

// setTags changes the tags of what is known to be ours.
func (g *guard) setTags(ctx context.Context, e plan.Entity, set map[string]string, remove []string) error {
	delete(g.tags.read, e)
	return g.task.Tags.SetTags(ctx, e.Kind, e.Name, set, remove)
}

// checkWorkflow fails the table unless the workflow is ours.
func (g *guard) checkWorkflow(ctx context.Context, w reconcile.Workflow) error {
	ours, err := g.ownership.OwnsWorkflow(ctx, g.claim, w)
	if err == nil && !ours {
		return failTable("workflow %q exists and does not belong to this catalog; nothing of it was touched. Give the table another WorkflowName", w.Name)
	}
	return err
}

// check fails the table unless the entity of the workflow is ours.
func (g *guard) check(ctx context.Context, w reconcile.Workflow, e plan.Entity) error {
	ours, err := g.ownership.OwnsEntity(ctx, g.claim, w, e)
	if err == nil && !ours {
		return failTable("%s %q of workflow %q was not made by Landfall for this table, and was not touched. Rename it or take it out of the workflow, and start the state machine again", e.Kind, e.Name, w.Name)
	}
	return err
}

// update changes an entity in place.
func (g *guard) update(ctx context.Context, w reconcile.Workflow, e plan.Entity, d reconcile.Definition) error {
	if err := g.check(ctx, w, e); err != nil {
		return err
	}
	return g.task.Entities.UpdateEntity(ctx, e.Kind, e.Name, d)
}

// delete deletes an entity.
func (g *guard) delete(ctx context.Context, w reconcile.Workflow, e plan.Entity) error {
	if err := g.check(ctx, w, e); err != nil {
		return err
	}
	return g.task.Entities.DeleteEntity(ctx, e.Kind, e.Name)
}

func (g *guard) startTrigger(ctx context.Context, w reconcile.Workflow, name string) error {
	if err := g.check(ctx, w, trigger(name)); err != nil {
		return err
	}
	return g.task.Triggers.StartTrigger(ctx, name)
}

func (g *guard) stopTrigger(ctx context.Context, w reconcile.Workflow, name string) error {
	if err := g.check(ctx, w, trigger(name)); err != nil {
		return err
	}
	return g.task.Triggers.StopTrigger(ctx, name)
}

// owned returns the entities of the workflow that are ours, and the others.
func (g *guard) owned(ctx context.Context, w reconcile.Workflow, entities []plan.Entity) (ours, foreign []plan.Entity, err error) {
	for _, e := range entities {
		isOurs, err := g.ownership.OwnsEntity(ctx, g.claim, w, e)
		if err != nil {
			return nil, nil, err
		}
		if isOurs {
			ours = append(ours, e)
		} else {
			foreign = append(foreign, e)
		}
	}
	return ours, foreign, nil
}

// claimEntities tags those entities of a workflow that are ours by weaker evidence
// than the owner and table tags, before the evidence goes: a workflow that gets
// another table keeps its jobs.
func (g *guard) claimEntities(ctx context.Context, w reconcile.Workflow, of []plan.Entity, owner, table string) error {
	ours, _, err := g.owned(ctx, w, of)
	if err != nil {
		return err
	}
	for _, e := range ours {
		tags, err := g.tags.Tags(ctx, e.Kind, e.Name)
		want := reconcile.OwnerTags(owner, table)
		if errors.Is(err, reconcile.ErrNotFound) || err == nil && tags[plan.OwnerMark] == want[plan.OwnerMark] && tags[plan.TableMark] == want[plan.TableMark] {
			continue
		}
		if err != nil {
			return err
		}
		if err := g.setTags(ctx, e, want, nil); err != nil {
			return err
		}
	}
	return nil
}

func trigger(name string) plan.Entity { return plan.Entity{Kind: plan.TriggerEntity, Name: name} }

func entities(kind string, names []string) []plan.Entity {
	var all []plan.Entity
	for _, name := range names {
		all = append(all, plan.Entity{Kind: kind, Name: name})
	}
	return all
}

// started are the jobs and crawlers that the workflow's graph names.
func started(w reconcile.Workflow) []plan.Entity {
	return slices.Concat(entities(plan.JobEntity, w.Jobs), entities(plan.CrawlerEntity, w.Crawlers))
}

// parts are the jobs, crawlers and triggers that the workflow's graph names, but for triggers that are being deleted.
func parts(w reconcile.Workflow) []plan.Entity {
	all := started(w)
	for _, t := range w.Triggers {
		if t.State != reconcile.TriggerDeleting {
			all = append(all, trigger(t.Name))
		}
	}
	return all
}

// describe names entities in a message.
func describe(of []plan.Entity) string {
	names := map[string]bool{}
	for _, e := range of {
		names[fmt.Sprintf("%s %q", e.Kind, e.Name)] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " and ")
}

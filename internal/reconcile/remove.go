package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

// leftoverInTheWay tells a name taken by a leftover from other failures, by
// Glue's two texts for it (glue.md §1.7).
func leftoverInTheWay(message string) bool {
	return strings.Contains(message, "already exists") || strings.Contains(message, "already submitted")
}

// removeStartTrigger clears the start trigger that a deleted workflow left
// behind, if a blueprint or this catalog made it and its workflow is gone.
func (r *Reconciler) removeStartTrigger(ctx context.Context, c plan.Change, workflow string) error {
	triggers, err := r.Entities.GetTriggers(ctx, []string{workflow + startSuffix})
	if err != nil || len(triggers) == 0 {
		return err
	}
	tags, err := r.Entities.Tags(ctx, plan.TriggerEntity, triggers[0].Name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if triggers[0].Workflow != workflow || tags[blueprintTag] != c.Blueprint.Name && tags[plan.OwnerMark] != TagValue(c.Owner) {
		return nil
	}
	held, err := r.Workflows.BatchGetWorkflows(ctx, []string{workflow})
	if err != nil || len(held) > 0 {
		return err
	}
	return r.Entities.DeleteTrigger(ctx, triggers[0].Name)
}

// startSuffix ends the name that Glue's library gives a start trigger, and
// blueprintTag is the tag that Glue puts on the triggers of a blueprint run (glue.md §1.8).
const (
	startSuffix  = "_starting_trigger"
	blueprintTag = "BlueprintName"
)

// giveUp removes what a failed attempt has made and then fails the table. A
// live workflow that works is left as it was.
func (r *Reconciler) giveUp(ctx context.Context, c plan.Change, p Progress, w, staged Workflow) (Progress, error) {
	p.RunID = ""
	switch {
	case staged.Name != "":
		return r.remove(ctx, c, staged, p)
	case w.Name != "" && p.Discard:
		return r.remove(ctx, c, w, p)
	}
	return p, failTable("%s", p.Failure)
}

// sweep removes what no workflow holds.
func (r *Reconciler) sweep(ctx context.Context, c plan.Change, p Progress, live, staged Workflow) (Progress, error) {
	inUse := map[plan.Entity]bool{}
	for _, w := range []Workflow{live, staged} {
		for _, name := range w.Jobs {
			inUse[plan.Entity{Kind: plan.JobEntity, Name: name}] = true
		}
		for _, name := range w.Crawlers {
			inUse[plan.Entity{Kind: plan.CrawlerEntity, Name: name}] = true
		}
		for _, t := range w.Triggers {
			inUse[plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}] = true
		}
	}
	for _, e := range c.Leftovers {
		if inUse[e] {
			continue
		}
		if err := r.deleteEntity(ctx, e); err != nil {
			return p, err
		}
	}
	p.Swept = true
	return p.wait("removing what an earlier attempt left", triggersGo), nil
}

func (r *Reconciler) deleteEntity(ctx context.Context, e plan.Entity) error {
	switch e.Kind {
	case plan.JobEntity:
		return r.Entities.DeleteJob(ctx, e.Name)
	case plan.CrawlerEntity:
		return r.Entities.DeleteCrawler(ctx, e.Name)
	default:
		return r.Entities.DeleteTrigger(ctx, e.Name)
	}
}

// remove deletes a workflow with its triggers, jobs and crawlers. Jobs go
// before the triggers that name them, and the workflow, which carries the
// owner, goes last: cut off at any point, the next turn finds the rest.
func (r *Reconciler) remove(ctx context.Context, c plan.Change, w Workflow, p Progress) (Progress, error) {
	if w.RunID != "" && !(c.StopRunning && c.Action == plan.Delete) {
		return p.wait("waiting for the running workflow to end", workflowRun), nil
	}
	if w.RunID != "" {
		if err := r.Workflows.StopWorkflowRun(ctx, w.Name, w.RunID); err != nil && !errors.Is(err, ErrRefused) {
			return p, err
		}
		return p.wait("stopping the running workflow", triggersGo), nil
	}
	if ended := p.Promoted && p.RunID == w.BlueprintRunID; w.Fingerprint == "" && w.BlueprintRunID != "" && !ended {
		going, err := r.runGoesOn(ctx, w)
		if err != nil {
			return p, err
		}
		if going {
			return p.wait("waiting for an earlier blueprint run to end", blueprintRun), nil
		}
		// The run may have made its job and trigger after the workflow was read.
		again, err := r.Workflows.BatchGetWorkflows(ctx, []string{w.Name})
		if err != nil {
			return p, err
		}
		if len(again) == 0 {
			return p.wait("looking again", now), nil
		}
		w = again[0]
	}
	// The schedule first: what it started meanwhile is seen at the next turn, before anything is taken away.
	if stopped, err := r.stopTriggers(ctx, w, scheduled); err != nil || stopped {
		return p.wait("stopping the schedule", triggersChange), err
	}
	if _, err := r.stopTriggers(ctx, w, conditional); err != nil {
		return p, err
	}
	if err := r.deleteParts(ctx, w, p); err != nil {
		return p, err
	}
	if len(w.Triggers) > 0 {
		return p.wait(stepTriggersGo, triggersGo), nil
	}
	if err := r.Workflows.DeleteWorkflow(ctx, w.Name); err != nil {
		return p, err
	}
	return p.wait("deleting the workflow", now), nil
}

// stepTriggersGo is the step in which all that a workflow is made of has been deleted, and Glue is not done with it.
const stepTriggersGo = "waiting for the triggers to be deleted"

// deleteParts deletes the jobs and crawlers of a workflow, then its triggers. The
// graph names the jobs for as long as a trigger is there, which takes minutes:
// what this execution has deleted is not deleted at every look again. A trigger
// that is still there, or came, means that it has not got through.
func (r *Reconciler) deleteParts(ctx context.Context, w Workflow, p Progress) error {
	remain := slices.DeleteFunc(slices.Clone(w.Triggers), func(t Trigger) bool { return t.State == "DELETING" })
	if p.Step == stepTriggersGo && len(remain) == 0 {
		return nil
	}
	for _, name := range w.Jobs {
		if err := r.Entities.DeleteJob(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range w.Crawlers {
		if err := r.Entities.DeleteCrawler(ctx, name); err != nil {
			return err
		}
	}
	// One trigger of a workflow at a time: Glue refuses overlapping changes.
	for _, t := range remain {
		if err := r.Entities.DeleteTrigger(ctx, t.Name); err != nil {
			return err
		}
	}
	return nil
}

// stopTriggers stops the active triggers of a type and tells whether there were any.
func (r *Reconciler) stopTriggers(ctx context.Context, w Workflow, kind string) (bool, error) {
	stopped := false
	for _, t := range w.Triggers {
		if t.Type != kind || t.State != "ACTIVATED" {
			continue
		}
		if err := r.Entities.StopTrigger(ctx, t.Name); err != nil && !errors.Is(err, ErrRefused) {
			return false, err
		}
		stopped = true
	}
	return stopped, nil
}

// runGoesOn tells whether the blueprint run that made the workflow may still make something of it.
func (r *Reconciler) runGoesOn(ctx context.Context, w Workflow) (bool, error) {
	run, err := r.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	going := run.State == "RUNNING" || run.State == "ROLLING_BACK"
	return going && r.Now().Sub(run.StartedAt) < hungRun, nil
}

package applychange

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// isNameTaken distinguishes a name that a leftover has from other failures, by
// Glue's two texts for it.
func isNameTaken(message string) bool {
	return strings.Contains(message, "already exists") || strings.Contains(message, "already submitted")
}

// removeStartTrigger deletes the start trigger that a deleted workflow left
// behind, if it is ours and its workflow is gone.
func (o *operation) removeStartTrigger(ctx context.Context, workflow string) error {
	triggers, err := o.task.Triggers.GetTriggers(ctx, []string{workflow + reconcile.StartTriggerSuffix})
	if err != nil || len(triggers) == 0 || triggers[0].Workflow != workflow {
		return err
	}
	e := trigger(triggers[0].Name)
	if ours, err := o.ownership.OwnsLeftover(ctx, o.claim, e); err != nil || !ours {
		return err
	}
	observed, err := o.task.Workflows.BatchGetWorkflows(ctx, []string{workflow})
	if err != nil || len(observed) > 0 {
		return err
	}
	return o.task.Entities.DeleteEntity(ctx, e.Kind, e.Name)
}

// discardAttempt removes what a failed attempt has made and then fails the table.
// A live workflow that works is left as it was.
func (o *operation) discardAttempt(ctx context.Context) error {
	o.progress.RunID = ""
	switch {
	case o.staged.Name != "":
		return o.remove(ctx, o.staged)
	case o.live.Name != "" && o.progress.Discard:
		return o.remove(ctx, o.live)
	}
	return failTable("%s", o.progress.Failure)
}

// sweep removes leftovers: what is ours and no workflow uses.
func (o *operation) sweep(ctx context.Context) error {
	used := slices.Concat(parts(o.live), parts(o.staged))
	for _, e := range o.change.Leftovers {
		if slices.Contains(used, e) {
			continue
		}
		ours, err := o.ownership.OwnsLeftover(ctx, o.claim, e)
		if err != nil {
			return err
		}
		if !ours {
			o.task.Log.Warn("leftover kept: it is no longer Landfall's", "kind", e.Kind, "name", e.Name)
			continue
		}
		if err := o.task.Entities.DeleteEntity(ctx, e.Kind, e.Name); err != nil {
			return err
		}
	}
	o.progress.Swept = true
	o.progress.wait(RemovingLeftovers)
	return nil
}

// remove deletes a workflow with its triggers, jobs and crawlers. Jobs go
// before the triggers that name them, and the workflow, which carries the
// owner, goes last: cut off at any point, the next step finds the rest. A
// workflow that contains something that is not ours is not removed.
func (o *operation) remove(ctx context.Context, w reconcile.Workflow) error {
	p := o.progress
	if w.RunID != "" && !(o.change.StopRunning && o.change.Action == plan.Delete) {
		p.wait(AwaitingRunToRemove)
		return nil
	}
	if ended := p.Promoted && p.RunID == w.BlueprintRunID; w.Fingerprint == "" && w.BlueprintRunID != "" && !ended && w.RunID == "" {
		goesOn, err := o.blueprintRunGoesOn(ctx, w)
		if err != nil {
			return err
		}
		if goesOn {
			p.wait(AwaitingBlueprintRun)
			return nil
		}
		// The run may have made its job and trigger after the workflow was read.
		again, err := o.task.Workflows.BatchGetWorkflows(ctx, []string{w.Name})
		if err != nil {
			return err
		}
		if len(again) == 0 {
			p.wait(ReadingAgain)
			return nil
		}
		w = again[0]
		if err := o.checkWorkflow(ctx, w); err != nil {
			return err
		}
	}
	remain := parts(w)
	if p.Step != DeletingTriggers || w.RunID != "" || slices.ContainsFunc(remain, func(e plan.Entity) bool { return e.Kind == plan.TriggerEntity }) {
		// The graph names the jobs for as long as a trigger is there, which takes minutes: what this execution has
		// deleted is not deleted at every poll again. A trigger that is still there, or came, shows that it has not got through.
		if waits, err := o.removeParts(ctx, w, remain); err != nil || waits {
			return err
		}
	}
	if len(w.Triggers) > 0 {
		p.wait(DeletingTriggers)
		return nil
	}
	if err := o.task.Workflows.DeleteWorkflow(ctx, w.Name); err != nil {
		return err
	}
	p.wait(DeletingWorkflow)
	return nil
}

// removeParts stops what may still start and deletes what the workflow is made
// of. It reports whether something must be waited for first.
func (o *operation) removeParts(ctx context.Context, w reconcile.Workflow, remain []plan.Entity) (waits bool, err error) {
	_, foreign, err := o.owned(ctx, w, remain)
	if err != nil {
		return false, err
	}
	if len(foreign) > 0 {
		return false, o.keepForeign(w, foreign)
	}
	if w.RunID != "" {
		if err := o.task.Workflows.StopWorkflowRun(ctx, w.Name, w.RunID); err != nil && !errors.Is(err, reconcile.ErrRefused) {
			return false, err
		}
		o.progress.wait(StoppingRun)
		return true, nil
	}
	// The schedule first: what it started meanwhile is seen in the next step, before anything is taken away.
	if stopped, err := o.stopTriggers(ctx, w, reconcile.Scheduled); err != nil || stopped {
		o.progress.wait(StoppingSchedule)
		return true, err
	}
	if _, err := o.stopTriggers(ctx, w, reconcile.Conditional); err != nil {
		return false, err
	}
	// One after the other: Glue refuses overlapping changes of a workflow.
	for _, e := range remain {
		if err := o.delete(ctx, w, e); err != nil {
			return false, err
		}
	}
	return false, nil
}

// keepForeign fails the table: to delete the workflow would break what somebody added to it.
func (o *operation) keepForeign(w reconcile.Workflow, foreign []plan.Entity) error {
	problem := ""
	if o.progress.Failure != "" {
		problem = o.progress.Failure + ". "
	}
	return failTable("%sworkflow %q contains %s, which Landfall did not make for this table: the workflow was not deleted. Take that out of the workflow, or delete it, and start the state machine again",
		problem, w.Name, describe(foreign))
}

// stopTriggers stops the active triggers of a type and reports whether there were any.
func (o *operation) stopTriggers(ctx context.Context, w reconcile.Workflow, kind string) (stopped bool, err error) {
	for _, t := range w.Triggers {
		if t.Type != kind || t.State != "ACTIVATED" {
			continue
		}
		if err := o.stopTrigger(ctx, w, t.Name); err != nil && (!errors.Is(err, reconcile.ErrRefused)) {
			return false, err
		}
		stopped = true
	}
	return stopped, nil
}

// blueprintRunGoesOn reports whether the blueprint run that made the workflow may still make something of it.
func (o *operation) blueprintRunGoesOn(ctx context.Context, w reconcile.Workflow) (bool, error) {
	run, err := o.task.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if err != nil && !errors.Is(err, reconcile.ErrNotFound) {
		return false, err
	}
	goesOn := run.State == runRunning || run.State == runRollingBack
	return goesOn && o.task.Now().Sub(run.StartedAt) < timing.RunHangs, nil
}

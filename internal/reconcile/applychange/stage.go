package applychange

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

func (o *operation) startRun(ctx context.Context, v plan.Values) error {
	id, err := o.task.Blueprints.StartBlueprintRun(ctx, o.change.Blueprint.Name, o.task.RoleARN, v.JSON())
	if err != nil {
		return err
	}
	p := o.progress
	p.RunID, p.RunStartedAt, p.Staged = id, o.task.Now().UTC(), false
	p.wait(RunningBlueprint)
	return nil
}

// stage runs the blueprint under the staging name and promotes what it makes.
func (o *operation) stage(ctx context.Context) error {
	p, staged := o.progress, o.staged
	switch {
	case staged.Name != "" && (p.RunID == "" || staged.BlueprintRunID != "" && staged.BlueprintRunID != p.RunID):
		// Of an attempt that was cut off, maybe while the live start trigger was replaced.
		if whole, err := o.restoreStart(ctx); err != nil || !whole {
			p.wait(RestoringStart)
			return err
		}
		p.RunID = ""
		return o.remove(ctx, staged)
	case p.RunID == "" || !p.Staging:
		p.Staging = true
		return o.startRun(ctx, plan.StagingParameters(o.change.Parameters))
	case !p.Staged:
		run, err := o.runs.get(ctx, o.change.Blueprint.Name, *p)
		if err != nil {
			return err
		}
		if run.State == runFailed {
			return o.runFailed(ctx, run)
		}
		if run.State != runSucceeded {
			p.wait(RunningBlueprint)
			return nil
		}
		p.Staged = true
		// The run may have made its job and trigger after the workflow was read.
		p.wait(ReadingStaged)
		return nil
	case staged.Name == "":
		p.wait(AwaitingWorkflow)
		return nil
	}
	err := o.promote(ctx)
	if isFinal(err) {
		// What was staged goes before the table fails.
		p.Failure = err.Error()
		p.wait(RemovingStaged)
		return nil
	}
	return err
}

// resume goes on with a live workflow without a fingerprint.
func (o *operation) resume(ctx context.Context) error {
	p, w := o.progress, o.live
	if p.RunID != "" && !p.Staging && (w.BlueprintRunID == "" || w.BlueprintRunID == p.RunID) {
		return o.follow(ctx)
	}
	if w.BlueprintRunID == "" {
		return o.stage(ctx)
	}
	run, err := o.task.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if err != nil && !errors.Is(err, reconcile.ErrNotFound) {
		return err
	}
	if run.State == runSucceeded || run.State == "" && w.Problem() == "" {
		// It may be at work already: no gap for it either. A run that Glue no longer knows is an old one.
		return o.stage(ctx)
	}
	return o.remove(ctx, w)
}

// follow waits for the blueprint run that this execution started for a new workflow, and finishes that.
func (o *operation) follow(ctx context.Context) error {
	c, p, w := o.change, o.progress, o.live
	run, err := o.runs.get(ctx, c.Blueprint.Name, *p)
	if err != nil {
		return err
	}
	switch {
	case run.State == runFailed:
		p.Discard = true
		return o.runFailed(ctx, run)
	case run.State != runSucceeded:
		p.wait(RunningBlueprint)
		return nil
	case w.Name == "":
		// A read that is behind the run's end.
		p.wait(AwaitingWorkflow)
		return nil
	case !p.Staged && !o.isShipped():
		p.Staged = true // the run may have made its job and trigger after the workflow was read
		p.wait(ReadingStaged)
		return nil
	}
	if problem := wrongSchedule(c, w); problem != "" {
		p.Failure, p.Discard = problem, true
		p.wait(RemovingMisscheduled)
		return nil
	}
	if !o.isShipped() { // the shipped layout tags what it makes
		if err := o.claimEntities(ctx, w, parts(w), c.Owner, c.Table); err != nil {
			return err
		}
	}
	if err := o.finish(ctx, w); err != nil {
		return err
	}
	p.Status = reconcile.Done
	return nil
}

// isShipped reports whether the change's blueprint is the one that comes with the stack.
func (o *operation) isShipped() bool { return o.change.Blueprint.Key == keys.Blueprint }

// scheduleOf is the schedule of the start trigger; empty for a workflow that is started by hand.
func scheduleOf(v plan.Values) string {
	if v.Text("JobScheduleType") != "Cron" {
		return ""
	}
	return "cron(" + strings.TrimSpace(v.Text("ScheduleCronPattern")) + ")"
}

// wrongSchedule says that a custom layout does not take its schedule from the
// parameters: its updates could not be staged without firing.
func wrongSchedule(c plan.Change, w reconcile.Workflow) string {
	want := scheduleOf(c.Parameters)
	for _, t := range w.Triggers {
		if t.Type != reconcile.Conditional && t.Type != "" && t.Schedule != want {
			return fmt.Sprintf("the layout's start trigger has the schedule %q, and the catalog says %q: a layout must take its schedule from JobScheduleType and ScheduleCronPattern", t.Schedule, want)
		}
	}
	return ""
}

// runFailed clears a name in the way once, and otherwise has what the run left removed before the table fails.
func (o *operation) runFailed(ctx context.Context, run reconcile.BlueprintRun) error {
	p := o.progress
	if !p.Cleared && isNameTaken(run.Error) {
		p.Cleared, p.RunID = true, ""
		for _, workflow := range []string{o.change.Workflow, plan.Staging(o.change.Workflow)} {
			if err := o.removeStartTrigger(ctx, workflow); err != nil {
				return err
			}
		}
		p.wait(RemovingLeftovers)
		return nil
	}
	p.Failure = fmt.Sprintf("blueprint run %s failed: %s", p.RunID, run.Error)
	if run.RollbackError != "" {
		p.Failure += ". Glue could not undo all of it: " + run.RollbackError
	}
	p.wait(RemovingFailedRun)
	return nil
}

// finish writes the commit mark.
func (o *operation) finish(ctx context.Context, w reconcile.Workflow) error {
	c := o.change
	w.Owner, w.Table, w.Fingerprint, w.Parameters = c.Owner, c.Table, c.Fingerprint, ""
	if parameters := c.Parameters.JSON(); len(parameters) <= maxKeptParameters {
		w.Parameters = parameters
	}
	return o.task.Workflows.FinishWorkflow(ctx, w)
}

// maxKeptParameters bounds what is kept on the workflow to show what an update
// changes. Glue documents no limit for a run property.
const maxKeptParameters = 8 << 10

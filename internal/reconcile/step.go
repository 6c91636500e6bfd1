package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/landfall/landfall/internal/plan"
)

// step decides by what Glue holds now:
//
//	live workflow                       | create, update                          | delete, clean
//	any, leftovers of earlier attempts  | remove these first                      | remove these first
//	not ours                            | conflict                                | conflict
//	ours, fingerprint as wanted         | remove the staging workflow, then done  | remove
//	ours, older, or its run succeeded   | stage: run the blueprint, then promote  | remove
//	ours, unfinished, its run going on  | wait; with our run then finish it       | wait, then remove
//	ours, unfinished, its run failed    | remove, then as none                    | remove
//	none                                | run the blueprint, then finish          | done
//
// Clean removes the staging workflow instead of the live one.
func (r *Reconciler) step(ctx context.Context, s ApplySettings, c plan.Change, p Progress, held map[string]Workflow, runs *runWatch) (Progress, error) {
	w, exists := held[c.Workflow]
	staged, hasStaged := held[plan.Staging(c.Workflow)]
	for _, found := range []struct {
		w      Workflow
		exists bool
	}{{w, exists && c.Action != plan.Clean}, {staged, hasStaged}} {
		if ours, err := r.owns(ctx, c, p, found.w); err != nil {
			return p, err
		} else if found.exists && !ours {
			return p, failTable("workflow %q exists and does not belong to this catalog; nothing of it was touched. Give the table another WorkflowName", found.w.Name)
		}
	}
	if len(c.Leftovers) > 0 && !p.Swept {
		return r.sweep(ctx, c, p, w, staged)
	}
	switch {
	case c.Action == plan.Delete && exists:
		return r.remove(ctx, c, w, p)
	case c.Action == plan.Delete, c.Action == plan.Clean, exists && w.Fingerprint == c.Fingerprint && (!c.Repair || p.Promoted):
		if hasStaged {
			return r.remove(ctx, c, staged, p)
		}
		if p.Failure != "" {
			return p, failTable("%s", p.Failure)
		}
		p.Status = Done
		return p, nil
	case p.Failure != "":
		return r.giveUp(ctx, c, p, w, staged)
	case exists && w.Fingerprint == "" && !c.Adopt:
		return r.unfinished(ctx, s, c, p, w, staged, runs)
	case exists:
		return r.stage(ctx, s, c, p, w, staged, runs)
	case hasStaged:
		p.RunID = ""
		return r.remove(ctx, c, staged, p)
	case p.RunID != "" && !p.Staging:
		return r.follow(ctx, c, p, w, runs)
	default:
		p.Staging = false
		return r.startRun(ctx, s, c, p, c.Parameters)
	}
}

// owns tells whether the workflow is this change's: by the owner kept on it, by
// the parameters of the blueprint run that made it, or because the catalog adopts it.
func (r *Reconciler) owns(ctx context.Context, c plan.Change, p Progress, w Workflow) (bool, error) {
	switch {
	case w.Name == "":
		return true, nil
	case w.Owner == "" && p.RunID != "" && w.BlueprintRunID == p.RunID:
		return true, nil
	case w.Owner != "":
		return w.Owner == c.Owner, nil
	case c.Adopt && w.Name == c.Workflow && w.Blueprint != "":
		return true, nil
	}
	owner, err := r.runOwner(ctx, w)
	return owner == c.Owner, err
}

// runOwner is the Owner that the blueprint run which made the workflow was given.
func (r *Reconciler) runOwner(ctx context.Context, w Workflow) (string, error) {
	if w.Blueprint == "" || w.BlueprintRunID == "" {
		return "", nil
	}
	run, err := r.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrRefused) {
		// A run that is no longer known, or a blueprint that this role must not read, proves nothing.
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return run.owner(), nil
}

func (r *Reconciler) startRun(ctx context.Context, s ApplySettings, c plan.Change, p Progress, v plan.Values) (Progress, error) {
	id, err := r.Blueprints.StartBlueprintRun(ctx, c.Blueprint.Name, s.RoleARN, v.JSON())
	if err != nil {
		return p, err
	}
	p.RunID, p.RunStartedAt, p.Staged = id, r.Now().UTC(), false
	return p.wait(stepRunning, blueprintRun), nil
}

// stage runs the blueprint under the staging name and promotes what it makes.
func (r *Reconciler) stage(ctx context.Context, s ApplySettings, c plan.Change, p Progress, live, staged Workflow, runs *runWatch) (Progress, error) {
	switch {
	case staged.Name != "" && (p.RunID == "" || staged.BlueprintRunID != "" && staged.BlueprintRunID != p.RunID):
		// Of an attempt that was cut off, maybe while the live start trigger was replaced.
		if whole, err := r.restoreStart(ctx, c, live, staged); err != nil || !whole {
			return p.wait("bringing the start trigger back", triggersChange), err
		}
		p.RunID = ""
		return r.remove(ctx, c, staged, p)
	case p.RunID == "" || !p.Staging:
		p.Staging = true
		return r.startRun(ctx, s, c, p, plan.StagingParameters(c.Parameters))
	case !p.Staged:
		run, err := runs.get(ctx, c.Blueprint.Name, p)
		if err != nil {
			return p, err
		}
		if run.State == "FAILED" {
			return r.runFailed(ctx, c, p, run)
		}
		if run.State != "SUCCEEDED" {
			return p.wait(stepRunning, blueprintRun), nil
		}
		p.Staged = true
		// The run may have made its job and trigger after the workflow was read.
		return p.wait("reading what the blueprint made", now), nil
	case staged.Name == "":
		return p.wait("waiting for the workflow to appear", blueprintRun), nil
	}
	next, err := r.promote(ctx, c, p, live, staged)
	if _, ok := errors.AsType[*tableError](err); ok || errors.Is(err, ErrRefused) {
		// What was staged goes before the table fails.
		next.Failure = err.Error()
		return next.wait("removing the staging workflow", now), nil
	}
	return next, err
}

// unfinished looks after a live workflow without a fingerprint.
func (r *Reconciler) unfinished(ctx context.Context, s ApplySettings, c plan.Change, p Progress, w, staged Workflow, runs *runWatch) (Progress, error) {
	if p.RunID != "" && !p.Staging && (w.BlueprintRunID == "" || w.BlueprintRunID == p.RunID) {
		return r.follow(ctx, c, p, w, runs)
	}
	if w.BlueprintRunID == "" {
		return r.stage(ctx, s, c, p, w, staged, runs)
	}
	run, err := r.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return p, err
	}
	if run.State == "SUCCEEDED" || run.State == "" && broken(w) == "" {
		// It may be at work already: no gap for it either. A run that Glue no longer knows is an old one.
		return r.stage(ctx, s, c, p, w, staged, runs)
	}
	return r.remove(ctx, c, w, p)
}

// follow looks after the blueprint run that this execution started for a new workflow.
func (r *Reconciler) follow(ctx context.Context, c plan.Change, p Progress, w Workflow, runs *runWatch) (Progress, error) {
	run, err := runs.get(ctx, c.Blueprint.Name, p)
	if err != nil {
		return p, err
	}
	switch {
	case run.State == "FAILED":
		p.Discard = true
		return r.runFailed(ctx, c, p, run)
	case run.State != "SUCCEEDED":
		return p.wait(stepRunning, blueprintRun), nil
	case w.Name == "":
		// A get that is behind the run's end.
		return p.wait("waiting for the workflow to appear", blueprintRun), nil
	case !p.Staged && c.Blueprint.Key != BlueprintKey:
		p.Staged = true // the run may have made its job and trigger after the workflow was read
		return p.wait("reading what the blueprint made", now), nil
	}
	if problem := wrongSchedule(c, w); problem != "" {
		p.Failure, p.Discard = problem, true
		return p.wait("removing what the layout made", now), nil
	}
	if err := r.tagEntities(ctx, c, w); err != nil {
		return p, err
	}
	if err := r.finish(ctx, c, w); err != nil {
		return p, err
	}
	p.Status = Done
	return p, nil
}

// wrongSchedule says that a user's layout does not take its schedule from the
// parameters: its updates could not be staged without firing.
func wrongSchedule(c plan.Change, w Workflow) string {
	want := scheduleOf(c.Parameters)
	for _, t := range w.Triggers {
		if t.Type != conditional && t.Type != "" && t.Schedule != want {
			return fmt.Sprintf("the layout's start trigger has the schedule %q, and the catalog says %q: a layout must take its schedule from JobScheduleType and ScheduleCronPattern", t.Schedule, want)
		}
	}
	return ""
}

// tagEntities marks the jobs and crawlers of a user's layout, so that they are
// known again when an attempt is cut off. The shipped layout marks its own.
func (r *Reconciler) tagEntities(ctx context.Context, c plan.Change, w Workflow) error {
	if c.Blueprint.Key == BlueprintKey {
		return nil
	}
	for kind, names := range map[string][]string{plan.JobEntity: w.Jobs, plan.CrawlerEntity: w.Crawlers} {
		for _, name := range names {
			if err := r.Entities.SetTags(ctx, kind, name, r.ownTags(c), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// runFailed clears a name in the way once, and otherwise has what the run left removed before the table fails.
func (r *Reconciler) runFailed(ctx context.Context, c plan.Change, p Progress, run BlueprintRun) (Progress, error) {
	if !p.Cleared && leftoverInTheWay(run.Error) {
		p.Cleared, p.RunID = true, ""
		for _, workflow := range []string{c.Workflow, plan.Staging(c.Workflow)} {
			if err := r.removeStartTrigger(ctx, c, workflow); err != nil {
				return p, err
			}
		}
		return p.wait("removing what an earlier attempt left", triggersGo), nil
	}
	p.Failure = fmt.Sprintf("blueprint run %s failed: %s", p.RunID, run.Error)
	if run.RollbackError != "" {
		p.Failure += ". Glue could not undo all of it: " + run.RollbackError
	}
	return p.wait("removing what the failed blueprint run left", now), nil
}

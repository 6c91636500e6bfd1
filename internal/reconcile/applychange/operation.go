package applychange

import (
	"context"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// operation is one step of one change: what exists in Glue, how far the change has
// come, and what it may write. Its methods do one step and say in the progress
// what the change then waits for.
type operation struct {
	*guard
	task     *Task
	change   plan.Change
	progress *Progress
	// live and staged are the workflows as they were read; without a name when there is none.
	live, staged reconcile.Workflow
	runs         *runCache
}

func newOperation(t *Task, c plan.Change, p *Progress, observed map[string]reconcile.Workflow, runs *runCache) *operation {
	o := &operation{
		task: t, change: c, progress: p, runs: runs,
		live: observed[c.Workflow], staged: observed[plan.Staging(c.Workflow)],
	}
	claim := reconcile.Claim{
		Owner: c.Owner, Tables: []string{c.Table, o.live.Table, o.staged.Table}, Workflow: c.Workflow, RunID: p.RunID, Adopt: c.Adopt,
	}
	if c.Blueprint != nil {
		claim.Blueprint, claim.Custom = c.Blueprint.Name, c.Blueprint.Key != keys.Blueprint
	}
	o.guard = newGuard(t, claim)
	return o
}

// step decides by what exists in Glue now:
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
func (o *operation) step(ctx context.Context) error {
	c, p := o.change, o.progress
	exists, hasStaged := o.live.Name != "", o.staged.Name != ""
	if err := o.checkOwnership(ctx); err != nil {
		return err
	}
	if len(c.Leftovers) > 0 && !p.Swept {
		return o.sweep(ctx)
	}
	switch {
	case c.Action == plan.Delete && exists:
		return o.remove(ctx, o.live)
	case c.Action == plan.Delete, c.Action == plan.Clean, exists && o.live.Fingerprint == c.Fingerprint && (!c.Repair || p.Promoted):
		if hasStaged {
			return o.remove(ctx, o.staged)
		}
		if p.Failure != "" {
			return failTable("%s", p.Failure)
		}
		p.Status = reconcile.Done
		return nil
	case p.Failure != "":
		return o.discardAttempt(ctx)
	case exists && o.live.Fingerprint == "" && !c.Adopt:
		return o.resume(ctx)
	case exists:
		return o.stage(ctx)
	case hasStaged:
		p.RunID = ""
		return o.remove(ctx, o.staged)
	case p.RunID != "" && !p.Staging:
		return o.follow(ctx)
	default:
		p.Staging = false
		return o.startRun(ctx, c.Parameters)
	}
}

// checkOwnership fails the table when a workflow that the change is about is not ours.
func (o *operation) checkOwnership(ctx context.Context) error {
	for _, w := range []reconcile.Workflow{o.live, o.staged} {
		if w.Name == "" || w.Name == o.change.Workflow && o.change.Action == plan.Clean {
			continue
		}
		if err := o.checkWorkflow(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

package applychange

import (
	"context"
	"errors"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// promoteTriggers does one step towards the target's triggers, the start trigger
// last. It reports whether nothing is left to do or to wait for.
func (o *operation) promoteTriggers(ctx context.Context, live made, t target) (bool, error) {
	settled := true
	for i, want := range t.triggers {
		observed, exists := live.triggers[want.Name]
		var err error
		switch isStart := i == len(t.triggers)-1; {
		case isStart && !settled && live.hasStart():
			return false, nil // what it starts is not ready
		case exists && !observed.Settled():
		case !exists && isStart:
			err = o.replaceStart(ctx, live, t)
		case !exists:
			err = o.createTrigger(ctx, want)
		case !equal(observed.Definition, want.Definition):
			err = o.updateTrigger(ctx, live, t, observed, want)
		case observed.Idle():
			err = o.startTrigger(ctx, o.live, want.Name)
		default:
			continue
		}
		if err != nil {
			return false, err
		}
		settled = false
	}
	return settled, nil
}

// hasStart reports whether one of the triggers, as they were read one by one, starts the workflow and stays.
func (m made) hasStart() bool {
	for _, t := range m.triggers {
		if t.IsStart() {
			return true
		}
	}
	return false
}

// replaceStart creates a start trigger of another type in the place of the live
// one. A workflow has one start trigger at a time, but one that is being deleted,
// which takes minutes, need not be waited for: the new one has another name.
// Between the two calls the staging workflow, which is the same, can be started.
func (o *operation) replaceStart(ctx context.Context, live made, t target) error {
	deleting := false
	for _, observed := range live.triggers {
		deleting = deleting || observed.Type != reconcile.Conditional && observed.State == reconcile.TriggerDeleting
	}
	if t.replaces != "" {
		if !live.triggers[t.replaces].Settled() {
			return nil
		}
		if err := o.delete(ctx, o.live, trigger(t.replaces)); err != nil {
			return err
		}
		deleting = true
	}
	err := o.createTrigger(ctx, t.start())
	if deleting && errors.Is(err, reconcile.ErrRefused) {
		return nil // Glue wants the old one gone first
	}
	return err
}

// createTrigger creates a trigger. Where one of its name exists, it is visible in
// the next step, unless it is another workflow's.
func (o *operation) createTrigger(ctx context.Context, want reconcile.Trigger) error {
	err := o.task.Triggers.CreateTrigger(ctx, want, o.ownerTags())
	if errors.Is(err, reconcile.ErrAlreadyExists) {
		return o.checkNameIsOurs(ctx, want.Name)
	}
	return err
}

// checkNameIsOurs fails the table when a trigger of the name is of another workflow.
func (o *operation) checkNameIsOurs(ctx context.Context, name string) error {
	triggers, err := o.task.Triggers.GetTriggers(ctx, []string{name})
	if err != nil || len(triggers) == 0 {
		return err
	}
	if triggers[0].Workflow != o.change.Workflow {
		return failTable("a trigger %q exists that is not of workflow %q; rename or delete it", name, o.change.Workflow)
	}
	return nil
}

// restoreStart gives the live workflow a start trigger when an update was cut off
// while it was replaced: the staging workflow shows what it starts. It reports
// whether there is nothing to restore, or nothing to restore it from.
func (o *operation) restoreStart(ctx context.Context) (bool, error) {
	if o.live.Fingerprint != plan.Updating || o.live.HasStart() || !o.staged.HasStart() {
		return true, nil
	}
	live, staged, err := o.load(ctx)
	if err != nil {
		return false, err
	}
	t, err := merge(o.change, live, staged)
	if err != nil {
		return true, nil //nolint:nilerr // the staging workflow is of no use
	}
	return false, o.replaceStart(ctx, live, t)
}

// updateTrigger updates in place. Where Glue refuses that for an active
// trigger, it is stopped; the next steps update and start it.
func (o *operation) updateTrigger(ctx context.Context, live made, t target, observed, want reconcile.Trigger) error {
	refused := o.update(ctx, o.live, trigger(want.Name), want.Definition)
	if errors.Is(refused, reconcile.ErrBusy) && observed.State == "ACTIVATED" {
		if o.progress.Busy++; o.progress.Busy < timing.BusyLimit {
			return nil
		}
	} else if !errors.Is(refused, reconcile.ErrRefused) {
		return refused
	}
	if observed.State != "ACTIVATED" {
		if observed.Idle() {
			// It was stopped for this update: back to work before giving up.
			if err := o.startTrigger(ctx, o.live, want.Name); err != nil {
				return err
			}
		}
		return refused
	}
	if o.mustStayActive(live, t, observed) {
		return nil
	}
	return o.stopTrigger(ctx, o.live, want.Name)
}

// mustStayActive reports whether the trigger must not be stopped now: the workflow
// is about to be started, as it is or as it will be, or runs and may come to it.
func (o *operation) mustStayActive(live made, t target, observed reconcile.Trigger) bool {
	if observed.Type == reconcile.Conditional && live.RunID != "" {
		return true
	}
	starts := []reconcile.Trigger{t.start()}
	for _, h := range live.triggers {
		if h.Type == reconcile.Scheduled {
			starts = append(starts, h)
		}
	}
	return firesSoon(o.task.Now(), starts...)
}

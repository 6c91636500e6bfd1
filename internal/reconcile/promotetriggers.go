package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/landfall/landfall/internal/plan"
)

// promoteTriggers does one step towards the target's triggers, the start trigger
// last. It answers true when nothing is left to do or to wait for.
func (r *Reconciler) promoteTriggers(ctx context.Context, c plan.Change, p *Progress, t target, live parts) (bool, error) {
	settled := true
	for i, want := range t.triggers {
		held, exists := live.triggers[want.Name]
		var err error
		switch isStart := i == len(t.triggers)-1; {
		case isStart && !settled && t.hasStart(live):
			return false, nil // what it starts is not ready
		case exists && !held.settled():
		case !exists && isStart:
			err = r.replaceStart(ctx, c, t, live, want)
		case !exists:
			err = r.createTrigger(ctx, c, want)
		case !held.Definition.equal(want.Definition):
			err = r.updateTrigger(ctx, p, t, live, held, want)
		case held.idle():
			err = r.Entities.StartTrigger(ctx, want.Name)
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

// hasStart tells whether the live workflow has a start trigger that stays.
func (t target) hasStart(live parts) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(live.triggers)), func(h Trigger) bool { return h.Type != conditional && h.State != "DELETING" })
}

// replaceStart makes a start trigger of another type in the place of the live
// one. A workflow has one start trigger at a time, but one that is being deleted,
// which takes minutes, need not be waited for: the new one has another name.
// Between the two calls the staging workflow, which is the same, can be started.
func (r *Reconciler) replaceStart(ctx context.Context, c plan.Change, t target, live parts, want Trigger) error {
	deleting := false
	for _, held := range live.triggers {
		deleting = deleting || held.Type != conditional && held.State == "DELETING"
	}
	if t.replaces != "" {
		if !live.triggers[t.replaces].settled() {
			return nil
		}
		if err := r.Entities.DeleteTrigger(ctx, t.replaces); err != nil {
			return err
		}
		deleting = true
	}
	err := r.createTrigger(ctx, c, want)
	if deleting && errors.Is(err, ErrRefused) {
		return nil // Glue wants the old one gone first
	}
	return err
}

func (r *Reconciler) createTrigger(ctx context.Context, c plan.Change, want Trigger) error {
	err := r.Entities.CreateTrigger(ctx, want, r.ownTags(c))
	if errors.Is(err, ErrAlreadyExists) {
		// Visible at the next turn, or left by a workflow that is gone.
		return r.reclaim(ctx, c, want.Name)
	}
	return err
}

// restoreStart gives the live workflow a start trigger when an update was cut off
// while it was replaced: the staging workflow tells what it starts. It answers
// true when there is nothing to restore, or nothing to restore it from.
func (r *Reconciler) restoreStart(ctx context.Context, c plan.Change, live, staged Workflow) (bool, error) {
	if live.Fingerprint != plan.Updating || hasStart(live) || !hasStart(staged) {
		return true, nil
	}
	to, from, err := r.load(ctx, live, staged)
	if err != nil {
		return false, err
	}
	t, err := merge(c, to, from)
	if err != nil {
		return true, nil //nolint:nilerr // the staging workflow is of no use
	}
	return false, r.replaceStart(ctx, c, t, to, t.triggers[len(t.triggers)-1])
}

func hasStart(w Workflow) bool {
	return slices.ContainsFunc(w.Triggers, func(t Trigger) bool { return t.Type != conditional && t.State != "DELETING" })
}

// maxBusy is how often an update of an active trigger may find Glue busy before
// that is taken as Glue's way of refusing it (glue.md §2.3).
const maxBusy = 3

// updateTrigger updates in place. Where Glue refuses that for an active
// trigger, it is stopped; the next turns update and start it.
func (r *Reconciler) updateTrigger(ctx context.Context, p *Progress, t target, live parts, held, want Trigger) error {
	refused := r.Entities.UpdateTrigger(ctx, want.Name, want.Definition)
	if errors.Is(refused, ErrBusy) && held.State == "ACTIVATED" {
		if p.Busy++; p.Busy < maxBusy {
			return nil
		}
	} else if !errors.Is(refused, ErrRefused) {
		return refused
	}
	if held.State != "ACTIVATED" {
		if held.idle() {
			// It was stopped for this update: back to work before giving up.
			if err := r.Entities.StartTrigger(ctx, want.Name); err != nil {
				return err
			}
		}
		return refused
	}
	if r.needed(t, live, held) {
		return nil
	}
	return r.Entities.StopTrigger(ctx, want.Name)
}

// needed tells whether the trigger must not be stopped now: the workflow is
// about to be started, as it is or as it will be, or runs and may come to it.
func (r *Reconciler) needed(t target, live parts, held Trigger) bool {
	if held.Type == conditional && live.RunID != "" {
		return true
	}
	starts := []Trigger{t.triggers[len(t.triggers)-1]}
	for _, h := range live.triggers {
		if h.Type == scheduled {
			starts = append(starts, h)
		}
	}
	return r.due(starts...)
}

// reclaim fails the change when a trigger whose name it needs is another's. One
// of this workflow's is seen at the next turn.
func (r *Reconciler) reclaim(ctx context.Context, c plan.Change, name string) error {
	triggers, err := r.Entities.GetTriggers(ctx, []string{name})
	if err != nil || len(triggers) == 0 {
		return err
	}
	if triggers[0].Workflow != c.Workflow {
		return failTable("a trigger %q exists that is not of workflow %q; rename or delete it", name, c.Workflow)
	}
	return nil
}

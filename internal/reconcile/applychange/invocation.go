package applychange

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

const (
	// parallelSteps bounds the steps that one function takes at the same time.
	parallelSteps = 16
	// inFlightPerSlot is how many changes per slot are in flight: after its blueprint run a change mostly waits.
	inFlightPerSlot = 3
)

// invocation is one call of ApplyChange. As soon as a blueprint run has ended the
// next change's is started, so that the slots of an item are never idle for long.
type invocation struct {
	task     *Task
	left     Input
	until    time.Time // when to begin nothing more
	lockMu   sync.Mutex
	checked  map[string]time.Time // when the execution was last known to have the lock of a catalog
	failures int                  // ticks in a row that failed
	begun    atomic.Int32         // steps that this invocation has begun
}

// ApplyChange does the next step of every change of one item that is due, and
// all further ones that need no long wait. It answers "wait" with the changes
// that are not done yet, or "done". How a change ended is recorded. Before it
// changes anything it checks that the execution still has the catalogs' locks;
// it returns a *reconcile.LockedError when it does not.
func (t *Task) ApplyChange(ctx context.Context, in Input) (Input, error) {
	in.Slots = max(1, in.Slots)
	v := &invocation{task: t, left: in, checked: map[string]time.Time{}, until: t.Now().Add(timing.InvocationBudget)}
	for {
		if err := v.tick(ctx); err != nil {
			return Input{}, err
		}
		now := t.Now()
		due, pending := v.nextDue()
		switch pause := due.Sub(now); {
		case !pending:
			v.left.Status, v.left.WaitSeconds, v.left.Items = reconcile.Done, 0, []Item{}
			return v.left, nil
		case now.After(v.until), due.After(v.until), pause > timing.MaxSleep:
			// Whole seconds are the state machine's unit; the rest is waited for here.
			v.left.Status, v.left.WaitSeconds = reconcile.Wait, max(0, int(pause.Seconds()))
			return v.left, nil
		case pause > 0:
			if err := t.Sleep(ctx, pause); err != nil {
				return Input{}, err
			}
		}
	}
}

// nextDue is when the next step is due. Nothing is pending when all changes are done.
func (v *invocation) nextDue() (due time.Time, pending bool) {
	for i, item := range v.left.Items {
		if i == 0 || item.Progress.Due.Before(due) {
			due = item.Progress.Due
		}
	}
	return due, len(v.left.Items) > 0 || len(v.left.Queue) > 0
}

// tick does one step of each change that is due, and of as many new ones as there are slots for.
func (v *invocation) tick(ctx context.Context) error {
	runs := newRunCache(v.task, v.expectedDuration())
	waiting, due := v.split()
	running, due := v.pollRuns(ctx, due, runs)
	waiting = append(waiting, running...)
	due = append(v.refill(waiting, due), due...)
	v.left.Items = waiting
	if len(due) == 0 {
		return nil
	}
	var lost error
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		lost = v.checkLocks(ctx, due)
	}()
	observed, err := v.task.observe(ctx, due)
	<-checked
	if _, ok := errors.AsType[*reconcile.LockedError](lost); ok {
		return lost
	}
	if err = errors.Join(lost, err); err != nil {
		return v.postpone(due, err)
	}
	return v.advanceAll(ctx, due, observed, runs)
}

// split separates the changes that are due. A blueprint run is polled a little
// early when another one is.
func (v *invocation) split() (waiting, due []Item) {
	now := v.task.Now()
	runDue := v.isRunDue(now)
	waiting = []Item{}
	for _, item := range v.left.Items {
		limit := now
		if runDue && item.awaitsRun(now) {
			limit = now.Add(timing.RunPollCoalescing)
		}
		if item.Progress.Due.After(limit) {
			waiting = append(waiting, item)
		} else {
			due = append(due, item)
		}
	}
	return waiting, due
}

// advanceAll does a step of each change and keeps those that are not done.
func (v *invocation) advanceAll(ctx context.Context, due []Item, observed map[string]reconcile.Workflow, runs *runCache) error {
	failed := make([]error, len(due))
	group := errgroup.Group{}
	group.SetLimit(parallelSteps)
	for i, item := range due {
		group.Go(func() error {
			// Every invocation does some, however slow Glue is.
			if v.begun.Add(1) > parallelSteps && v.task.Now().After(v.until) {
				due[i].Progress.Status, due[i].Progress.Due = reconcile.Wait, v.until
				return nil
			}
			// Steps before this one may have taken long.
			if failed[i] = v.checkLocks(ctx, due[i:i+1]); failed[i] != nil {
				return failed[i]
			}
			due[i].Progress, failed[i] = v.task.advance(ctx, v.left.Execution, item, observed, runs)
			return failed[i]
		})
	}
	if group.Wait() == nil {
		v.failures = 0
	}
	var again []Item
	for i, item := range due {
		switch {
		case failed[i] != nil: // not recorded: the step is taken again, and finds that there is nothing left to do
			again = append(again, item)
		case item.Progress.Status == reconcile.Wait:
			if item.Progress.Step == RunningBlueprint {
				v.scheduleRunPoll(&item.Progress)
			}
			v.left.Items = append(v.left.Items, item)
		}
	}
	if len(again) > 0 {
		return v.postpone(again, errors.Join(failed...))
	}
	return nil
}

// refill takes changes from the queue for the slots that are free, now that the runs of due have ended.
func (v *invocation) refill(waiting, due []Item) []Item {
	now := v.task.Now()
	free := v.left.Slots
	for _, item := range waiting {
		if item.holdsSlot() {
			free--
		}
	}
	for _, item := range due {
		if item.holdsSlot() && !item.awaitsRun(now) {
			free--
		}
	}
	free = min(free, inFlightPerSlot*v.left.Slots-len(waiting)-len(due), len(v.left.Queue))
	if free <= 0 {
		return nil
	}
	var fresh []Item
	for _, c := range v.left.Queue[:free] {
		fresh = append(fresh, Item{Change: c})
	}
	v.left.Queue = v.left.Queue[free:]
	return fresh
}

// holdsSlot reports whether the change has a blueprint run ahead of it or under way.
func (i Item) holdsSlot() bool {
	return (i.Change.Action == plan.Create || i.Change.Action == plan.Update) && !i.Progress.Staged && i.Progress.Failure == ""
}

// checkLocks keeps a function that outlives its execution, or belongs to one that
// was redriven, from changing anything once another execution has taken the catalogs over.
func (v *invocation) checkLocks(ctx context.Context, due []Item) error {
	for _, item := range due {
		name, now := item.Change.Catalog, v.task.Now()
		v.lockMu.Lock()
		last, known := v.checked[name]
		v.lockMu.Unlock()
		if known && now.Sub(last) < timing.LockRecheck {
			continue
		}
		if err := reconcile.CheckLock(ctx, v.task.Objects, name, v.left.Execution); err != nil {
			return err
		}
		v.lockMu.Lock()
		v.checked[name] = now
		v.lockMu.Unlock()
	}
	return nil
}

// postpone tries the items again later, after an error of S3 or of a read of Glue.
func (v *invocation) postpone(items []Item, err error) error {
	if !errors.Is(err, reconcile.ErrBusy) {
		v.failures++
		if v.failures > timing.ErrorLimit {
			return fmt.Errorf("gave up after %d tries in a row: %w", v.failures, err)
		}
	}
	v.task.Log.Warn("tick failed", "error", err, "in_a_row", v.failures)
	for _, item := range items {
		item.Progress.Status, item.Progress.Due = reconcile.Wait, v.task.Now().Add(timing.TriggerChange.Initial)
		v.left.Items = append(v.left.Items, item)
	}
	return nil
}

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
)

const (
	// applyParallel bounds the calls that one function makes at the same time.
	applyParallel = 16
	// maxTurn ends a call well before its function times out, and bounds what is done twice when that is killed.
	maxTurn = time.Minute
	// maxStep is the longest that one step takes: a throttled Glue may serve a call every two seconds, for all together.
	maxStep = 2 * time.Minute
	// maxNap is the longest wait within a call. A wait of the state machine costs three transitions, the price of
	// 22 seconds of the function; but for a long wait a function that can be killed is the wrong place.
	maxNap = 5 * time.Second
	// inHand is how many times its slots an item works on: what is left to do after a blueprint run is mostly waiting.
	inHand = 3
	// trust is how long an execution takes its lock for granted.
	trust = 2 * time.Second
)

// lane is one call of ApplyChange. As soon as a blueprint run has ended the next
// change's is started, so that the slots of an item are never idle for long.
type lane struct {
	*Reconciler
	settings ApplySettings
	left     ApplyInput
	until    time.Time    // when to begin nothing more
	locked   time.Time    // when the execution was last known to hold its catalogs
	failures int          // looks in a row that failed
	begun    atomic.Int32 // steps that this call has begun
}

// ApplyChange does the next step of every change of one item that is due, and
// all further ones that need no long wait. It answers "wait" with the changes
// that are not done yet, or "done". How a change ended is recorded.
func (r *Reconciler) ApplyChange(ctx context.Context, s ApplySettings, in ApplyInput) (ApplyInput, error) {
	in.Slots = max(1, in.Slots)
	l := &lane{Reconciler: r, settings: s, left: in, until: r.Now().Add(maxTurn)}
	for {
		if err := l.round(ctx); err != nil {
			return ApplyInput{}, err
		}
		now := r.Now()
		next, any := l.next()
		switch pause := next.Sub(now); {
		case !any:
			l.left.Status, l.left.WaitSeconds, l.left.Items = Done, 0, []Item{}
			return l.left, nil
		case now.After(l.until), next.After(l.until), pause > maxNap:
			// Whole seconds are the state machine's unit; the rest is waited for here.
			l.left.Status, l.left.WaitSeconds = Wait, max(0, int(pause.Seconds()))
			return l.left, nil
		case pause > 0:
			if err := r.Sleep(ctx, pause); err != nil {
				return ApplyInput{}, err
			}
		}
	}
}

// next is when something is due. There is nothing when all is done.
func (l *lane) next() (at time.Time, any bool) {
	for i, item := range l.left.Items {
		if i == 0 || item.Progress.Due.Before(at) {
			at = item.Progress.Due
		}
	}
	return at, len(l.left.Items) > 0 || len(l.left.Queue) > 0
}

// round does one step of each change that is due, and of as many new ones as there are slots for.
func (l *lane) round(ctx context.Context) error {
	now := l.Now()
	runs := &runWatch{reconciler: l.Reconciler, ended: map[string]BlueprintRun{}, usual: l.usual()}
	waiting, due := []Item{}, []Item{}
	runDue := l.runDue(now)
	for _, item := range l.left.Items {
		limit := now
		if runDue && l.awaitsRun(item) {
			limit = now.Add(lookTogether)
		}
		if item.Progress.Due.After(limit) {
			waiting = append(waiting, item)
		} else {
			due = append(due, item)
		}
	}
	running, due := l.look(ctx, due, runs)
	waiting = append(waiting, running...)
	fresh := l.refill(waiting, due)
	due = append(fresh, due...)
	l.left.Items = waiting
	if len(due) == 0 {
		return nil
	}
	var lost error
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		lost = l.checkLocks(ctx, due)
	}()
	held, err := l.observe(ctx, due)
	<-checked
	if _, ok := errors.AsType[*LockedError](lost); ok {
		return lost
	}
	if err = errors.Join(lost, err); err != nil {
		return l.postpone(due, err)
	}
	return l.turns(ctx, due, held, runs)
}

// turns does a step of each change and keeps those that are not done.
func (l *lane) turns(ctx context.Context, due []Item, held map[string]Workflow, runs *runWatch) error {
	failed := make([]error, len(due))
	group := errgroup.Group{}
	group.SetLimit(applyParallel)
	for i, item := range due {
		group.Go(func() error {
			// Every call does some, however slow Glue is.
			if l.begun.Add(1) > applyParallel && l.Now().After(l.until) {
				due[i].Progress.Status, due[i].Progress.Due = Wait, l.until
				return nil
			}
			due[i].Progress, failed[i] = l.turn(ctx, l.settings, l.left.Execution, item, held, runs)
			return failed[i]
		})
	}
	if group.Wait() == nil {
		l.failures = 0
	}
	var again []Item
	for i, item := range due {
		switch {
		case failed[i] != nil: // not recorded: the step is taken again, and finds that there is nothing left to do
			again = append(again, item)
		case item.Progress.Status == Wait:
			if item.Progress.Step == stepRunning {
				item.Progress.Due = l.lookAt(item.Progress)
			}
			l.left.Items = append(l.left.Items, item)
		}
	}
	if len(again) > 0 {
		return l.postpone(again, errors.Join(failed...))
	}
	return nil
}

// refill takes changes from the queue for the slots that are free, now that the runs of due have ended.
func (l *lane) refill(waiting, due []Item) []Item {
	free := l.left.Slots
	for _, item := range waiting {
		if item.holdsSlot() {
			free--
		}
	}
	for _, item := range due {
		if item.holdsSlot() && !l.awaitsRun(item) {
			free--
		}
	}
	free = min(free, inHand*l.left.Slots-len(waiting)-len(due), len(l.left.Queue))
	if free <= 0 {
		return nil
	}
	var fresh []Item
	for _, c := range l.left.Queue[:free] {
		fresh = append(fresh, Item{Change: c})
	}
	l.left.Queue = l.left.Queue[free:]
	return fresh
}

// holdsSlot tells whether the change has a blueprint run ahead of it or under way.
func (i Item) holdsSlot() bool {
	return (i.Change.Action == plan.Create || i.Change.Action == plan.Update) && !i.Progress.Staged && i.Progress.Failure == ""
}

// checkLocks keeps a function that outlives its execution, or belongs to one that
// was redriven, from changing anything once another execution has taken the catalogs over.
func (l *lane) checkLocks(ctx context.Context, due []Item) error {
	now := l.Now()
	if now.Sub(l.locked) < trust {
		return nil
	}
	catalogs := map[string]bool{}
	for _, item := range due {
		catalogs[item.Change.Catalog] = true
	}
	for name := range catalogs {
		var held lock
		err := l.getJSON(ctx, locksPrefix+name+".json", &held)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if held.Execution != l.left.Execution {
			return &LockedError{Catalog: name, Holder: held.Holder}
		}
	}
	l.locked = now
	return nil
}

// postpone is for a Glue that has too much to do or does not answer as it should.
func (l *lane) postpone(items []Item, err error) error {
	if !errors.Is(err, ErrBusy) {
		l.failures++
		if l.failures > limitErrors {
			return fmt.Errorf("gave up after %d tries in a row: %w", l.failures, err)
		}
	}
	l.Log.Warn("look failed", "error", err, "in_a_row", l.failures)
	for _, item := range items {
		item.Progress.Status, item.Progress.Due = Wait, l.Now().Add(triggersChange.first)
		l.left.Items = append(l.left.Items, item)
	}
	return nil
}

package reconcile

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// stepRunning is the step of a change whose blueprint run goes on.
const stepRunning = "running the blueprint"

// lookTogether is how much earlier a run is looked at because another one is:
// they mostly end together, and while the oldest goes on the others cost no call.
const lookTogether = 600 * time.Millisecond

// awaitsRun tells that nothing but the blueprint run is waited for. It spares
// the look at the workflows while the run goes on.
func (r *Reconciler) awaitsRun(item Item) bool {
	p := item.Progress
	return p.RunID != "" && p.Step == stepRunning && !p.Staged && p.Failure == "" && r.tried(p) < limitChange
}

// stillRuns tells whether the change's blueprint run is known to go on.
func (r *Reconciler) stillRuns(ctx context.Context, item Item, runs *runWatch) bool {
	run, err := runs.get(ctx, item.Change.Blueprint.Name, item.Progress)
	return err == nil && run.State == "RUNNING"
}

// runDue tells whether it is time to look at some blueprint run.
func (l *lane) runDue(now time.Time) bool {
	return slices.ContainsFunc(l.left.Items, func(item Item) bool { return l.awaitsRun(item) && !item.Progress.Due.After(now) })
}

// usual is how long a blueprint run takes before one may wonder.
func (l *lane) usual() time.Duration {
	if l.left.RunSeconds == 0 {
		return usualRun
	}
	return time.Duration(l.left.RunSeconds * 1.25 * float64(time.Second))
}

// look asks for the blueprint runs of changes that wait for nothing else, and
// tells those whose run goes on from those that have something to do.
func (l *lane) look(ctx context.Context, items []Item, runs *runWatch) (running, due []Item) {
	slices.SortStableFunc(items, func(a, b Item) int { return a.Progress.RunStartedAt.Compare(b.Progress.RunStartedAt) })
	going := make([]bool, len(items))
	ask := func(i int) { going[i] = l.stillRuns(ctx, items[i], runs) }
	group := errgroup.Group{}
	group.SetLimit(applyParallel)
	asked := false
	for i, item := range items {
		switch {
		case !l.awaitsRun(item):
		case !asked: // the oldest: while it goes on the others need not be asked for
			asked = true
			ask(i)
		default:
			group.Go(func() error { ask(i); return nil })
		}
	}
	_ = group.Wait()
	for i, item := range items {
		if going[i] {
			item.Progress.Due = l.lookAt(item.Progress)
			running = append(running, item)
			continue
		}
		if run, ok := runs.ended[item.Progress.RunID]; ok && run.State == "SUCCEEDED" && l.awaitsRun(item) {
			l.learn(item, run)
		}
		due = append(due, item)
	}
	return running, due
}

// learn remembers how long the shortest run took, by Glue's own clock where that tells less than was seen here.
func (l *lane) learn(item Item, run BlueprintRun) {
	took := l.Now().Sub(item.Progress.RunStartedAt)
	if by := run.EndedAt.Sub(run.StartedAt); by > 0 && by < took {
		took = by
	}
	if l.left.RunSeconds == 0 || took.Seconds() < l.left.RunSeconds {
		l.left.RunSeconds = took.Seconds()
	}
}

// runWatch asks for the blueprint runs of one round's changes. Runs take about
// as long, so while one is going on the younger ones are not asked for, unless
// it takes longer than usual.
type runWatch struct {
	reconciler *Reconciler
	usual      time.Duration
	mu         sync.Mutex
	oldest     time.Time // start of a run that is known to be going on
	ended      map[string]BlueprintRun
}

func (w *runWatch) get(ctx context.Context, blueprint string, p Progress) (BlueprintRun, error) {
	w.mu.Lock()
	going := !w.oldest.IsZero() && !p.RunStartedAt.Before(w.oldest) && w.reconciler.Now().Sub(w.oldest) < w.usual
	run, ended := w.ended[p.RunID]
	w.mu.Unlock()
	if ended {
		return run, nil
	}
	if going {
		return BlueprintRun{State: "RUNNING"}, nil
	}
	run, err := w.reconciler.Blueprints.GetBlueprintRun(ctx, blueprint, p.RunID)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
	case run.State == "RUNNING":
		if w.oldest.IsZero() || p.RunStartedAt.Before(w.oldest) {
			w.oldest = p.RunStartedAt
		}
	case run.State == "SUCCEEDED" || run.State == "FAILED":
		w.ended[p.RunID] = run
	}
	return run, err
}

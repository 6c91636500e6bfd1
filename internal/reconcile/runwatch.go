package reconcile

import (
	"context"
	"sync"
	"time"
)

// stepRunning is the step of a change whose blueprint run goes on.
const stepRunning = "running the blueprint"

// awaitsRun tells that nothing but the blueprint run is waited for. It spares
// the look at the workflows while the run goes on.
func (r *Reconciler) awaitsRun(item Item) bool {
	p := item.Progress
	return p.RunID != "" && p.Step == stepRunning && !p.Staged && p.Failure == "" && r.Now().Sub(p.StartedAt) < limitChange
}

// stillRuns tells whether the change's blueprint run is known to go on.
func (r *Reconciler) stillRuns(ctx context.Context, item Item, runs *runWatch) bool {
	run, err := runs.get(ctx, item.Change.Blueprint.Name, item.Progress)
	return err == nil && run.State == "RUNNING"
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

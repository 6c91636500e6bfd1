package reconcile

import (
	"context"
	"sync"
	"time"
)

// stillRuns spares the look at the workflows while a change's blueprint run goes
// on. The item comes back without a status when its turn is due.
func (r *Reconciler) stillRuns(ctx context.Context, s ApplySettings, item Item, runs *runWatch) Item {
	p := item.Progress
	waits := p.RunID != "" && p.Step == stepRunning && !p.Staged && p.Failure == "" && r.Now().Sub(p.StartedAt) < limitChange
	if waits {
		if run, err := runs.get(ctx, item.Change.Blueprint.Name, p); err == nil && run.State == "RUNNING" {
			item.Progress = r.paced(s, p.wait(stepRunning, blueprintRun))
			return item
		}
	}
	item.Progress.Status = ""
	return item
}

// stepRunning is the step of a change whose blueprint run goes on.
const stepRunning = "running the blueprint"

// runWatch asks for the blueprint runs of one item's changes. They were started
// together and take about as long, so while one is going on the younger ones
// are not asked for.
type runWatch struct {
	reconciler *Reconciler
	mu         sync.Mutex
	oldest     time.Time // start of a run that is known to be going on
	ended      map[string]BlueprintRun
}

func (w *runWatch) get(ctx context.Context, blueprint string, p Progress) (BlueprintRun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.oldest.IsZero() && !p.RunStartedAt.Before(w.oldest) && w.reconciler.Now().Sub(w.oldest) < usualRun {
		return BlueprintRun{State: "RUNNING"}, nil
	}
	if run, ok := w.ended[p.RunID]; ok {
		return run, nil
	}
	run, err := w.reconciler.Blueprints.GetBlueprintRun(ctx, blueprint, p.RunID)
	switch {
	case err != nil:
	case run.State == "RUNNING":
		w.oldest = p.RunStartedAt
	case run.State == "SUCCEEDED" || run.State == "FAILED":
		w.ended[p.RunID] = run
	}
	return run, err
}

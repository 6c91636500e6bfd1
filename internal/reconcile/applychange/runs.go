package applychange

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// States of blueprint runs.
const (
	runRunning     = "RUNNING"
	runRollingBack = "ROLLING_BACK"
	runSucceeded   = "SUCCEEDED"
	runFailed      = "FAILED"
)

// awaitsRun reports whether the change waits for nothing but its blueprint run, so
// that its workflows need not be read while the run goes on.
func (i Item) awaitsRun(now time.Time) bool {
	p := i.Progress
	return p.RunID != "" && p.Step == RunningBlueprint && !p.Staged && p.Failure == "" && p.tried(now) < timing.ChangeLimit
}

// isRunDue reports whether some blueprint run is due to be polled.
func (v *invocation) isRunDue(now time.Time) bool {
	return slices.ContainsFunc(v.left.Items, func(item Item) bool { return item.awaitsRun(now) && !item.Progress.Due.After(now) })
}

// expectedDuration is how long a blueprint run takes; older ones are polled individually.
func (v *invocation) expectedDuration() time.Duration {
	if v.left.RunSeconds == 0 {
		return timing.RunExpected
	}
	return time.Duration(v.left.RunSeconds * 1.25 * float64(time.Second))
}

// pollRuns polls the blueprint runs of changes that wait for nothing else, and
// separates those whose run goes on from those that have something to do.
func (v *invocation) pollRuns(ctx context.Context, items []Item, runs *runCache) (running, due []Item) {
	now := v.task.Now()
	slices.SortStableFunc(items, func(a, b Item) int { return a.Progress.RunStartedAt.Compare(b.Progress.RunStartedAt) })
	goesOn := make([]bool, len(items))
	poll := func(i int) {
		run, err := runs.get(ctx, items[i].Change.Blueprint.Name, items[i].Progress)
		goesOn[i] = err == nil && run.State == runRunning
	}
	group := errgroup.Group{}
	group.SetLimit(parallelSteps)
	oldest := true
	for i, item := range items {
		switch {
		case !item.awaitsRun(now):
		case oldest: // while it goes on the others need not be polled
			oldest = false
			poll(i)
		default:
			group.Go(func() error { poll(i); return nil })
		}
	}
	_ = group.Wait() // no poll returns an error: a failed one is repeated by the change's step
	for i, item := range items {
		if goesOn[i] {
			v.scheduleRunPoll(&item.Progress)
			running = append(running, item)
			continue
		}
		if run, ok := runs.ended[item.Progress.RunID]; ok && run.State == runSucceeded && item.awaitsRun(now) {
			v.recordDuration(item, run)
		}
		due = append(due, item)
	}
	return running, due
}

// recordDuration keeps the duration of the shortest run: the smaller of Glue's own and the one observed here.
func (v *invocation) recordDuration(item Item, run reconcile.BlueprintRun) {
	took := v.task.Now().Sub(item.Progress.RunStartedAt)
	if byGlue := run.EndedAt.Sub(run.StartedAt); byGlue > 0 && byGlue < took {
		took = byGlue
	}
	if v.left.RunSeconds == 0 || took.Seconds() < v.left.RunSeconds {
		v.left.RunSeconds = took.Seconds()
	}
}

// scheduleRunPoll sets when a blueprint run is polled next: when the shortest run
// seen would have ended, and after that at growing intervals.
func (v *invocation) scheduleRunPoll(p *Progress) {
	now := v.task.Now()
	if v.left.RunSeconds == 0 {
		p.schedule(now, timing.BlueprintRun)
		return
	}
	p.Due = p.RunStartedAt.Add(time.Duration(v.left.RunSeconds * float64(time.Second)))
	if overdue := now.Sub(p.Due); overdue >= 0 {
		ceiling := min(now.Sub(p.RunStartedAt)/time.Duration(timing.BlueprintRun.Fraction), timing.BlueprintRun.Ceiling)
		p.Due = now.Add(max(timing.RunPollOverdue, min(overdue/4, ceiling)))
	}
}

// runCache reads the blueprint runs of one tick's changes. Runs take about the
// same time, so while one is going on the younger ones are not read, unless it
// takes longer than expected.
type runCache struct {
	task     *Task
	expected time.Duration
	mu       sync.Mutex
	oldest   time.Time // start of a run that is known to be going on
	ended    map[string]reconcile.BlueprintRun
}

func newRunCache(t *Task, expected time.Duration) *runCache {
	return &runCache{task: t, expected: expected, ended: map[string]reconcile.BlueprintRun{}}
}

func (c *runCache) get(ctx context.Context, blueprint string, p Progress) (reconcile.BlueprintRun, error) {
	c.mu.Lock()
	goesOn := !c.oldest.IsZero() && !p.RunStartedAt.Before(c.oldest) && c.task.Now().Sub(c.oldest) < c.expected
	run, ended := c.ended[p.RunID]
	c.mu.Unlock()
	if ended {
		return run, nil
	}
	if goesOn {
		return reconcile.BlueprintRun{State: runRunning}, nil
	}
	run, err := c.task.Blueprints.GetBlueprintRun(ctx, blueprint, p.RunID)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
	case run.State == runRunning:
		if c.oldest.IsZero() || p.RunStartedAt.Before(c.oldest) {
			c.oldest = p.RunStartedAt
		}
	case run.State == runSucceeded || run.State == runFailed:
		c.ended[p.RunID] = run
	}
	return run, err
}

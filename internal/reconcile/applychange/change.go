package applychange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
	"github.com/landfall/landfall/internal/telemetry"
)

// tableError is a failure that repeating the step cannot repair: like ErrRefused
// it is recorded as the table's outcome. Any other error is tried again.
type tableError struct{ message string }

func (e *tableError) Error() string { return e.message }

func failTable(format string, args ...any) error { return &tableError{fmt.Sprintf(format, args...)} }

// isFinal reports whether repeating the step does not help.
func isFinal(err error) bool {
	_, ok := errors.AsType[*tableError](err)
	return ok || errors.Is(err, reconcile.ErrRefused)
}

// observe reads the live and the staging workflow of every item.
func (t *Task) observe(ctx context.Context, items []Item) (map[string]reconcile.Workflow, error) {
	var names []string
	for _, item := range items {
		names = append(names, item.Change.Workflow, plan.Staging(item.Change.Workflow))
	}
	workflows, err := t.Workflows.BatchGetWorkflows(ctx, names)
	if err != nil {
		return nil, err
	}
	observed := make(map[string]reconcile.Workflow, len(workflows))
	for _, w := range workflows {
		observed[w.Name] = w
	}
	return observed, nil
}

// advance does the next step of one change. Its error is one of recording the outcome.
func (t *Task) advance(ctx context.Context, execution string, item Item, observed map[string]reconcile.Workflow, runs *runCache) (Progress, error) {
	c, p := item.Change, item.Progress
	if p.StartedAt.IsZero() {
		p.StartedAt = t.Now().UTC()
		p.Since = p.StartedAt
	}
	before := p.Step
	o := newOperation(t, c, &p, observed, runs)
	err := t.bounded(ctx, o.step)
	p.enter(before, t.Now().UTC())
	if isFinal(err) {
		t.Log.Error(telemetry.ChangeFailed, "table", c.Table, "workflow", c.Workflow, "action", c.Action, "error", err)
		return t.record(ctx, execution, c, p, reconcile.Failed, err.Error())
	}
	backoff := steps[p.Step].backoff
	if errors.Is(err, reconcile.ErrBusy) {
		// Something else is changing the same workflow, or Glue has too much to do: poll again.
		p.wait(cmp.Or(p.Step, AwaitingGlue))
		backoff, err = timing.TriggerChange, nil
	}
	if err != nil {
		p.Errors++
		t.Log.Warn("step failed", "table", c.Table, "workflow", c.Workflow, "action", c.Action, "in_a_row", p.Errors, "error", err)
		if p.Errors >= timing.ErrorLimit {
			return t.record(ctx, execution, c, p, reconcile.Failed, fmt.Sprintf("Glue did not answer as it should %d times in a row: %v. Start the state machine again; what is done stays done", p.Errors, err))
		}
		p.wait(p.Step)
		p.schedule(t.Now(), timing.TriggerChange)
		return p, nil
	}
	p.Errors = 0
	if p.Status == reconcile.Wait {
		if tried := p.tried(t.Now()); tried > timing.ChangeLimit {
			return t.record(ctx, execution, c, p, reconcile.Failed, fmt.Sprintf("gave up after %s while %s. Start the state machine again; what is done stays done", tried.Round(time.Second), p.Step))
		}
		p.schedule(t.Now(), backoff)
		return p, nil
	}
	t.Log.Info("change applied", "table", c.Table, "workflow", c.Workflow, "action", c.Action)
	return t.record(ctx, execution, c, p, reconcile.Done, "")
}

// bounded does a step within the limit of steps. One that is cut off there is
// busy: what was done is found done, and the rest is done next time.
func (t *Task) bounded(ctx context.Context, step func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, timing.StepLimit)
	defer cancel()
	err := step(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("cut off after %s: %w: %w", timing.StepLimit, reconcile.ErrBusy, err)
	}
	return err
}

func (t *Task) record(ctx context.Context, execution string, c plan.Change, p Progress, status, message string) (Progress, error) {
	p.Status = status
	return p, reconcile.WriteJSON(ctx, t.Objects, keys.Outcome(execution, c.Workflow), reconcile.Outcome{
		Action: c.Action, Catalog: c.Catalog, Table: c.Table, Workflow: c.Workflow,
		Status: status, Error: message, StartedAt: p.StartedAt, FinishedAt: t.Now().UTC(),
	})
}

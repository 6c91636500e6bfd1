package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
)

// When ApplyChange gives up. A blueprint run takes about a minute; one that
// hangs is known from the field (glue.md §1.3).
const (
	limitChange = 30 * time.Minute
	hungRun     = 20 * time.Minute
	// usualRun is how long one may take without a doubt that it has hung.
	usualRun = 2 * time.Minute
	// limitErrors is how many turns in a row may fail before a table is given up.
	limitErrors = 8
	// applyParallel bounds the calls that one function makes at the same time.
	applyParallel = 8
)

// ApplyInput is one item of the Map: a few changes, each with how far it has
// come. ApplyChange's answer is the next turn's input.
type ApplyInput struct {
	Execution   string `json:"execution"`
	Items       []Item `json:"items"`
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// CallsPerSecond is how often this item's child may call Glue; zero means as often as it likes.
	CallsPerSecond float64 `json:"callsPerSecond"`
}

// Item is one change on its way.
type Item struct {
	Change   plan.Change `json:"change"`
	Progress Progress    `json:"progress"`
}

// Progress is how far a change has come. Losing it costs a repeated step, never a wrong one.
type Progress struct {
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	Step        string `json:"step"`
	// StartedAt is when the change was begun, Since when its step was.
	StartedAt time.Time `json:"startedAt"`
	Since     time.Time `json:"since"`
	// RunID is the blueprint run that this execution started, RunStartedAt when.
	RunID        string    `json:"runId,omitempty"`
	RunStartedAt time.Time `json:"runStartedAt,omitzero"`
	// Staging tells that the run is one under the staging name, Staged that it
	// succeeded, Promoted that what it made is live.
	Staging  bool `json:"staging,omitempty"`
	Staged   bool `json:"staged,omitempty"`
	Promoted bool `json:"promoted,omitempty"`
	// Swept tells that leftovers of earlier attempts were removed, Cleared that a trigger in the way was.
	Swept   bool `json:"swept,omitempty"`
	Cleared bool `json:"cleared,omitempty"`
	// Failure is why the change has failed, while what it has made is being removed.
	// Discard tells that the live workflow is what the failed attempt made.
	Failure string `json:"failure,omitempty"`
	Discard bool   `json:"discard,omitempty"`
	// Errors counts turns in a row that failed, Busy those in which Glue was busy with the triggers.
	Errors int `json:"errors,omitempty"`
	Busy   int `json:"busy,omitempty"`

	pace pace
}

// Outcome is how a change ended. Report gathers them from S3.
type Outcome struct {
	Action     plan.Action `json:"action"`
	Catalog    string      `json:"catalog"`
	Table      string      `json:"table"`
	Workflow   string      `json:"workflow"`
	Status     string      `json:"status"`
	Error      string      `json:"error,omitempty"`
	StartedAt  time.Time   `json:"startedAt"`
	FinishedAt time.Time   `json:"finishedAt"`
}

// tableError is a failure that repeating the step cannot mend: like ErrRefused
// it is recorded as the table's outcome. Any other error is tried again.
type tableError struct{ message string }

func (e *tableError) Error() string { return e.message }

func failTable(format string, args ...any) error { return &tableError{fmt.Sprintf(format, args...)} }

// ApplySettings is what the deployed stack says about running blueprints.
type ApplySettings struct {
	RoleARN string
	// MinPoll is the shortest time between two looks at something slow; zero means 2 seconds.
	MinPoll time.Duration
}

// ApplyChange does the next step of every change of one item, and all further
// ones that need not wait, and answers "wait" with the changes that are not
// done yet, or "done". How a change ended is recorded. What Glue holds is read
// for all of them in one call.
func (r *Reconciler) ApplyChange(ctx context.Context, s ApplySettings, in ApplyInput) (ApplyInput, error) {
	out := ApplyInput{Execution: in.Execution, Items: []Item{}, Status: Done, CallsPerSecond: in.CallsPerSecond}
	due := in.Items
	runs := &runWatch{reconciler: r, ended: map[string]BlueprintRun{}}
	begun := r.Now()
	for round := 0; len(due) > 0; round++ {
		next, err := r.round(ctx, s, in.Execution, due, runs)
		if err != nil {
			return ApplyInput{}, err
		}
		due = nil
		for _, item := range next {
			switch {
			case item.Progress.Status != Wait:
			case item.Progress.WaitSeconds == 0 && round < maxRounds && r.Now().Sub(begun) < maxTurn:
				due = append(due, item)
			default:
				item.Progress.WaitSeconds = max(item.Progress.WaitSeconds, 1)
				if out.Status == Done || item.Progress.WaitSeconds < out.WaitSeconds {
					out.WaitSeconds = item.Progress.WaitSeconds
				}
				out.Status = Wait
				out.Items = append(out.Items, item)
			}
		}
	}
	return out, nil
}

// maxRounds bounds the steps of one call; no change has so many without a wait.
// maxTurn ends a call that Glue or its share of the calls slows down well before
// its function times out.
const (
	maxRounds = 12
	maxTurn   = time.Minute
)

// round does one step of each change.
func (r *Reconciler) round(ctx context.Context, s ApplySettings, execution string, items []Item, runs *runWatch) ([]Item, error) {
	next := make([]Item, len(items))
	var due []Item
	for i, item := range items {
		if next[i] = r.stillRuns(ctx, s, item, runs); next[i].Progress.Status == "" {
			due = append(due, item)
		}
	}
	if len(due) == 0 {
		return next, nil
	}
	held, err := r.observe(ctx, due)
	if errors.Is(err, ErrBusy) {
		return waitAll(items), nil
	}
	if err != nil {
		return nil, err
	}
	group := errgroup.Group{}
	group.SetLimit(applyParallel)
	for i, item := range items {
		if next[i].Progress.Status != "" {
			continue
		}
		group.Go(func() error {
			progress, err := r.turn(ctx, s, execution, item, held, runs)
			next[i] = Item{item.Change, progress}
			return err
		})
	}
	return next, group.Wait()
}

// waitAll is for a Glue that has too much to do.
func waitAll(items []Item) []Item {
	next := slices.Clone(items)
	for i := range next {
		next[i].Progress.Status, next[i].Progress.WaitSeconds = Wait, 5
	}
	return next
}

// observe reads the live and the staging workflow of every item.
func (r *Reconciler) observe(ctx context.Context, items []Item) (map[string]Workflow, error) {
	var names []string
	for _, item := range items {
		names = append(names, item.Change.Workflow, plan.Staging(item.Change.Workflow))
	}
	workflows, err := r.Workflows.BatchGetWorkflows(ctx, names)
	if err != nil {
		return nil, err
	}
	held := make(map[string]Workflow, len(workflows))
	for _, w := range workflows {
		held[w.Name] = w
	}
	return held, nil
}

// turn does the next step of one change. Its error is one of recording the outcome.
func (r *Reconciler) turn(ctx context.Context, s ApplySettings, execution string, item Item, held map[string]Workflow, runs *runWatch) (Progress, error) {
	c, p := item.Change, item.Progress
	if p.StartedAt.IsZero() {
		p.StartedAt = r.Now().UTC()
		p.Since = p.StartedAt
	}
	before := p.Step
	next, err := r.step(ctx, s, c, p, held, runs)
	if next.Step != before {
		next.Since = r.Now().UTC()
	}
	if _, ok := errors.AsType[*tableError](err); ok || errors.Is(err, ErrRefused) {
		r.Log.Error("change failed", "table", c.Table, "workflow", c.Workflow, "action", c.Action, "error", err)
		return r.record(ctx, execution, c, next, Failed, err.Error())
	}
	if errors.Is(err, ErrBusy) {
		// Something else is changing the same workflow, or Glue has too much to do: look again.
		next, err = next.wait(cmp.Or(next.Step, "waiting for Glue"), triggersChange), nil
	}
	if err != nil {
		next.Errors++
		r.Log.Warn("step failed", "table", c.Table, "workflow", c.Workflow, "action", c.Action, "turn", next.Errors, "error", err)
		if next.Errors >= limitErrors {
			return r.record(ctx, execution, c, next, Failed, fmt.Sprintf("Glue did not answer as it should %d times in a row: %v. Start the state machine again; what is done stays done", next.Errors, err))
		}
		return r.paced(s, next.wait(next.Step, triggersChange)), nil
	}
	next.Errors = 0
	if next.Status == Wait {
		if waited := r.Now().Sub(next.StartedAt); waited > limitChange {
			return r.record(ctx, execution, c, next, Failed, fmt.Sprintf("gave up after %s while %s. Start the state machine again; what is done stays done", waited.Round(time.Second), next.Step))
		}
		return r.paced(s, next), nil
	}
	r.Log.Info("change applied", "table", c.Table, "workflow", c.Workflow, "action", c.Action)
	return r.record(ctx, execution, c, next, Done, "")
}

func (r *Reconciler) record(ctx context.Context, execution string, c plan.Change, p Progress, status, message string) (Progress, error) {
	p.Status, p.WaitSeconds = status, 0
	key := outcomesPrefix(execution) + url.PathEscape(c.Workflow) + ".json"
	return p, r.putJSON(ctx, key, Outcome{
		Action: c.Action, Catalog: c.Catalog, Table: c.Table, Workflow: c.Workflow,
		Status: status, Error: message, StartedAt: p.StartedAt, FinishedAt: r.Now().UTC(),
	})
}

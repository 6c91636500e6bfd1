package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

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
)

// ApplyInput is one item of the Map: changes, some of which are being worked
// on. ApplyChange's answer is the next turn's input.
type ApplyInput struct {
	Execution string `json:"execution"`
	// Queue are the changes whose turn has not come, Items those that are being worked on.
	Queue []plan.Change `json:"queue"`
	Items []Item        `json:"items"`
	// Slots is how many blueprints run for this item at the same time.
	Slots       int    `json:"slots"`
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// CallsPerSecond is how often this item's child may call Glue; zero means as often as it likes.
	CallsPerSecond float64 `json:"callsPerSecond"`
	// RunSeconds is how long the shortest of this item's blueprint runs took; zero while none has ended.
	RunSeconds float64 `json:"runSeconds,omitempty"`
}

// Item is one change on its way.
type Item struct {
	Change   plan.Change `json:"change"`
	Progress Progress    `json:"progress"`
}

// Progress is how far a change has come. Losing it costs a repeated step, never a wrong one.
type Progress struct {
	Status string `json:"status"`
	Step   string `json:"step"`
	// Due is when the next step is.
	Due time.Time `json:"due,omitzero"`
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
	// Excused is how long a running workflow was waited for.
	Excused time.Duration `json:"excused,omitempty"`

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
	// StepLimit bounds one step of one change; zero means two minutes.
	StepLimit time.Duration
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
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(s.StepLimit, maxStep))
	defer cancel()
	next, err := r.step(bounded, s, c, p, held, runs)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		// Too many calls for the time there is: what was done is found done, and the rest is done next time.
		err = fmt.Errorf("cut off after %s: %w: %w", cmp.Or(s.StepLimit, maxStep), ErrBusy, err)
	}
	if next.Step != before {
		now := r.Now().UTC()
		if awaitsWorkflowRun(before) {
			next.Excused += now.Sub(next.Since)
		}
		next.Since = now
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
		return r.paced(next.wait(next.Step, triggersChange)), nil
	}
	next.Errors = 0
	if next.Status == Wait {
		if waited := r.tried(next); waited > limitChange {
			return r.record(ctx, execution, c, next, Failed, fmt.Sprintf("gave up after %s while %s. Start the state machine again; what is done stays done", waited.Round(time.Second), next.Step))
		}
		return r.paced(next), nil
	}
	r.Log.Info("change applied", "table", c.Table, "workflow", c.Workflow, "action", c.Action)
	return r.record(ctx, execution, c, next, Done, "")
}

// tried is how long the change has been worked on. The time in which a running workflow was waited for does not count.
func (r *Reconciler) tried(p Progress) time.Duration {
	tried := r.Now().Sub(p.StartedAt) - p.Excused
	if awaitsWorkflowRun(p.Step) {
		tried -= r.Now().Sub(p.Since)
	}
	return tried
}

func awaitsWorkflowRun(step string) bool {
	return strings.HasPrefix(step, "waiting for the running workflow to end")
}

func (r *Reconciler) record(ctx context.Context, execution string, c plan.Change, p Progress, status, message string) (Progress, error) {
	p.Status = status
	key := outcomesPrefix(execution) + url.PathEscape(c.Workflow) + ".json"
	return p, r.putJSON(ctx, key, Outcome{
		Action: c.Action, Catalog: c.Catalog, Table: c.Table, Workflow: c.Workflow,
		Status: status, Error: message, StartedAt: p.StartedAt, FinishedAt: r.Now().UTC(),
	})
}

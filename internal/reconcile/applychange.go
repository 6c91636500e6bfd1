package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/plan"
)

// How long ApplyChange asks to wait, and when it gives a table up. A blueprint
// run takes about a minute; one that hangs is known from the field (glue.md §1.3).
const (
	pollRun      = 3 * time.Second
	pollTriggers = 3 * time.Second
	pollRunning  = 30 * time.Second
	limitChange  = 30 * time.Minute
)

// ChangeInput is one item of the Map: a change and how far it has come.
type ChangeInput struct {
	Execution string      `json:"execution"`
	Change    plan.Change `json:"change"`
	Progress  Progress    `json:"progress"`
}

// Progress is ApplyChange's answer, handed back on the next turn of the loop.
// Losing it costs a repeated step, never a wrong one.
type Progress struct {
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	Step        string `json:"step"`
	// RunID is the blueprint run that this execution started.
	RunID     string    `json:"runId"`
	StartedAt time.Time `json:"startedAt"`
	// Cleaned tells that leftovers of an earlier attempt were removed once already.
	Cleaned bool `json:"cleaned"`
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
// it is recorded as the table's outcome. Any other error fails the Task, which is retried.
type tableError struct{ message string }

func (e *tableError) Error() string { return e.message }

func failTable(format string, args ...any) error { return &tableError{fmt.Sprintf(format, args...)} }

// ApplyChange does the next step that brings one workflow in step with its
// table and answers "wait", "done" or "failed". The last two are recorded.
func (r *Reconciler) ApplyChange(ctx context.Context, s ApplySettings, in ChangeInput) (Progress, error) {
	p := in.Progress
	if p.StartedAt.IsZero() {
		p.StartedAt = r.Now().UTC()
	}
	next, err := r.step(ctx, s, in.Change, p)
	if _, ok := errors.AsType[*tableError](err); ok || errors.Is(err, ErrRefused) {
		r.Log.Error("change failed", "table", in.Change.Table, "workflow", in.Change.Workflow, "action", in.Change.Action, "error", err)
		return r.record(ctx, in, next, Failed, err.Error())
	}
	if errors.Is(err, ErrBusy) {
		// Something else is changing the same workflow: look again.
		next.Status, next.WaitSeconds = Wait, int(pollTriggers/time.Second)
		err = nil
	}
	if err != nil {
		return next, err
	}
	if next.Status == Wait {
		if waited := r.Now().Sub(next.StartedAt); waited > limitChange {
			return r.record(ctx, in, next, Failed, fmt.Sprintf("gave up after %s while %s. Start the state machine again; what is done stays done", waited.Round(time.Second), next.Step))
		}
		return next, nil
	}
	r.Log.Info("change applied", "table", in.Change.Table, "workflow", in.Change.Workflow, "action", in.Change.Action)
	return r.record(ctx, in, next, Done, "")
}

// ApplySettings is what the deployed stack says about running the blueprint.
type ApplySettings struct {
	Blueprint string
	RoleARN   string
}

func (r *Reconciler) record(ctx context.Context, in ChangeInput, p Progress, status, message string) (Progress, error) {
	p.Status, p.WaitSeconds = status, 0
	c := in.Change
	key := outcomesPrefix(in.Execution) + url.PathEscape(c.Workflow) + ".json"
	return p, r.putJSON(ctx, key, Outcome{
		Action: c.Action, Catalog: c.Catalog, Table: c.Table, Workflow: c.Workflow,
		Status: status, Error: message, StartedAt: p.StartedAt, FinishedAt: r.Now().UTC(),
	})
}

// step decides by what Glue holds now:
//
//	workflow                              | create, update              | delete
//	none, our blueprint run going on      | wait                        | done
//	none                                  | start a blueprint run       | done
//	not ours                              | conflict                    | conflict
//	ours, fingerprint as wanted           | done                        | remove
//	ours, made by our finished run        | write the fingerprint, done | remove
//	ours, its blueprint run going on      | wait                        | wait
//	ours, otherwise (older or unfinished) | remove, then as none        | remove
func (r *Reconciler) step(ctx context.Context, s ApplySettings, c plan.Change, p Progress) (Progress, error) {
	w, err := r.Workflows.GetWorkflow(ctx, c.Workflow)
	exists := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return p, err
	}
	if exists && w.Owner != c.Owner {
		return p, failTable("workflow %q exists and does not belong to this catalog; nothing of it was touched. Give the table another WorkflowName", c.Workflow)
	}
	if c.Action == plan.Delete {
		if !exists {
			p.Status = Done
			return p, nil
		}
		return r.remove(ctx, s, w, p)
	}
	switch {
	case exists && w.Fingerprint == c.Fingerprint:
		p.Status = Done
		return p, nil
	case p.RunID != "" && (!exists || w.BlueprintRunID == "" || w.BlueprintRunID == p.RunID):
		return r.followRun(ctx, s, c, w, p)
	case !exists:
		return r.startRun(ctx, s, c, p)
	default:
		return r.remove(ctx, s, w, p)
	}
}

func (r *Reconciler) startRun(ctx context.Context, s ApplySettings, c plan.Change, p Progress) (Progress, error) {
	id, err := r.Blueprints.StartBlueprintRun(ctx, s.Blueprint, s.RoleARN, c.Parameters.JSON())
	if err != nil {
		return p, err
	}
	p.RunID = id
	return wait(p, "running the blueprint", pollRun), nil
}

// followRun looks after the blueprint run that this execution started.
func (r *Reconciler) followRun(ctx context.Context, s ApplySettings, c plan.Change, w Workflow, p Progress) (Progress, error) {
	run, err := r.Blueprints.GetBlueprintRun(ctx, s.Blueprint, p.RunID)
	if err != nil {
		return p, err
	}
	switch run.State {
	case "SUCCEEDED":
		if w.Name == "" {
			// A get that is behind the run's end.
			return wait(p, "waiting for the workflow to appear", pollRun), nil
		}
		w.Owner, w.Table, w.Fingerprint = c.Owner, c.Table, c.Fingerprint
		if err := r.Workflows.FinishWorkflow(ctx, w); err != nil {
			return p, err
		}
		p.Status = Done
		return p, nil
	case "FAILED":
		if !p.Cleaned && leftoverInTheWay(run.Error) {
			return r.removeLeftovers(ctx, s, c, p)
		}
		message := fmt.Sprintf("blueprint run %s failed: %s", p.RunID, run.Error)
		if run.RollbackError != "" {
			message += ". Glue could not undo all of it: " + run.RollbackError
		}
		return p, failTable("%s", message)
	default:
		return wait(p, "running the blueprint", pollRun), nil
	}
}

// leftoverInTheWay tells a name taken by a leftover from other failures, by
// Glue's two texts for it (glue.md §1.7).
func leftoverInTheWay(message string) bool {
	return strings.Contains(message, "already exists") || strings.Contains(message, "already submitted")
}

// removeLeftovers clears the start trigger that a deleted workflow left behind,
// if it is this blueprint's and its workflow is gone, and then lets the run be
// tried once more. A workflow that has appeared meanwhile is looked at as any other.
func (r *Reconciler) removeLeftovers(ctx context.Context, s ApplySettings, c plan.Change, p Progress) (Progress, error) {
	p.Cleaned, p.RunID = true, ""
	t, err := r.Entities.GetTrigger(ctx, c.Workflow+"_starting_trigger")
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return p, err
	case t.Blueprint == s.Blueprint && t.Workflow == c.Workflow:
		if err := r.Entities.DeleteTrigger(ctx, t.Name); err != nil {
			return p, err
		}
	}
	return wait(p, "removing what an earlier attempt left", pollTriggers), nil
}

// remove deletes a workflow with its triggers, jobs and crawlers. Jobs go
// before the triggers that name them, and the workflow, which carries the
// owner, goes last: cut off at any point, the next turn finds the rest.
func (r *Reconciler) remove(ctx context.Context, s ApplySettings, w Workflow, p Progress) (Progress, error) {
	if w.Running {
		return wait(p, "waiting for the running workflow to end", pollRunning), nil
	}
	if w.Fingerprint == "" && w.BlueprintRunID != "" {
		run, err := r.Blueprints.GetBlueprintRun(ctx, s.Blueprint, w.BlueprintRunID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return p, err
		}
		if run.State == "RUNNING" || run.State == "ROLLING_BACK" {
			return wait(p, "waiting for an earlier blueprint run to end", pollRun), nil
		}
		// The run may have made its job and trigger after the workflow was read.
		w, err = r.Workflows.GetWorkflow(ctx, w.Name)
		if errors.Is(err, ErrNotFound) {
			return wait(p, "looking again", time.Second), nil
		}
		if err != nil {
			return p, err
		}
	}
	p.RunID = ""
	if err := r.stopTriggers(ctx, w); err != nil {
		return p, err
	}
	for _, name := range w.Jobs {
		if err := r.Entities.DeleteJob(ctx, name); err != nil {
			return p, err
		}
	}
	for _, name := range w.Crawlers {
		if err := r.Entities.DeleteCrawler(ctx, name); err != nil {
			return p, err
		}
	}
	if len(w.Triggers) > 0 {
		// One trigger of a workflow at a time: Glue refuses overlapping changes.
		for _, t := range w.Triggers {
			if t.State == "DELETING" {
				continue
			}
			if err := r.Entities.DeleteTrigger(ctx, t.Name); err != nil {
				return p, err
			}
		}
		return wait(p, "waiting for the triggers to be deleted", pollTriggers), nil
	}
	if err := r.Workflows.DeleteWorkflow(ctx, w.Name); err != nil {
		return p, err
	}
	return wait(p, "deleting the workflow", time.Second), nil
}

func (r *Reconciler) stopTriggers(ctx context.Context, w Workflow) error {
	for _, t := range w.Triggers {
		if t.State != "ACTIVATED" {
			continue
		}
		if err := r.Entities.StopTrigger(ctx, t.Name); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

func wait(p Progress, step string, d time.Duration) Progress {
	p.Status, p.Step, p.WaitSeconds = Wait, step, int(d/time.Second)
	return p
}

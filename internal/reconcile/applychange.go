package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
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
		next, err = next.wait(cmpOr(next.Step, "waiting for Glue"), triggersChange), nil
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

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (r *Reconciler) record(ctx context.Context, execution string, c plan.Change, p Progress, status, message string) (Progress, error) {
	p.Status, p.WaitSeconds = status, 0
	key := outcomesPrefix(execution) + url.PathEscape(c.Workflow) + ".json"
	return p, r.putJSON(ctx, key, Outcome{
		Action: c.Action, Catalog: c.Catalog, Table: c.Table, Workflow: c.Workflow,
		Status: status, Error: message, StartedAt: p.StartedAt, FinishedAt: r.Now().UTC(),
	})
}

// step decides by what Glue holds now:
//
//	live workflow                       | create, update                          | delete, clean
//	any, leftovers of earlier attempts  | remove these first                      | remove these first
//	not ours                            | conflict                                | conflict
//	ours, fingerprint as wanted         | remove the staging workflow, then done  | remove
//	ours, older, or its run succeeded   | stage: run the blueprint, then promote  | remove
//	ours, unfinished, its run going on  | wait; with our run then finish it       | wait, then remove
//	ours, unfinished, its run failed    | remove, then as none                    | remove
//	none                                | run the blueprint, then finish          | done
//
// Clean removes the staging workflow instead of the live one.
func (r *Reconciler) step(ctx context.Context, s ApplySettings, c plan.Change, p Progress, held map[string]Workflow, runs *runWatch) (Progress, error) {
	w, exists := held[c.Workflow]
	staged, hasStaged := held[plan.Staging(c.Workflow)]
	for _, found := range []struct {
		w      Workflow
		exists bool
	}{{w, exists && c.Action != plan.Clean}, {staged, hasStaged}} {
		if ours, err := r.owns(ctx, c, p, found.w); err != nil {
			return p, err
		} else if found.exists && !ours {
			return p, failTable("workflow %q exists and does not belong to this catalog; nothing of it was touched. Give the table another WorkflowName", found.w.Name)
		}
	}
	if len(c.Leftovers) > 0 && !p.Swept {
		return r.sweep(ctx, c, p, w, staged)
	}
	switch {
	case c.Action == plan.Delete && exists:
		return r.remove(ctx, c, w, p)
	case c.Action == plan.Delete, c.Action == plan.Clean, exists && w.Fingerprint == c.Fingerprint && (!c.Repair || p.Promoted):
		if hasStaged {
			return r.remove(ctx, c, staged, p)
		}
		if p.Failure != "" {
			return p, failTable("%s", p.Failure)
		}
		p.Status = Done
		return p, nil
	case p.Failure != "":
		return r.giveUp(ctx, c, p, w, staged)
	case exists && w.Fingerprint == "" && !c.Adopt:
		return r.unfinished(ctx, s, c, p, w, staged, runs)
	case exists:
		return r.stage(ctx, s, c, p, w, staged, runs)
	case hasStaged:
		p.RunID = ""
		return r.remove(ctx, c, staged, p)
	case p.RunID != "" && !p.Staging:
		return r.follow(ctx, c, p, w, runs)
	default:
		p.Staging = false
		return r.startRun(ctx, s, c, p, c.Parameters)
	}
}

// owns tells whether the workflow is this change's: by the owner kept on it, by
// the parameters of the blueprint run that made it, or because the catalog adopts it.
func (r *Reconciler) owns(ctx context.Context, c plan.Change, p Progress, w Workflow) (bool, error) {
	switch {
	case w.Name == "":
		return true, nil
	case w.Owner == "" && p.RunID != "" && (w.BlueprintRunID == "" || w.BlueprintRunID == p.RunID):
		return true, nil
	case w.Owner != "":
		return w.Owner == c.Owner, nil
	case c.Adopt && w.Name == c.Workflow && w.Blueprint != "":
		return true, nil
	}
	owner, err := r.runOwner(ctx, w)
	return owner == c.Owner, err
}

// runOwner is the Owner that the blueprint run which made the workflow was given.
func (r *Reconciler) runOwner(ctx context.Context, w Workflow) (string, error) {
	if w.Blueprint == "" || w.BlueprintRunID == "" {
		return "", nil
	}
	run, err := r.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrRefused) {
		// A run that is no longer known, or a blueprint that this role must not read, proves nothing.
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return run.owner(), nil
}

func (r *Reconciler) startRun(ctx context.Context, s ApplySettings, c plan.Change, p Progress, v plan.Values) (Progress, error) {
	id, err := r.Blueprints.StartBlueprintRun(ctx, c.Blueprint.Name, s.RoleARN, v.JSON())
	if err != nil {
		return p, err
	}
	p.RunID, p.RunStartedAt, p.Staged = id, r.Now().UTC(), false
	return p.wait(stepRunning, blueprintRun), nil
}

// stage runs the blueprint under the staging name and promotes what it makes.
func (r *Reconciler) stage(ctx context.Context, s ApplySettings, c plan.Change, p Progress, live, staged Workflow, runs *runWatch) (Progress, error) {
	switch {
	case staged.Name != "" && (p.RunID == "" || staged.BlueprintRunID != "" && staged.BlueprintRunID != p.RunID):
		// Of an attempt that was cut off, maybe while the live start trigger was replaced.
		if whole, err := r.restoreStart(ctx, c, live, staged); err != nil || !whole {
			return p.wait("bringing the start trigger back", triggersChange), err
		}
		p.RunID = ""
		return r.remove(ctx, c, staged, p)
	case p.RunID == "" || !p.Staging:
		p.Staging = true
		return r.startRun(ctx, s, c, p, plan.StagingParameters(c.Parameters))
	case !p.Staged:
		run, err := runs.get(ctx, c.Blueprint.Name, p)
		if err != nil {
			return p, err
		}
		if run.State == "FAILED" {
			return r.runFailed(ctx, c, p, run)
		}
		if run.State != "SUCCEEDED" {
			return p.wait(stepRunning, blueprintRun), nil
		}
		p.Staged = true
		// The run may have made its job and trigger after the workflow was read.
		return p.wait("reading what the blueprint made", now), nil
	case staged.Name == "":
		return p.wait("waiting for the workflow to appear", blueprintRun), nil
	}
	next, err := r.promote(ctx, c, p, live, staged)
	if _, ok := errors.AsType[*tableError](err); ok || errors.Is(err, ErrRefused) {
		// What was staged goes before the table fails.
		next.Failure = err.Error()
		return next.wait("removing the staging workflow", now), nil
	}
	return next, err
}

// unfinished looks after a live workflow without a fingerprint.
func (r *Reconciler) unfinished(ctx context.Context, s ApplySettings, c plan.Change, p Progress, w, staged Workflow, runs *runWatch) (Progress, error) {
	if p.RunID != "" && !p.Staging && (w.BlueprintRunID == "" || w.BlueprintRunID == p.RunID) {
		return r.follow(ctx, c, p, w, runs)
	}
	if w.BlueprintRunID == "" {
		return r.stage(ctx, s, c, p, w, staged, runs)
	}
	run, err := r.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return p, err
	}
	if run.State == "SUCCEEDED" || run.State == "" && broken(w) == "" {
		// It may be at work already: no gap for it either. A run that Glue no longer knows is an old one.
		return r.stage(ctx, s, c, p, w, staged, runs)
	}
	return r.remove(ctx, c, w, p)
}

// follow looks after the blueprint run that this execution started for a new workflow.
func (r *Reconciler) follow(ctx context.Context, c plan.Change, p Progress, w Workflow, runs *runWatch) (Progress, error) {
	run, err := runs.get(ctx, c.Blueprint.Name, p)
	if err != nil {
		return p, err
	}
	switch {
	case run.State == "FAILED":
		p.Discard = true
		return r.runFailed(ctx, c, p, run)
	case run.State != "SUCCEEDED":
		return p.wait(stepRunning, blueprintRun), nil
	case w.Name == "":
		// A get that is behind the run's end.
		return p.wait("waiting for the workflow to appear", blueprintRun), nil
	}
	if problem := wrongSchedule(c, w); problem != "" {
		p.Failure, p.Discard = problem, true
		return p.wait("removing what the layout made", now), nil
	}
	if err := r.tagEntities(ctx, c, w); err != nil {
		return p, err
	}
	if err := r.finish(ctx, c, w); err != nil {
		return p, err
	}
	p.Status = Done
	return p, nil
}

// wrongSchedule says that a user's layout does not take its schedule from the
// parameters: its updates could not be staged without firing.
func wrongSchedule(c plan.Change, w Workflow) string {
	want := scheduleOf(c.Parameters)
	for _, t := range w.Triggers {
		if t.Type != conditional && t.Type != "" && t.Schedule != want {
			return fmt.Sprintf("the layout's start trigger has the schedule %q, and the catalog says %q: a layout must take its schedule from JobScheduleType and ScheduleCronPattern", t.Schedule, want)
		}
	}
	return ""
}

// tagEntities marks the jobs and crawlers of a user's layout, so that they are
// known again when an attempt is cut off. The shipped layout marks its own.
func (r *Reconciler) tagEntities(ctx context.Context, c plan.Change, w Workflow) error {
	if c.Blueprint.Key == BlueprintKey {
		return nil
	}
	for kind, names := range map[string][]string{plan.JobEntity: w.Jobs, plan.CrawlerEntity: w.Crawlers} {
		for _, name := range names {
			if err := r.Entities.SetTags(ctx, kind, name, r.ownTags(c), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// runFailed clears a name in the way once, and otherwise has what the run left removed before the table fails.
func (r *Reconciler) runFailed(ctx context.Context, c plan.Change, p Progress, run BlueprintRun) (Progress, error) {
	if !p.Cleared && leftoverInTheWay(run.Error) {
		p.Cleared, p.RunID = true, ""
		for _, workflow := range []string{c.Workflow, plan.Staging(c.Workflow)} {
			if err := r.removeStartTrigger(ctx, c, workflow); err != nil {
				return p, err
			}
		}
		return p.wait("removing what an earlier attempt left", triggersGo), nil
	}
	p.Failure = fmt.Sprintf("blueprint run %s failed: %s", p.RunID, run.Error)
	if run.RollbackError != "" {
		p.Failure += ". Glue could not undo all of it: " + run.RollbackError
	}
	return p.wait("removing what the failed blueprint run left", now), nil
}

// leftoverInTheWay tells a name taken by a leftover from other failures, by
// Glue's two texts for it (glue.md §1.7).
func leftoverInTheWay(message string) bool {
	return strings.Contains(message, "already exists") || strings.Contains(message, "already submitted")
}

// removeStartTrigger clears the start trigger that a deleted workflow left
// behind, if a blueprint or this catalog made it and its workflow is gone.
func (r *Reconciler) removeStartTrigger(ctx context.Context, c plan.Change, workflow string) error {
	triggers, err := r.Entities.GetTriggers(ctx, []string{workflow + startSuffix})
	if err != nil || len(triggers) == 0 {
		return err
	}
	tags, err := r.Entities.Tags(ctx, plan.TriggerEntity, triggers[0].Name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if triggers[0].Workflow != workflow || tags[blueprintTag] != c.Blueprint.Name && tags[ownerTag] != TagValue(c.Owner) {
		return nil
	}
	held, err := r.Workflows.BatchGetWorkflows(ctx, []string{workflow})
	if err != nil || len(held) > 0 {
		return err
	}
	return r.Entities.DeleteTrigger(ctx, triggers[0].Name)
}

// startSuffix ends the name that Glue's library gives a start trigger, and
// blueprintTag is the tag that Glue puts on the triggers of a blueprint run (glue.md §1.8).
const (
	startSuffix  = "_starting_trigger"
	blueprintTag = "BlueprintName"
)

// giveUp removes what a failed attempt has made and then fails the table. A
// live workflow that works is left as it was.
func (r *Reconciler) giveUp(ctx context.Context, c plan.Change, p Progress, w, staged Workflow) (Progress, error) {
	p.RunID = ""
	switch {
	case staged.Name != "":
		return r.remove(ctx, c, staged, p)
	case w.Name != "" && p.Discard:
		return r.remove(ctx, c, w, p)
	}
	return p, failTable("%s", p.Failure)
}

// sweep removes what no workflow holds.
func (r *Reconciler) sweep(ctx context.Context, c plan.Change, p Progress, live, staged Workflow) (Progress, error) {
	inUse := map[plan.Entity]bool{}
	for _, w := range []Workflow{live, staged} {
		for _, name := range w.Jobs {
			inUse[plan.Entity{Kind: plan.JobEntity, Name: name}] = true
		}
		for _, name := range w.Crawlers {
			inUse[plan.Entity{Kind: plan.CrawlerEntity, Name: name}] = true
		}
		for _, t := range w.Triggers {
			inUse[plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}] = true
		}
	}
	for _, e := range c.Leftovers {
		if inUse[e] {
			continue
		}
		if err := r.deleteEntity(ctx, e); err != nil {
			return p, err
		}
	}
	p.Swept = true
	return p.wait("removing what an earlier attempt left", triggersGo), nil
}

func (r *Reconciler) deleteEntity(ctx context.Context, e plan.Entity) error {
	switch e.Kind {
	case plan.JobEntity:
		return r.Entities.DeleteJob(ctx, e.Name)
	case plan.CrawlerEntity:
		return r.Entities.DeleteCrawler(ctx, e.Name)
	default:
		return r.Entities.DeleteTrigger(ctx, e.Name)
	}
}

// remove deletes a workflow with its triggers, jobs and crawlers. Jobs go
// before the triggers that name them, and the workflow, which carries the
// owner, goes last: cut off at any point, the next turn finds the rest.
func (r *Reconciler) remove(ctx context.Context, c plan.Change, w Workflow, p Progress) (Progress, error) {
	if w.RunID != "" && !(c.StopRunning && c.Action == plan.Delete) {
		return p.wait("waiting for the running workflow to end", workflowRun), nil
	}
	if w.RunID != "" {
		if err := r.Workflows.StopWorkflowRun(ctx, w.Name, w.RunID); err != nil && !errors.Is(err, ErrRefused) {
			return p, err
		}
		return p.wait("stopping the running workflow", triggersGo), nil
	}
	if ended := p.Promoted && p.RunID == w.BlueprintRunID; w.Fingerprint == "" && w.BlueprintRunID != "" && !ended {
		going, err := r.runGoesOn(ctx, w)
		if err != nil {
			return p, err
		}
		if going {
			return p.wait("waiting for an earlier blueprint run to end", blueprintRun), nil
		}
		// The run may have made its job and trigger after the workflow was read.
		again, err := r.Workflows.BatchGetWorkflows(ctx, []string{w.Name})
		if err != nil {
			return p, err
		}
		if len(again) == 0 {
			return p.wait("looking again", now), nil
		}
		w = again[0]
	}
	// The schedule first: what it started meanwhile is seen at the next turn, before anything is taken away.
	if stopped, err := r.stopTriggers(ctx, w, scheduled); err != nil || stopped {
		return p.wait("stopping the schedule", triggersChange), err
	}
	if _, err := r.stopTriggers(ctx, w, conditional); err != nil {
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
		return p.wait("waiting for the triggers to be deleted", triggersGo), nil
	}
	if err := r.Workflows.DeleteWorkflow(ctx, w.Name); err != nil {
		return p, err
	}
	return p.wait("deleting the workflow", now), nil
}

// stopTriggers stops the active triggers of a type and tells whether there were any.
func (r *Reconciler) stopTriggers(ctx context.Context, w Workflow, kind string) (bool, error) {
	stopped := false
	for _, t := range w.Triggers {
		if t.Type != kind || t.State != "ACTIVATED" {
			continue
		}
		if err := r.Entities.StopTrigger(ctx, t.Name); err != nil && !errors.Is(err, ErrRefused) {
			return false, err
		}
		stopped = true
	}
	return stopped, nil
}

// runGoesOn tells whether the blueprint run that made the workflow may still make something of it.
func (r *Reconciler) runGoesOn(ctx context.Context, w Workflow) (bool, error) {
	run, err := r.Blueprints.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	going := run.State == "RUNNING" || run.State == "ROLLING_BACK"
	return going && r.Now().Sub(run.StartedAt) < hungRun, nil
}

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

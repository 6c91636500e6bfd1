package applychange

import (
	"time"

	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// Step is what a change waits for. It decides nothing that cannot be read from
// Glue again: an unknown one, such as an older version wrote, costs a repeated step.
type Step int

// The steps.
const (
	StepNone Step = iota
	RunningBlueprint
	AwaitingWorkflow
	ReadingStaged
	RemovingStaged
	RemovingMisscheduled
	RemovingFailedRun
	RemovingLeftovers
	RestoringStart
	UpdatingTriggers
	AwaitingRunToDrop
	DroppingEntities
	AwaitingRunToRemove
	StoppingRun
	AwaitingBlueprintRun
	ReadingAgain
	StoppingSchedule
	DeletingTriggers
	DeletingWorkflow
	AwaitingGlue
)

// steps are the name of each step in JSON, what it is called in messages, and how
// long it waits before the next poll.
var steps = [...]struct {
	name, text string
	backoff    timing.Backoff
}{
	StepNone:             {"", "waiting for Glue", timing.TriggerChange},
	RunningBlueprint:     {"runningBlueprint", "running the blueprint", timing.BlueprintRun},
	AwaitingWorkflow:     {"awaitingWorkflow", "waiting for the workflow to appear", timing.BlueprintRun},
	ReadingStaged:        {"readingStaged", "reading what the blueprint made", timing.Immediately},
	RemovingStaged:       {"removingStaged", "removing the staging workflow", timing.Immediately},
	RemovingMisscheduled: {"removingMisscheduled", "removing what the layout made", timing.Immediately},
	RemovingFailedRun:    {"removingFailedRun", "removing what the failed blueprint run left", timing.Immediately},
	RemovingLeftovers:    {"removingLeftovers", "removing what an earlier attempt left", timing.TriggerDeletion},
	RestoringStart:       {"restoringStart", "restoring the start trigger", timing.TriggerChange},
	UpdatingTriggers:     {"updatingTriggers", "updating the triggers", timing.TriggerChange},
	AwaitingRunToDrop:    {"awaitingRunToDrop", "waiting for the running workflow to end, to remove what is no longer made", timing.WorkflowRun},
	DroppingEntities:     {"droppingEntities", "removing what is no longer made", timing.TriggerDeletion},
	AwaitingRunToRemove:  {"awaitingRunToRemove", "waiting for the running workflow to end", timing.WorkflowRun},
	StoppingRun:          {"stoppingRun", "stopping the running workflow", timing.TriggerDeletion},
	AwaitingBlueprintRun: {"awaitingBlueprintRun", "waiting for an earlier blueprint run to end", timing.BlueprintRun},
	ReadingAgain:         {"readingAgain", "reading the workflow again", timing.Immediately},
	StoppingSchedule:     {"stoppingSchedule", "stopping the schedule", timing.TriggerChange},
	DeletingTriggers:     {"deletingTriggers", "waiting for the triggers to be deleted", timing.TriggerDeletion},
	DeletingWorkflow:     {"deletingWorkflow", "deleting the workflow", timing.Immediately},
	AwaitingGlue:         {"awaitingGlue", "waiting for Glue", timing.TriggerChange},
}

// String is the step in messages.
func (s Step) String() string { return steps[s].text }

// MarshalText implements encoding.TextMarshaler.
func (s Step) MarshalText() ([]byte, error) { return []byte(steps[s].name), nil }

// UnmarshalText implements encoding.TextUnmarshaler. An unknown name is StepNone.
func (s *Step) UnmarshalText(name []byte) error {
	*s = StepNone
	for i, step := range steps {
		if step.name == string(name) {
			*s = Step(i)
		}
	}
	return nil
}

// awaitsWorkflowRun reports whether the step lasts as long as a load does.
func (s Step) awaitsWorkflowRun() bool { return s == AwaitingRunToDrop || s == AwaitingRunToRemove }

// Progress is how far a change has come. Losing it costs a repeated step, never a wrong one.
type Progress struct {
	Status string `json:"status"`
	Step   Step   `json:"step"`
	// Due is when the next step is.
	Due time.Time `json:"due,omitzero"`
	// StartedAt is when the change was begun, Since when its step was.
	StartedAt time.Time `json:"startedAt"`
	Since     time.Time `json:"since"`
	// RunID is the blueprint run that this execution started, RunStartedAt when.
	RunID        string    `json:"runId,omitempty"`
	RunStartedAt time.Time `json:"runStartedAt,omitzero"`
	// Staging reports that the run is one under the staging name, Staged that it
	// succeeded, Promoted that what it made is live.
	Staging  bool `json:"staging,omitempty"`
	Staged   bool `json:"staged,omitempty"`
	Promoted bool `json:"promoted,omitempty"`
	// Swept reports that leftovers of earlier attempts were removed, Cleared that a trigger in the way was.
	Swept   bool `json:"swept,omitempty"`
	Cleared bool `json:"cleared,omitempty"`
	// Failure is why the change has failed, while what it has made is being removed.
	// Discard reports that the live workflow is what the failed attempt made.
	Failure string `json:"failure,omitempty"`
	Discard bool   `json:"discard,omitempty"`
	// Errors counts steps in a row that failed, Busy those in which Glue was busy with the triggers.
	Errors int `json:"errors,omitempty"`
	Busy   int `json:"busy,omitempty"`
	// AwaitedRuns is how long the change has waited for running workflows in earlier steps.
	AwaitedRuns time.Duration `json:"awaitedRuns,omitempty"`
}

// wait says that the change waits for something.
func (p *Progress) wait(s Step) { p.Status, p.Step = reconcile.Wait, s }

// schedule sets when the next step is.
func (p *Progress) schedule(now time.Time, b timing.Backoff) {
	p.Due = now.Add(b.Next(now.Sub(p.Since)))
}

// enter keeps count of time when the step is no longer the one before.
func (p *Progress) enter(before Step, now time.Time) {
	if p.Step == before {
		return
	}
	if before.awaitsWorkflowRun() {
		p.AwaitedRuns += now.Sub(p.Since)
	}
	p.Since = now
}

// tried is how long the change has been worked on, without the time in which it waited for running workflows.
func (p *Progress) tried(now time.Time) time.Duration {
	tried := now.Sub(p.StartedAt) - p.AwaitedRuns
	if p.Step.awaitsWorkflowRun() {
		tried -= now.Sub(p.Since)
	}
	return tried
}

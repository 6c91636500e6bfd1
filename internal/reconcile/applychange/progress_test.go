package applychange

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/reconcile/timing"
)

// Progress goes through the state machine as JSON, and an execution may outlive an upgrade.
func TestStepAsJSON(t *testing.T) {
	names := map[string]bool{}
	for s := StepNone; int(s) < len(steps); s++ {
		data, err := json.Marshal(Progress{Step: s})
		if err != nil {
			t.Fatal(err)
		}
		var back Progress
		if err := json.Unmarshal(data, &back); err != nil || back.Step != s {
			t.Errorf("%s came back as %s, %v", s, back.Step, err)
		}
		if s.String() == "" || names[steps[s].name] {
			t.Errorf("step %d has no text, or the name %q twice", s, steps[s].name)
		}
		names[steps[s].name] = true
	}
	for _, name := range []string{"running the blueprint", "of a later version", ""} {
		p := Progress{Step: DeletingTriggers}
		if err := json.Unmarshal([]byte(`{"step": "`+name+`", "runId": "r"}`), &p); err != nil || p.Step != StepNone || p.RunID != "r" {
			t.Errorf("%q: %+v, %v; want no step and the rest", name, p, err)
		}
	}
}

// How long a load takes is the table's own: waiting for it does not bring a change nearer to its limit.
func TestTriedDoesNotCountRunningWorkflows(t *testing.T) {
	at := func(minutes int) time.Time { return time.Date(2026, 6, 1, 12, minutes, 0, 0, time.UTC) }
	p := Progress{StartedAt: at(0), Since: at(0), Step: StoppingSchedule}
	p.wait(AwaitingRunToRemove)
	p.enter(StoppingSchedule, at(5))
	if got := p.tried(at(50)); got != 5*time.Minute {
		t.Errorf("tried for %s while the workflow runs, want 5m", got)
	}
	p.wait(DeletingTriggers)
	p.enter(AwaitingRunToRemove, at(50))
	if got := p.tried(at(57)); got != 12*time.Minute {
		t.Errorf("tried for %s after it, want 12m", got)
	}
}

func TestBackoff(t *testing.T) {
	b := timing.Backoff{Initial: 10 * time.Second, Floor: time.Second, Ceiling: 20 * time.Second, Fraction: 20}
	for elapsed, want := range map[time.Duration]time.Duration{
		0:                10 * time.Second, // nothing can have ended before
		8 * time.Second:  2 * time.Second,
		15 * time.Second: time.Second, // the floor
		2 * time.Minute:  6 * time.Second,
		time.Hour:        20 * time.Second, // the ceiling
	} {
		if got := b.Next(elapsed); got != want {
			t.Errorf("after %s: %s, want %s", elapsed, got, want)
		}
	}
	if got := timing.Immediately.Next(time.Hour); got != 0 {
		t.Errorf("immediately is %s", got)
	}
}

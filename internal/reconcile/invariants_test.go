package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/winebarrel/cronplan"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/plan"
)

// invariants checks the invariant of docs/adr/0007 against the state of Glue after
// every single call, those that a blueprint run makes by itself too.
type invariants struct {
	w  *system
	mu sync.Mutex
	// schedules are those that a workflow may have, by name: the old and the new
	// one; "" is on demand. Workflows that are not in it may go.
	schedules map[string][]string
	// working are the workflows that have been seen to work.
	working  map[string]bool
	looks    int
	problems []string
	pauses   bool // triggers may be stopped for an update
}

func newInvariants(w *system) *invariants {
	return &invariants{w: w, schedules: map[string][]string{}, working: map[string]bool{}}
}

// expect says which workflows are wanted and with which schedule, beside what was expected before.
func (k *invariants) expect(schedules map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.schedules {
		if _, kept := schedules[name]; !kept {
			delete(k.schedules, name)
			delete(k.working, name)
		}
	}
	for name, schedule := range schedules {
		if !slices.Contains(k.schedules[name], schedule) {
			k.schedules[name] = append(k.schedules[name], schedule)
		}
	}
}

// converged forgets the old schedules.
func (k *invariants) converged(schedules map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.schedules)
	for name, schedule := range schedules {
		k.schedules[name] = []string{schedule}
	}
}

func (k *invariants) called(c localglue.Call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	observed := k.w.server.Snapshot()
	k.looks++
	for name := range observed.Workflows {
		if plan.IsStaging(name) {
			k.staging(c, observed, name)
		}
	}
	for name := range k.schedules {
		problem := k.broken(observed, name)
		w, exists := observed.Workflows[name]
		if problem == "" && exists && w.Properties["landfall:fingerprint"] != "" {
			k.working[name] = true
		}
		if problem != "" && k.working[name] {
			k.add("after %s %s: %s: %s", c.Operation, c.Request, name, problem)
		}
	}
}

func (k *invariants) add(format string, args ...any) {
	if len(k.problems) < 20 {
		k.problems = append(k.problems, fmt.Sprintf(format, args...))
	}
}

// staging must not fire.
func (k *invariants) staging(c localglue.Call, observed localglue.Snapshot, name string) {
	for _, t := range observed.Triggers {
		if t.Workflow == name && t.Type == "SCHEDULED" {
			k.add("after %s %s: the staging workflow %s has a schedule", c.Operation, c.Request, name)
		}
	}
	if observed.Workflows[name].Running > 0 {
		k.add("after %s %s: the staging workflow %s runs", c.Operation, c.Request, name)
	}
}

// broken says why the workflow does not work, or fires twice.
func (k *invariants) broken(observed localglue.Snapshot, name string) string {
	w, exists := observed.Workflows[name]
	if !exists {
		return "it is gone"
	}
	starts := 0
	for _, t := range observed.Triggers {
		if t.State == "DELETING" || t.Workflow != name {
			continue
		}
		for _, entity := range slices.Concat(t.Starts, t.WaitsFor) {
			if _, isJob := observed.Jobs[entity]; !isJob && !slices.Contains(observed.Crawlers, entity) {
				return fmt.Sprintf("trigger %s names %s, which does not exist", t.Name, entity)
			}
		}
		if problem := k.inactive(t); problem != "" {
			return problem
		}
		if t.Type == "CONDITIONAL" {
			continue
		}
		starts++
		if !slices.Contains(k.schedules[name], t.Schedule) {
			return fmt.Sprintf("trigger %s has the schedule %q, want one of %q", t.Name, t.Schedule, k.schedules[name])
		}
	}
	switch {
	case starts > 1:
		return "it has two start triggers"
	case starts == 0 && w.Properties["landfall:fingerprint"] == plan.Updating && k.startable(observed, plan.Staging(name)):
		// The start trigger is being replaced by one of another type; meanwhile the same can be started here.
		return ""
	case starts == 0:
		return "it has no start trigger"
	}
	return ""
}

// startable reports whether a staging workflow could be started by hand.
func (k *invariants) startable(observed localglue.Snapshot, name string) bool {
	if _, exists := observed.Workflows[name]; !exists {
		return false
	}
	return slices.ContainsFunc(observed.Triggers, func(t localglue.SnapshotTrigger) bool {
		return t.Workflow == name && t.Type == "ON_DEMAND" && t.State != "DELETING" && !slices.ContainsFunc(t.Starts, func(job string) bool {
			_, exists := observed.Jobs[job]
			return !exists && !slices.Contains(observed.Crawlers, job)
		})
	})
}

// inactive returns a trigger that does not do its work; a pause is allowed where
// Glue takes no other way, and where nothing falls into it.
func (k *invariants) inactive(t localglue.SnapshotTrigger) string {
	switch {
	case t.Type == "ON_DEMAND" || t.State == "ACTIVATED" || t.State == "ACTIVATING" || t.State == "UPDATING":
		return ""
	case !k.pauses:
		return fmt.Sprintf("trigger %s is %s", t.Name, t.State)
	case t.Type == "SCHEDULED":
		inner := strings.TrimSuffix(strings.TrimPrefix(t.Schedule, "cron("), ")")
		parsed, err := cronplan.Parse(inner)
		if err != nil {
			return err.Error()
		}
		if next := parsed.Next(k.w.now()); next.Sub(k.w.now()) < 4*time.Minute {
			return fmt.Sprintf("trigger %s is %s and due at %s", t.Name, t.State, next)
		}
	}
	return ""
}

// check fails the test when the invariant did not hold, or was never looked at.
func (k *invariants) check() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.w.t.Helper()
	if k.looks == 0 {
		k.w.t.Error("the invariant was never checked")
	}
	for _, problem := range k.problems {
		k.w.t.Errorf("invariant: %s", problem)
	}
	k.problems = nil
}

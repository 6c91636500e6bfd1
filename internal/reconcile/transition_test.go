package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

// cron and onDemand are the parts of an entry that say what starts it.
func cron(pattern string) string {
	return fmt.Sprintf(`, "JobScheduleType": "Cron", "ScheduleCronPattern": %q`, pattern)
}

const workers = `, "NumberOfWorkers": 3`

// transition is two catalogs; every kind of change leads from the first to the second.
type transition struct {
	before, after []string
	// from and to are the schedules by workflow.
	from, to map[string]string
}

var everyChange = transition{
	before: []string{
		table("hr.kept"), table("hr.cron") + cron("0 1 * * ? *"), table("hr.stops") + cron("0 2 * * ? *"), table("hr.starts"), table("hr.gone"),
	},
	after: []string{
		table("hr.kept"), table("hr.cron") + cron("0 3 * * ? *") + workers, table("hr.stops") + workers, table("hr.starts") + cron("0 4 * * ? *"), table("hr.new") + cron("0 5 * * ? *"),
	},
	from: map[string]string{"hr_hr_kept": "", "hr_hr_cron": "cron(0 1 * * ? *)", "hr_hr_stops": "cron(0 2 * * ? *)", "hr_hr_starts": "", "hr_hr_gone": ""},
	to:   map[string]string{"hr_hr_kept": "", "hr_hr_cron": "cron(0 3 * * ? *)", "hr_hr_stops": "", "hr_hr_starts": "cron(0 4 * * ? *)", "hr_hr_new": "cron(0 5 * * ? *)"},
}

// begin deploys the first catalog and uploads the second.
func (tr transition) begin(w *system) {
	w.t.Helper()
	w.invariants.expect(tr.from)
	w.upload("hr", true, tr.before...)
	if got := w.execute(w.t.Context(), ""); got.Status != "Succeeded" {
		w.t.Fatalf("the first catalog: %+v", got)
	}
	w.invariants.converged(tr.from)
	w.upload("hr", true, tr.after...)
	w.invariants.expect(tr.to)
	for name := range tr.from {
		if _, kept := tr.to[name]; kept {
			continue
		}
		w.invariants.mu.Lock()
		delete(w.invariants.schedules, name)
		w.invariants.mu.Unlock()
	}
}

// end executes once more and compares what Glue then has with the second catalog.
func (tr transition) end(w *system) {
	w.t.Helper()
	got, err := w.start(w.t.Context(), reconcile.Request{})
	if err != nil || got.Status != "Succeeded" {
		w.t.Fatalf("the execution after: %v %s\n%s", err, got.Status, got.Cause)
	}
	tr.check(w)
}

func (tr transition) check(w *system) {
	w.t.Helper()
	want := []string{}
	for _, name := range slices.Sorted(maps.Keys(tr.to)) {
		want = append(want, name+" finished: 1 job, 1 trigger")
	}
	w.want(want...)
	if diff := cmp.Diff(tr.to, w.schedules()); diff != "" {
		w.t.Errorf("schedules (-want +got):\n%s", diff)
	}
	for _, t := range w.settled().Triggers {
		if t.Type == "SCHEDULED" && t.State != "ACTIVATED" {
			w.t.Errorf("trigger %s is %s", t.Name, t.State)
		}
	}
	w.invariants.check()
}

var behaviours = map[string]localglue.Unknowns{
	"the stricter answers":                    {},
	"omitted fields are kept":                 {UpdateKeepsOmitted: true},
	"triggers go with their workflow":         {DeleteWorkflowTriggers: true},
	"deleting what is gone fails":             {DeleteMissingFails: true},
	"a blueprint may run while updating":      {StartWhileUpdating: true},
	"wrong parameters fail the run":           {ParameterErrorsFailRun: true},
	"a created trigger is not there at once":  {HideCreatedTrigger: true},
	"an active trigger is not updated":        {RefuseActivatedUpdate: true},
	"an active trigger's update conflicts":    {RefuseActivatedUpdate: true, RefuseActivatedCode: "ConcurrentModificationException"},
	"a start trigger counts until it is gone": {DeletingTriggerHolds: true},
	"the same again succeeds":                 {SameConfig: localglue.SameConfigSucceeds},
	"the same again is a mismatch":            {SameConfig: localglue.SameConfigMismatch},
	"a name is taken until it is gone":        {DeletingTriggerCode: "InvalidInputException"},
	"triggers without a workflow fire":        {OrphansFire: true},
	"a running workflow can be deleted":       {DeleteRunningWorkflow: true},
}

// What is not known of Glue must not matter: each answer leads to the same end without a gap.
func TestEveryChangeUnderEitherAnswerOfGlue(t *testing.T) {
	for name, behaviour := range behaviours {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, behaviour)
				w.invariants.pauses = behaviour.RefuseActivatedUpdate
				everyChange.begin(w)
				before := w.job("hr_hr_cron")
				if got, want := w.execute(t.Context(), "").Counts, (report.Counts{Created: 1, Updated: 3, Deleted: 1, Unchanged: 1}); got != want {
					t.Errorf("counts %+v, want %+v", got, want)
				}
				everyChange.check(w)
				if after := w.job("hr_hr_cron"); after != before {
					t.Errorf("the job is %s after the update, was %s: its history is lost", after, before)
				}
			})
		})
	}
}

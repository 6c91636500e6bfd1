package reconcile_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/google/go-cmp/cmp"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

func (w *system) want(lines ...string) {
	w.t.Helper()
	if diff := cmp.Diff(lines, w.state()); diff != "" {
		w.t.Errorf("Glue has (-want +got):\n%s", diff)
	}
}

// schedules are those of every workflow's start trigger; "" is on demand.
func (w *system) schedules() map[string]string {
	found := map[string]string{}
	for _, t := range w.settled().Triggers {
		if t.Type != "CONDITIONAL" {
			found[t.Workflow] = t.Schedule
		}
	}
	return found
}

// job is the one that the workflow starts.
func (w *system) job(workflow string) string {
	w.t.Helper()
	for _, t := range w.settled().Triggers {
		if t.Workflow == workflow && t.Type != "CONDITIONAL" {
			return t.Starts[0]
		}
	}
	w.t.Fatalf("workflow %s starts nothing", workflow)
	return ""
}

func TestOnlyTheDifferenceIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"), table("hr.b"), table("hr.c"))
		w.execute(t.Context(), "")
		w.interceptor.reset()
		w.upload("hr", true, table("hr.a"), table("hr.b")+`, "JobScheduleType": "Cron", "ScheduleCronPattern": "0 1 * * ? *"`, table("hr.d"))
		if got, want := w.execute(t.Context(), "").Counts, (report.Counts{Created: 1, Updated: 1, Deleted: 1, Unchanged: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		w.want("hr_hr_a finished: 1 job, 1 trigger", "hr_hr_b finished: 1 job, 1 trigger", "hr_hr_d finished: 1 job, 1 trigger")
		if runs := w.interceptor.reset()["StartBlueprintRun"]; runs != 2 {
			t.Errorf("%d blueprint runs for one update and one create", runs)
		}
		if got := w.schedules()["hr_hr_b"]; got != "cron(0 1 * * ? *)" {
			t.Errorf("the schedule in Glue is %q, want the edited one", got)
		}
	})
}

func TestACatalogThatDoesNotPruneReportsOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", false, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		w.upload("hr", false, table("hr.a"))
		if got, want := w.execute(t.Context(), "").Counts, (report.Counts{Orphans: 1, Unchanged: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		w.want("hr_hr_a finished: 1 job, 1 trigger", "hr_hr_b finished: 1 job, 1 trigger")
	})
}

func TestANewLayoutUpdatesEveryWorkflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		w.layout = "2"
		if got := w.execute(t.Context(), "").Counts; got != (report.Counts{Updated: 2}) {
			t.Errorf("counts %+v, want two updates", got)
		}
	})
}

func TestAnInvalidCatalogChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.execute(t.Context(), "")
		before := w.state()
		w.interceptor.reset()
		for name, body := range map[string]string{
			"malformed": `{"WorkflowList": [`, "empty list": `{"Prune": true, "WorkflowList": []}`, "unknown key": `{"WorkflowList": [{"SourceTabel": "hr.a"}]}`,
			"not UTF-8": "\xff\xfe", "50 MB": strings.Repeat(" ", 50<<20),
		} {
			w.put("catalogs/hr.json", []byte(body))
			got := w.execute(t.Context(), "catalogs/hr.json")
			if got.Status != "Failed" || got.Error != reconcile.CatalogInvalid || len(got.Failures) == 0 {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if calls := w.interceptor.reset(); glueCalls(calls) != 0 {
			t.Errorf("an invalid catalog led to Glue calls: %v", calls)
		}
		w.want(before...)
	})
}

// A start trigger that outlived its workflow blocks the next blueprint run
// and is removed only when this blueprint made it.
func TestALeftoverStartTriggerIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.execute(t.Context(), "")
		job := w.job("hr_hr_a")
		if _, err := w.api.DeleteWorkflow(t.Context(), &sdk.DeleteWorkflowInput{Name: new("hr_hr_a")}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.api.DeleteJob(t.Context(), &sdk.DeleteJobInput{JobName: &job}); err != nil {
			t.Fatal(err)
		}
		w.upload("hr", true, table("hr.a")+`, "NumberOfWorkers": 3`)
		if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
			t.Errorf("%+v", got)
		}
		w.want("hr_hr_a finished: 1 job, 1 trigger")
	})
}

// slowJob is a job run that takes a while, and reports when it is over.
type slowJob struct{ ended atomic.Bool }

func (j *slowJob) Run(ctx context.Context, _ localglue.JobRun) error {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
	}
	j.ended.Store(true)
	return nil
}

func TestARunningWorkflowIsNotPulledAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := &slowJob{}
		w := newSystemWith(t, localglue.Config{Runner: job})
		w.upload("hr", true, table("hr.a"))
		w.execute(t.Context(), "")
		if _, err := w.api.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("hr_hr_a")}); err != nil {
			t.Fatal(err)
		}
		deletions := 0
		w.interceptor.watch = func(operation string) {
			if strings.HasPrefix(operation, "Delete") || strings.HasPrefix(operation, "Stop") {
				deletions++
				if !job.ended.Load() {
					t.Errorf("%s while the workflow was running", operation)
				}
			}
		}
		w.upload("hr", true, table("hr.b"))
		w.execute(t.Context(), "")
		if deletions == 0 {
			t.Error("nothing was deleted: the test saw nothing")
		}
		w.want("hr_hr_b finished: 1 job, 1 trigger")
	})
}

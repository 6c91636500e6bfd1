package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	localglue "github.com/landfall/landfall/internal/local/glue"
)

// makeByHand creates what somebody else would create.
type byHand struct{ w *system }

func (h byHand) job(name string) {
	h.w.t.Helper()
	_, err := h.w.api.CreateJob(context.Background(), &sdk.CreateJobInput{
		Name: &name, Role: new("arn:aws:iam::123456789012:role/r"), Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://b/k.py")},
	})
	if err != nil {
		h.w.t.Error(err)
	}
}

func (h byHand) workflow(name string) {
	h.w.t.Helper()
	if _, err := h.w.api.CreateWorkflow(context.Background(), &sdk.CreateWorkflowInput{Name: &name, Description: new("made by hand")}); err != nil {
		h.w.t.Error(err)
	}
}

// trigger starts the jobs on demand, or after the job that it waits for.
func (h byHand) trigger(name, workflow, after string, jobs ...string) {
	h.w.t.Helper()
	in := &sdk.CreateTriggerInput{Name: &name, WorkflowName: &workflow, Type: types.TriggerTypeOnDemand}
	if after != "" {
		in.Type, in.StartOnCreation = types.TriggerTypeConditional, true
		in.Predicate = &types.Predicate{Conditions: []types.Condition{{JobName: &after, State: types.JobRunStateSucceeded, LogicalOperator: types.LogicalOperatorEquals}}}
	}
	for _, job := range jobs {
		in.Actions = append(in.Actions, types.Action{JobName: &job})
	}
	if _, err := h.w.api.CreateTrigger(context.Background(), in); err != nil {
		h.w.t.Error(err)
	}
}

// survives fails the test when something that was made by hand is gone.
func (w *system) survives(workflow, trigger string, jobs ...string) {
	w.t.Helper()
	observed := w.settled()
	if _, ok := observed.Workflows[workflow]; !ok {
		w.t.Errorf("workflow %s was deleted", workflow)
	}
	found := trigger == ""
	for _, t := range observed.Triggers {
		found = found || t.Name == trigger && t.State != "DELETING"
	}
	if !found {
		w.t.Errorf("trigger %s was deleted", trigger)
	}
	for _, job := range jobs {
		if _, ok := observed.Jobs[job]; !ok {
			w.t.Errorf("job %s was deleted", job)
		}
	}
}

// Somebody creates a workflow of the table's name while the table's blueprint run is under way. The run fails, and what
// it left must be removed: but the workflow is not what the run made.
func TestAWorkflowMadeByHandDuringABlueprintRunSurvives(t *testing.T) {
	for name, parts := range map[string]bool{"with a trigger and a job": true, "empty": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.upload("hr", true, table("hr.raises"))
				made := false
				w.interceptor.watch = func(operation string) {
					if operation != "StartBlueprintRun" || made {
						return
					}
					made = true
					byHand{w}.workflow("hr_hr_raises")
					if parts {
						byHand{w}.job("payroll")
						byHand{w}.trigger("by-hand", "hr_hr_raises", "", "payroll")
					}
				}
				got := w.execute(t.Context(), "")
				w.interceptor.watch = nil
				if parts {
					w.survives("hr_hr_raises", "by-hand", "payroll")
				} else {
					w.survives("hr_hr_raises", "")
				}
				if got.Counts.Failed != 1 || !strings.Contains(got.Cause, "does not belong to this catalog") {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
			})
		})
	}
}

// Somebody adds a job and a trigger of their own to a workflow of Landfall's, and the table leaves the catalog.
func TestWhatWasAddedByHandSurvivesADelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		byHand{w}.job("payroll")
		byHand{w}.trigger("by-hand", "hr_hr_a", w.job("hr_hr_a"), "payroll")
		w.upload("hr", true, table("hr.b"))
		got := w.execute(t.Context(), "")
		w.survives("hr_hr_a", "by-hand", "payroll")
		if got.Counts.Failed != 1 || !strings.Contains(got.Cause, `trigger "by-hand"`) || !strings.Contains(got.Cause, `job "payroll"`) {
			t.Errorf("want a failure that names both: %+v\n%s", got.Counts, got.Cause)
		}
	})
}

// The same for an update whose layout makes other triggers: what nobody but a person made stays as it is.
func TestWhatWasAddedByHandSurvivesAnUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.execute(t.Context(), "")
		byHand{w}.job("payroll")
		byHand{w}.trigger("by-hand", "hr_hr_a", w.job("hr_hr_a"), "payroll")
		w.upload("hr", true, table("hr.a")+workers+cron("0 1 * * ? *"))
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		w.survives("hr_hr_a", "by-hand", "payroll")
	})
}

// Somebody makes the start trigger start another job than Landfall's: an update must not overwrite that job.
func TestAJobStartedInsteadOfLandfallsIsNotOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.execute(t.Context(), "")
		byHand{w}.job("payroll")
		if _, err := w.api.UpdateTrigger(t.Context(), &sdk.UpdateTriggerInput{Name: new("hr_hr_a_starting_trigger"), TriggerUpdate: &types.TriggerUpdate{
			Actions: []types.Action{{JobName: new("payroll")}},
		}}); err != nil {
			t.Fatal(err)
		}
		w.upload("hr", true, table("hr.a")+workers)
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		w.survives("hr_hr_a", "hr_hr_a_starting_trigger", "payroll")
		out, err := w.api.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("payroll")})
		if err != nil {
			t.Fatal(err)
		}
		if got := *out.Job.Command.ScriptLocation; got != "s3://b/k.py" {
			t.Errorf("the job's script is %s: it was overwritten", got)
		}
		if w.job("hr_hr_a") == "payroll" {
			t.Error("the workflow still starts payroll")
		}
	})
}

// Somebody lets one table's workflow start the job of another table of the catalog, whose name begins with that of the
// first one's workflow. The first table leaves the catalog.
func TestAnotherTablesJobSurvivesADelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"), table("hr.a_b"), table("hr.c"))
		w.execute(t.Context(), "")
		other := w.job("hr_hr_a_b")
		byHand{w}.trigger("by-hand", "hr_hr_a", w.job("hr_hr_a"), other)
		w.upload("hr", true, table("hr.a_b"), table("hr.c"))
		if got := w.execute(t.Context(), ""); got.Counts.Failed != 1 || !strings.Contains(got.Cause, other) {
			t.Errorf("want a failure that names the job: %+v\n%s", got.Counts, got.Cause)
		}
		w.survives("hr_hr_a", "by-hand", other)
	})
}

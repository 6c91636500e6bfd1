package reconcile_test

import (
	"testing"
	"testing/synctest"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/applychange"
)

const people = `, "WorkflowName": "people"`

// A workflow that lands another table than before is the same workflow: its job keeps its name and its history, and
// later changes find that all parts of it are ours.
func TestAWorkflowThatGetsAnotherTableKeepsItsJob(t *testing.T) {
	cases := map[string]struct{ first, then, extra string }{
		"the table only":              {"hr.a", "hr.b", ""},
		"and other settings":          {"hr.a", "hr.b", workers},
		"and another type of trigger": {"hr.a", "hr.b", cron("0 1 * * ? *")},
		"the case of its name":        {"hr.a", "hr.A", workers},
		"spaces that no tag takes":    {"hr.a", "hr.顧客\u3000表", workers},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.upload("hr", true, table(c.first)+people, table("hr.z"))
				w.execute(t.Context(), "")
				w.upload("hr", true, table(c.first)+people+cron("0 5 * * ? *"), table("hr.z")) // a start trigger of another name
				w.execute(t.Context(), "")
				before := w.job("people")
				w.upload("hr", true, table(c.then)+people+c.extra, table("hr.z"))
				if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
					t.Fatalf("%+v\n%s", got.Counts, got.Cause)
				}
				if after := w.job("people"); after != before {
					t.Errorf("the job is %s, was %s: its history is lost", after, before)
				}
				w.upload("hr", true, table(c.then)+people+cron("0 3 * * ? *"), table("hr.z"))
				if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 || got.Counts.Cleaned != 0 {
					t.Errorf("the next update: %+v\n%s", got.Counts, got.Cause)
				}
				w.upload("hr", true, table("hr.z"))
				if got := w.execute(t.Context(), ""); got.Counts.Deleted != 1 {
					t.Errorf("the table leaves the catalog: %+v\n%s", got.Counts, got.Cause)
				}
				w.want("hr_hr_z finished: 1 job, 1 trigger")
			})
		})
	}
}

// The same, stopped after any call: the next execution goes on, or removes all of it when the table has left.
func TestAWorkflowThatGetsAnotherTableBearsBeingCutOff(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		for k := 20; k < 75; k += 2 {
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.upload("hr", true, table("hr.a")+people, table("hr.z"))
				w.execute(t.Context(), "")
				before := w.job("people")
				w.upload("hr", true, table("hr.b")+people+cron("0 1 * * ? *"), table("hr.z"))
				w.interceptor.arm(k, stoppedAfter)
				_, _ = w.start(t.Context(), reconcile.Request{})
				w.interceptor.arm(0, "")
				if leaves {
					w.upload("hr", true, table("hr.z"))
				}
				got := w.execute(t.Context(), "")
				if got.Counts.Failed+got.Counts.Conflicts > 0 {
					t.Errorf("cut off at call %d, leaves %t: %+v\n%s", k, leaves, got.Counts, got.Cause)
				}
				if leaves {
					w.want("hr_hr_z finished: 1 job, 1 trigger")
				} else if after := w.job("people"); after != before {
					t.Errorf("cut off at call %d: the job is %s, was %s", k, after, before)
				}
			})
		}
	}
}

// Somebody clones Landfall's job, with its tags, for an experiment: nobody may delete it, whatever the catalog does.
func TestAJobWithCopiedTagsSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		if _, err := w.api.CreateJob(t.Context(), &sdk.CreateJobInput{
			Name: new("my-experiment"), Role: new("arn:aws:iam::123456789012:role/r"),
			Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://b/k.py")}, Tags: reconcile.OwnerTags(plan.Owner(bucket, "hr"), "hr.a"),
		}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := w.execute(t.Context(), ""); got.Counts.Cleaned != 0 {
				t.Errorf("%+v\n%s", got.Counts, got.Cause)
			}
		}
		w.survives("hr_hr_a", "", "my-experiment")
		w.upload("hr", true, table("hr.b")) // no workflow has the table any more
		for range 2 {
			w.execute(t.Context(), "")
		}
		w.survives("hr_hr_b", "", "my-experiment")
	})
}

// Somebody has added a job of their own to a workflow of the AWS sample, which a catalog then adopts.
func TestAdoptLeavesAPersonsJobAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		sample(t, w, "old_workflow")
		byHand{w}.job("payroll")
		byHand{w}.trigger("by-hand", "old_workflow", w.job("old_workflow"), "payroll")
		w.uploadWith("hr", `"Adopt": true`, table("hr.old")+`, "WorkflowName": "old_workflow"`+cron("0 9 * * ? *"))
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		w.survives("old_workflow", "by-hand", "payroll")
	})
}

// The job of an adopted workflow keeps its name and history, whatever its blueprint called it; what a person added
// under a name like the workflow's stays.
func TestAdoptLeavesAPersonsJobOfALikeNameAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		before := sample(t, w, "old_workflow")
		byHand{w}.job("old_workflow_report")
		byHand{w}.trigger("by-hand", "old_workflow", before, "old_workflow_report")
		w.uploadWith("hr", `"Adopt": true`, table("hr.old")+`, "WorkflowName": "old_workflow"`+cron("0 9 * * ? *"))
		for range 2 {
			if got := w.execute(t.Context(), ""); got.Counts.Failed+got.Counts.Conflicts != 0 {
				t.Errorf("%+v\n%s", got.Counts, got.Cause)
			}
		}
		w.survives("old_workflow", "by-hand", "old_workflow_report", before)
	})
}

// An item has changes of two catalogs, and another execution has taken the second one over.
func TestEveryCatalogsLockIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", false, table("hr.z"))
		w.execute(t.Context(), "")
		w.put("locks/hr.json", []byte(`{"execution": "next", "executionArn": "next"}`))
		w.put("locks/aa.json", []byte(`{"execution": "e9", "executionArn": "e9"}`))
		first := plan.Change{Action: plan.Delete, Catalog: "aa", Table: "x.y", Workflow: "aa_gone", Owner: plan.Owner(bucket, "aa")}
		before := w.server.Calls()["StartBlueprintRun"]
		_, _ = w.applyChange().ApplyChange(t.Context(), applychange.Input{Execution: "e9", Slots: 1, Queue: append([]plan.Change{first}, w.creates(1)...)})
		if got := w.server.Calls()["StartBlueprintRun"] - before; got != 0 {
			t.Errorf("%d blueprint runs were started for a catalog that another execution has", got)
		}
	})
}

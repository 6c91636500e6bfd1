package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/catalog"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

// sample makes a workflow as the AWS sample's blueprint does: no owner, other names inside.
func sample(t *testing.T, w *system, name string) (job string) {
	t.Helper()
	source := strings.ReplaceAll(layoutSource, `, Tags=tags, DefaultRunProperties={
        "landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]})`, ")")
	source = strings.ReplaceAll(source, "Tags=tags, ", "")
	source = strings.ReplaceAll(source, `name + "_land"`, `name + "_extract_job"`)
	w.put("sample.zip", blueprintZIP(t, source))
	_, err := w.api.CreateBlueprint(t.Context(), &sdk.CreateBlueprintInput{Name: new("rdbms-to-s3"), BlueprintLocation: new("s3://artifacts/sample.zip")})
	if err != nil && !strings.Contains(err.Error(), "AlreadyExists") {
		t.Fatal(err)
	}
	v := plan.Values{}
	for _, p := range catalog.Parameters() {
		v[p.Name] = map[string]any{"String": "", "Integer": 0, "Double": 0.0, "Boolean": false}[p.Type]
	}
	v["WorkflowName"], v["SourceTable"], v["JobScheduleType"], v["ScheduleCronPattern"] = name, "hr.old", "Cron", "0 9 * * ? *"
	v["ScriptLocation"] = "s3://old/extract.py"
	v["NumberOfWorkers"], v["TimeoutMinutes"], v["MaxRetries"], v["WorkerType"], v["GlueExecutionRole"] = 2, 10, 0, "G.1X", "job"
	for range 200 {
		time.Sleep(5 * time.Millisecond)
		if _, err = w.api.StartBlueprintRun(t.Context(), &sdk.StartBlueprintRunInput{BlueprintName: new("rdbms-to-s3"), RoleArn: new(role), Parameters: new(v.JSON())}); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	state := ""
	for range 400 {
		time.Sleep(5 * time.Millisecond)
		if out, err := w.api.GetBlueprintRuns(t.Context(), &sdk.GetBlueprintRunsInput{BlueprintName: new("rdbms-to-s3")}); err == nil {
			if run := out.BlueprintRuns[0]; run.State == types.BlueprintRunStateSucceeded {
				return w.job(name)
			} else if run.ErrorMessage != nil {
				state = *run.ErrorMessage
			}
		}
	}
	t.Fatalf("the sample's blueprint run does not end: %s", state)
	return ""
}

func TestAdoptTakesOverTheSamplesWorkflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		job := sample(t, w, "old_workflow")
		entry := table("hr.old") + cron("0 9 * * ? *") + `, "WorkflowName": "old_workflow"`
		w.uploadWith("hr", `"Prune": true`, entry)
		got := w.execute(t.Context(), "")
		if got.Counts.Conflicts != 1 || !strings.Contains(got.Cause, "set Adopt to true") {
			t.Errorf("without the switch: %+v\n%s", got.Counts, got.Cause)
		}
		w.invariants.expect(map[string]string{"old_workflow": "cron(0 9 * * ? *)"})
		w.invariants.working["old_workflow"] = true
		w.uploadWith("hr", `"Prune": true, "Adopt": true`, entry)
		for k := 1; k < 60; k += 9 { // adopting bears being cut off too
			w.interceptor.arm(k, stoppedAfter)
			_, _ = w.start(t.Context(), reconcile.Request{})
		}
		w.interceptor.arm(0, "")
		if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
			t.Errorf("%s", got.Cause)
		}
		w.want("old_workflow finished: 1 job, 1 trigger")
		if now := w.job("old_workflow"); now != job {
			t.Errorf("the job is %s, was %s: its history is lost", now, job)
		}
		w.invariants.check()
		if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Unchanged: 1}) {
			t.Errorf("once more: %+v", got.Counts)
		}
	})
}

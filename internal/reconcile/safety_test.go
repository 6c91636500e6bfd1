package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	localglue "github.com/landfall/landfall/internal/localaws/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

func TestTwoCatalogsNeverTouchEachOther(t *testing.T) {
	w := newWorld(t, localglue.Behaviour{})
	w.upload("hr", true, table("hr.a"), table("hr.shared")+`, "WorkflowName": "mine"`)
	w.execute(t.Context(), "")
	w.upload("sales", true, table("sales.a"), table("sales.b")+`, "WorkflowName": "mine"`)
	for _, key := range []string{"catalogs/sales.json", "catalogs/hr.json", ""} {
		w.gate.reset()
		got := w.execute(t.Context(), key)
		if got.Status != "Failed" || got.Counts.Conflicts < 1 || !strings.Contains(got.Cause, "hr and sales") {
			t.Errorf("%q: %+v\n%s", key, got.Counts, got.Cause)
		}
	}
	w.upload("sales", true, table("sales.a"))
	if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
		t.Errorf("%s", got.Cause)
	}
	w.want("hr_hr_a finished: 1 job, 1 trigger", "mine finished: 1 job, 1 trigger", "sales_sales_a finished: 1 job, 1 trigger")
}

func TestThePruneGuard(t *testing.T) {
	w := newWorld(t, localglue.Behaviour{})
	var entries []string
	for i := range 10 {
		entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
	}
	w.uploadWith("hr", `"Prune": true`, entries...)
	w.execute(t.Context(), "")
	w.uploadWith("hr", `"Prune": true`, entries[:6]...)
	got := w.execute(t.Context(), "")
	if got.Status != "Failed" || got.Counts.Deleted != 0 || got.Counts.Conflicts != 4 || !strings.Contains(got.Cause, "pruneLimitPercent") {
		t.Errorf("%+v\n%s", got.Counts, got.Cause)
	}
	hundred := 100
	got, err := w.start(t.Context(), reconcile.Request{PruneLimitPercent: &hundred})
	if err != nil || got.Counts.Deleted != 4 {
		t.Errorf("overridden: %+v, %v", got.Counts, err)
	}
}

// A dry run is the same code up to the plan: its counts are those of the execution that follows, and nothing is written.
func TestADryRunOnlyReads(t *testing.T) {
	w := newWorld(t, localglue.Behaviour{})
	everyChange.begin(w)
	w.gate.reset()
	dry, err := w.start(t.Context(), reconcile.Request{DryRun: true})
	if err != nil || dry.Status != "Succeeded" {
		t.Fatal(err, dry.Cause)
	}
	for operation := range w.gate.reset() {
		if !strings.HasPrefix(operation, "Get") && !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "BatchGet") && !strings.HasPrefix(operation, "S3 ") {
			t.Errorf("a dry run called %s", operation)
		}
	}
	if got := w.execute(t.Context(), ""); got.Counts != dry.Counts {
		t.Errorf("planned %+v, did %+v", dry.Counts, got.Counts)
	}
}

func TestPreflight(t *testing.T) {
	w := newWorld(t, localglue.Behaviour{})
	w.account.missing = map[string]error{
		"role nobody": reconcile.ErrNotFound, "secret lost": reconcile.ErrNotFound, "connection cut": reconcile.ErrNotFound,
		"bucket theirs of 123456789012": reconcile.ErrForbidden, "bucket shared of 123456789012": reconcile.ErrForbidden, "bucket gone of 123456789012": reconcile.ErrNotFound,
		"secret dark": reconcile.ErrForbidden,
	}
	w.uploadWith("hr", `"BucketOwners": []`, table("hr.good"),
		table("hr.role")+`, "GlueExecutionRole": "nobody"`, table("hr.secret")+`, "SecretName": "lost"`, table("hr.connection")+`, "NetworkConnectionName": "cut"`,
		table("hr.bucket")+`, "DestinationBucketName": "theirs"`, table("hr.gone")+`, "DestinationBucketName": "gone"`, table("hr.dark")+`, "SecretName": "dark"`)
	got := w.execute(t.Context(), "")
	if got.Counts.Created != 2 || got.Counts.Conflicts != 5 {
		t.Errorf("%+v\n%s", got.Counts, got.Cause)
	}
	for _, said := range []string{`hr.role: there is no role "nobody"`, `hr.secret: there is no secret "lost"`, `hr.connection: there is no connection "cut"`, `hr.bucket: bucket "theirs" belongs to another account`, `hr.gone: there is no bucket "gone"`} {
		if !strings.Contains(got.Cause, said) {
			t.Errorf("the cause does not say %q:\n%s", said, got.Cause)
		}
	}
	report, err := w.object("reports/hr/e1/report.json")
	if err != nil || !strings.Contains(string(report), "whether each secret exists was not checked") {
		t.Errorf("the report does not say which check was not made: %v\n%s", err, report)
	}
	w.want("hr_hr_dark finished: 1 job, 1 trigger", "hr_hr_good finished: 1 job, 1 trigger")
	w.uploadWith("two", `"BucketOwners": ["210987654321"]`, table("hr.x")+`, "DestinationBucketName": "shared"`)
	if got := w.execute(t.Context(), "catalogs/two.json"); got.Counts.Created != 1 {
		t.Errorf("a bucket of an account that the catalog names: %+v\n%s", got.Counts, got.Cause)
	}
}

// What has no room is refused by name before anything is changed, also an update, which needs room for its staging workflow.
func TestQuotas(t *testing.T) {
	w := newWorld(t, localglue.Behaviour{})
	w.account.quotas = reconcile.Quotas{Workflows: 3, Triggers: 100, Jobs: 100}
	w.upload("hr", true, table("hr.a"), table("hr.b"))
	w.execute(t.Context(), "")
	w.upload("hr", true, table("hr.a"), table("hr.b"), table("hr.c"), table("hr.d"))
	got := w.execute(t.Context(), "")
	if got.Counts.Created != 1 || got.Counts.Conflicts != 1 || !strings.Contains(got.Cause, "quota of 3 Glue workflows") {
		t.Errorf("%+v\n%s", got.Counts, got.Cause)
	}
	w.upload("hr", true, table("hr.a")+workers, table("hr.b"), table("hr.c"))
	if got := w.execute(t.Context(), ""); got.Counts.Conflicts != 1 || got.Counts.Updated != 0 {
		t.Errorf("an update without room for staging: %+v", got.Counts)
	}
	w.account.err = errors.New("no permission")
	w.account.quotas = reconcile.Quotas{}
	if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
		t.Errorf("without the permission: %+v\n%s", got.Counts, got.Cause)
	}
	report, _ := w.object(fmt.Sprintf("reports/hr/e%d/report.json", w.n))
	if !strings.Contains(string(report), "quotas leave room was not checked") {
		t.Errorf("the report does not say that the quotas were not checked:\n%s", report)
	}
}

// sample makes a workflow as the AWS sample's blueprint does: no owner, other names inside.
func sample(t *testing.T, w *world, name string) (job string) {
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
	for _, p := range reflect.VisibleFields(reflect.TypeFor[plan.Parameters]()) {
		v[p.Name] = reflect.Zero(p.Type).Interface()
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
	w := newWorld(t, localglue.Behaviour{})
	job := sample(t, w, "old_workflow")
	entry := table("hr.old") + cron("0 9 * * ? *") + `, "WorkflowName": "old_workflow"`
	w.uploadWith("hr", `"Prune": true`, entry)
	got := w.execute(t.Context(), "")
	if got.Counts.Conflicts != 1 || !strings.Contains(got.Cause, "set Adopt to true") {
		t.Errorf("without the switch: %+v\n%s", got.Counts, got.Cause)
	}
	w.keeper.expect(map[string]string{"old_workflow": "cron(0 9 * * ? *)"})
	w.keeper.working["old_workflow"] = true
	w.uploadWith("hr", `"Prune": true, "Adopt": true`, entry)
	for k := 1; k < 60; k += 9 { // adopting bears being cut off too
		w.gate.arm(k, stoppedAfter)
		_, _ = w.start(t.Context(), reconcile.Request{})
	}
	w.gate.arm(0, "")
	if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
		t.Errorf("%s", got.Cause)
	}
	w.want("old_workflow finished: 1 job, 1 trigger")
	if now := w.job("old_workflow"); now != job {
		t.Errorf("the job is %s, was %s: its history is lost", now, job)
	}
	w.keeper.check()
	if got := w.execute(t.Context(), ""); got.Counts != (reconcile.Counts{Unchanged: 1}) {
		t.Errorf("once more: %+v", got.Counts)
	}
}

// Whatever throttles, only time is lost.
func TestThrottlingFailsNothing(t *testing.T) {
	for _, limit := range []int{5, 10, 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, localglue.Config{Quotas: localglue.Quotas{CallsPerSecond: limit, CallsPerSecondMax: limit}})
			w.scale = 20
			w.perSecond = 25
			var entries []string
			for i := range 6 {
				entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
			}
			w.upload("hr", true, entries...)
			if got := w.execute(t.Context(), ""); got.Status != "Succeeded" || got.Counts.Created != 6 {
				t.Errorf("%+v\n%s", got.Counts, got.Cause)
			}
			entries[0], entries[1] = entries[0]+workers, entries[1]+cron("0 1 * * ? *")
			w.upload("hr", true, entries[:5]...)
			if got := w.execute(t.Context(), ""); got.Counts != (reconcile.Counts{Updated: 2, Deleted: 1, Unchanged: 3}) {
				t.Errorf("%+v\n%s", got.Counts, got.Cause)
			}
		})
	}
}

// What somebody took away or switched off by hand is put right by the next execution.
func TestDriftIsRepaired(t *testing.T) {
	for name, drift := range map[string]func(ctx context.Context, w *world) error{
		"the trigger is stopped": func(ctx context.Context, w *world) error {
			_, err := w.api.StopTrigger(ctx, &sdk.StopTriggerInput{Name: new("hr_hr_a_starting_trigger")})
			return err
		},
		"the trigger is deleted": func(ctx context.Context, w *world) error {
			_, err := w.api.DeleteTrigger(ctx, &sdk.DeleteTriggerInput{Name: new("hr_hr_a_starting_trigger")})
			return err
		},
		"the job is deleted": func(ctx context.Context, w *world) error {
			_, err := w.api.DeleteJob(ctx, &sdk.DeleteJobInput{JobName: new(w.job("hr_hr_a"))})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, localglue.Behaviour{})
			w.upload("hr", true, table("hr.a")+cron("0 1 * * ? *"), table("hr.b"))
			w.execute(t.Context(), "")
			if err := drift(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			w.settled()
			if got := w.execute(t.Context(), ""); got.Counts != (reconcile.Counts{Updated: 1, Unchanged: 1}) {
				t.Errorf("%+v\n%s", got.Counts, got.Cause)
			}
			w.want("hr_hr_a finished: 1 job, 1 trigger", "hr_hr_b finished: 1 job, 1 trigger")
			for _, held := range w.settled().Triggers {
				if held.Type == "SCHEDULED" && held.State != "ACTIVATED" {
					t.Errorf("trigger %s is %s", held.Name, held.State)
				}
			}
			if got := w.execute(t.Context(), ""); got.Counts != (reconcile.Counts{Unchanged: 2}) {
				t.Errorf("once more: %+v", got.Counts)
			}
		})
	}
}

// An update never stops a running workflow; a delete stops it where the catalog says so.
func TestARunningWorkflowIsStoppedOnlyByPolicy(t *testing.T) {
	job := &slowJob{}
	w := newWorldWith(t, localglue.Config{Runner: job})
	w.upload("hr", true, table("hr.a"))
	w.execute(t.Context(), "")
	start := func() {
		t.Helper()
		if _, err := w.api.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("hr_hr_a")}); err != nil {
			t.Fatal(err)
		}
	}
	start()
	w.gate.reset()
	w.upload("hr", true, table("hr.a")+workers+cron("0 1 * * ? *"))
	if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
		t.Errorf("%+v\n%s", got.Counts, got.Cause)
	}
	if calls := w.gate.reset(); calls["StopWorkflowRun"] > 0 {
		t.Error("an update stopped the running workflow")
	}
	w.until(func() bool { return w.server.Snapshot().Workflows["hr_hr_a"].Running == 0 })
	start()
	w.uploadWith("hr", `"Prune": true, "PruneRunning": "Stop"`, table("hr.b"))
	if got := w.execute(t.Context(), ""); got.Counts.Deleted != 1 {
		t.Errorf("%+v\n%s", got.Counts, got.Cause)
	}
	if calls := w.gate.reset(); calls["StopWorkflowRun"] == 0 {
		t.Error("the running workflow was not stopped, though the catalog says so")
	}
	w.want("hr_hr_b finished: 1 job, 1 trigger")
}

// until waits for something that Glue does by itself.
func (w *world) until(done func() bool) {
	w.t.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("it does not happen")
}

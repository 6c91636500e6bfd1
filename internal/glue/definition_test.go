package glue

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

func parse(t *testing.T, text string) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// What is read is what an update may send: an update overwrites the whole definition, and refuses what only a read shows.
func TestADefinitionIsWhatAnUpdateTakes(t *testing.T) {
	cases := map[string]struct{ reason, read, want string }{
		"sized by workers": {
			"a read echoes the capacity, which an update refuses beside workers",
			`{"Name": "j", "Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k"}, "WorkerType": "G.1X", "NumberOfWorkers": 2, "MaxCapacity": 2, "AllocatedCapacity": 2, "CreatedOn": 1, "LastModifiedOn": 1}`,
			`{"Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k"}, "WorkerType": "G.1X", "NumberOfWorkers": 2}`,
		},
		"sized by capacity": {
			"a Python shell has no workers",
			`{"Name": "j", "Role": "r", "Command": {"Name": "pythonshell"}, "MaxCapacity": 0.0625, "AllocatedCapacity": 0}`,
			`{"Role": "r", "Command": {"Name": "pythonshell"}, "MaxCapacity": 0.0625}`,
		},
		"empty fields": {
			"they equal absent ones",
			`{"Name": "j", "Role": "r", "Description": "", "DefaultArguments": {}, "Connections": {"Connections": []}, "MaxRetries": 0, "ExecutionProperty": {"MaxConcurrentRuns": 1}}`,
			`{"Role": "r", "ExecutionProperty": {"MaxConcurrentRuns": 1}}`,
		},
	}
	for name, c := range cases {
		client, glue := serve(t, always(object{"Jobs": []any{parse(t, c.read)}}))
		jobs, err := client.GetJobs(t.Context(), []string{"j"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(parse(t, c.want), object(jobs["j"])); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, c.reason, diff)
		}
		if err := client.UpdateEntity(t.Context(), plan.JobEntity, "j", jobs["j"]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(object{"JobName": "j", "JobUpdate": any(parse(t, c.want))}, glue.last()); diff != "" {
			t.Errorf("%s: sent back (-want +got):\n%s", name, diff)
		}
	}
}

func TestTriggersAndCrawlersAsUpdatesTakeThem(t *testing.T) {
	client, glue := serve(t, func(c call) any {
		if c.operation == "BatchGetTriggers" {
			return parse(t, `{"Triggers": [{"Name": "t", "WorkflowName": "w", "Type": "SCHEDULED", "State": "ACTIVATED", "Schedule": "cron(0 1 * * ? *)", "Actions": [{"JobName": "j"}]}]}`)
		}
		return parse(t, `{"Crawlers": [{"Name": "c", "Role": "r", "State": "READY", "Schedule": {"ScheduleExpression": "cron(0 2 * * ? *)", "State": "SCHEDULED"}, "Targets": {"S3Targets": [{"Path": "s3://b/p"}]}}]}`)
	})
	triggers, err := client.GetTriggers(t.Context(), []string{"t"})
	want := []reconcile.Trigger{{Name: "t", Type: "SCHEDULED", State: "ACTIVATED", Workflow: "w", Schedule: "cron(0 1 * * ? *)", Definition: reconcile.Definition{
		"Schedule": "cron(0 1 * * ? *)", "Actions": []any{object{"JobName": "j"}},
	}}}
	if diff := cmp.Diff(want, triggers); err != nil || diff != "" {
		t.Errorf("%v, triggers (-want +got):\n%s", err, diff)
	}
	crawlers, err := client.GetEntities(t.Context(), plan.CrawlerEntity, []string{"c"})
	// A read has the schedule as a structure, an update as text.
	crawler := reconcile.Definition{"Role": "r", "Schedule": "cron(0 2 * * ? *)", "Targets": object{"S3Targets": []any{object{"Path": "s3://b/p"}}}}
	if diff := cmp.Diff(crawler, crawlers["c"]); err != nil || diff != "" {
		t.Errorf("%v, crawler (-want +got):\n%s", err, diff)
	}
	if err := client.CreateEntity(t.Context(), plan.CrawlerEntity, "d", crawlers["c"], map[string]string{"a": "b"}); err != nil || glue.last()["Schedule"] != "cron(0 2 * * ? *)" || glue.last()["Name"] != "d" {
		t.Errorf("%v, sent %v", err, glue.last())
	}
}

// A trigger that has no state of its own is not started when it is made: that would fire an ON_DEMAND one at once.
func TestTriggersAreActivatedWhenMade(t *testing.T) {
	for kind, start := range map[string]bool{"SCHEDULED": true, "CONDITIONAL": true, "ON_DEMAND": false, "EVENT": false} {
		client, glue := serve(t, always(object{"Name": "t"}))
		err := client.CreateTrigger(t.Context(), reconcile.Trigger{Name: "t", Type: kind, Workflow: "w", Definition: reconcile.Definition{"Actions": []any{object{"JobName": "j"}}}}, owned)
		sent, _ := glue.last()["StartOnCreation"].(bool)
		if err != nil || sent != start || glue.last()["WorkflowName"] != "w" || !cmp.Equal(glue.last()["Tags"], any(object{"landfall:owner": "b/hr"})) {
			t.Errorf("%s: %v, sent %v, want StartOnCreation %t", kind, err, glue.last(), start)
		}
	}
}

func TestAWorkflowAsItIsRead(t *testing.T) {
	const observed = `{"Workflows": [{"Name": "w", "Description": "d", "LastRun": {"Status": %q, "WorkflowRunId": "wr_1"},
		"BlueprintDetails": {"BlueprintName": "landfall", "RunId": "br_1"},
		"DefaultRunProperties": {"landfall:owner": "b/hr", "landfall:table": "hr.a", "landfall:fingerprint": "f", "landfall:parameters": "{}", "landfall:entities": "{\"Jobs\":[\"j\",\"new\"],\"Crawlers\":[\"c\"]}", "own": "kept"},
		"Graph": {"Nodes": [{"Type": "TRIGGER", "Name": "t", "TriggerDetails": {"Trigger": {"Type": "SCHEDULED", "State": "ACTIVATED", "Schedule": "cron(0 1 * * ? *)"}}}, {"Type": "JOB", "Name": "j"}]}}]}`
	for status, running := range map[string]bool{"RUNNING": true, "STOPPING": true, "COMPLETED": false, "STOPPED": false, "ERROR": false} {
		client, glue := serve(t, func(call) any { return parse(t, fmt.Sprintf(observed, status)) })
		found, err := client.BatchGetWorkflows(t.Context(), []string{"w"})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		want := reconcile.Workflow{
			Workflow:    plan.Workflow{Name: "w", Owner: "b/hr", Table: "hr.a", Fingerprint: "f", Parameters: "{}", Blueprint: "landfall"},
			Description: "d", Properties: found[0].Properties, BlueprintRunID: "br_1",
			Triggers: []reconcile.Trigger{{Name: "t", Type: "SCHEDULED", State: "ACTIVATED", Workflow: "w", Schedule: "cron(0 1 * * ? *)"}},
			// What the graph does not name yet is known from the update that is under way.
			Jobs: []string{"j", "new"}, Crawlers: []string{"c"},
		}
		if running {
			want.RunID = "wr_1"
		}
		if diff := cmp.Diff(want, found[0]); diff != "" || found[0].Properties["own"] != "kept" {
			t.Errorf("%s (-want +got):\n%s", status, diff)
		}
		if glue.last()["IncludeGraph"] != true {
			t.Error("the graph is not asked for")
		}
	}
}

// Whether Glue clears what an update leaves out is not known: everything is sent, and what is no longer so is taken away.
func TestFinishingAWorkflowSendsAllOfIt(t *testing.T) {
	before := map[string]string{"own": "kept", "landfall:parameters": "old", "landfall:entities": "old"}
	cases := map[string]struct {
		workflow plan.Workflow
		want     object
	}{
		"done":                   {plan.Workflow{Owner: "o", Table: "t", Fingerprint: "f", Parameters: "{}"}, object{"own": "kept", "landfall:owner": "o", "landfall:table": "t", "landfall:fingerprint": "f", "landfall:parameters": "{}"}},
		"too much to keep":       {plan.Workflow{Owner: "o", Table: "t", Fingerprint: "f"}, object{"own": "kept", "landfall:owner": "o", "landfall:table": "t", "landfall:fingerprint": "f"}},
		"an update is under way": {plan.Workflow{Owner: "o", Table: "t", Fingerprint: plan.Updating}, object{"own": "kept", "landfall:owner": "o", "landfall:table": "t", "landfall:fingerprint": plan.Updating, "landfall:entities": `{"Jobs":["j"],"Crawlers":null}`}},
	}
	for name, c := range cases {
		client, glue := serve(t, always(object{"Name": "w"}))
		c.workflow.Name = "w"
		err := client.FinishWorkflow(t.Context(), reconcile.Workflow{Workflow: c.workflow, Description: "d", Properties: before, Jobs: []string{"j"}})
		want := object{"Name": "w", "Description": "d", "MaxConcurrentRuns": 1.0, "DefaultRunProperties": any(c.want)}
		if diff := cmp.Diff(want, glue.last()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if before["landfall:parameters"] != "old" {
			t.Fatalf("%s: the caller's properties were changed", name)
		}
	}
}

// COMPLETED says that nothing goes on, not that all went well.
func TestTheResultOfAWorkflowRun(t *testing.T) {
	cases := map[string]struct {
		reason, run string
		want        Result
	}{
		"all well":            {"", `{"Status": "COMPLETED", "Statistics": {"TotalActions": 1, "SucceededActions": 1}}`, Succeeded},
		"one failed":          {"its status is COMPLETED all the same", `{"Status": "COMPLETED", "Statistics": {"TotalActions": 2, "SucceededActions": 1, "FailedActions": 1}}`, Failed},
		"one timed out":       {"", `{"Status": "COMPLETED", "Statistics": {"SucceededActions": 1, "TimeoutActions": 1}}`, Failed},
		"one errored":         {"its job is gone", `{"Status": "COMPLETED", "Statistics": {"SucceededActions": 1, "ErroredActions": 1}}`, Failed},
		"one stopped":         {"somebody stopped its job run", `{"Status": "COMPLETED", "Statistics": {"SucceededActions": 1, "StoppedActions": 1}}`, Stopped},
		"stopped":             {"somebody stopped it", `{"Status": "STOPPED", "Statistics": {"SucceededActions": 1}}`, Stopped},
		"failed, and stopped": {"the failure is what needs a person", `{"Status": "STOPPED", "Statistics": {"FailedActions": 1, "StoppedActions": 1}}`, Failed},
		"nothing ran":         {"no job has landed anything", `{"Status": "COMPLETED", "Statistics": {"TotalActions": 0}}`, Failed},
		"nothing succeeded":   {"a trigger did not fire", `{"Status": "COMPLETED", "Statistics": {"TotalActions": 1}}`, Failed},
		"no statistics":       {"nothing says that it went well", `{"Status": "COMPLETED"}`, Failed},
		"error":               {"the workflow could not run", `{"Status": "ERROR"}`, Failed},
		"goes on":             {"", `{"Status": "RUNNING", "Statistics": {"SucceededActions": 1, "RunningActions": 1}}`, Running},
		"is being stopped":    {"", `{"Status": "STOPPING", "Statistics": {"StoppedActions": 1}}`, Running},
	}
	for name, c := range cases {
		client, _ := serve(t, always(object{"Workflows": []any{object{"Name": "w", "LastRun": parse(t, c.run)}}}))
		runs, err := client.LastRuns(t.Context(), []string{"w"})
		if run := runs["w"].Run; err != nil || run == nil || run.Succeeded != (c.want == Succeeded) || run.Running != (c.want == Running) {
			t.Errorf("%s: %+v, %v; want %s: %s", name, run, err, c.want, c.reason)
		}
		var run types.WorkflowRun
		if err := json.Unmarshal([]byte(c.run), &run); err != nil {
			t.Fatal(err)
		}
		if got := ResultOf(run); got != c.want {
			t.Errorf("%s: %s, want %s: %s", name, got, c.want, c.reason)
		}
	}
	client, _ := serve(t, always(object{"Workflows": []any{object{"Name": "w"}}}))
	if runs, err := client.LastRuns(t.Context(), []string{"w"}); err != nil || runs["w"].Run != nil {
		t.Errorf("a workflow that never ran: %+v, %v", runs, err)
	}
}

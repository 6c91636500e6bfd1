package glue_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/localaws/glue"
)

func parameters(workflow string) map[string]any {
	return map[string]any{"WorkflowName": workflow, "Role": "glue"}
}

func TestBlueprintRunCreatesARunnableWorkflow(t *testing.T) {
	var mu sync.Mutex
	var got glue.JobRun
	s := start(t, func(c *glue.Config) {
		c.Runner = runner(func(_ context.Context, r glue.JobRun) error {
			mu.Lock()
			defer mu.Unlock()
			got = r
			return nil
		})
	})
	b := s.register("single", s.upload("single_job.zip", archive(t, singleJob(t))))
	if b.Status != types.BlueprintStatusActive {
		t.Fatalf("blueprint is %s: %s", b.Status, aws.ToString(b.ErrorMessage))
	}
	run := s.runBlueprint("single", map[string]any{"WorkflowName": "foo", "Role": "glue", "Tables": []string{"a", "b"}})
	if run.State != types.BlueprintRunStateSucceeded || aws.ToString(run.WorkflowName) != "foo" {
		t.Fatalf("blueprint run is %s: %s", run.State, aws.ToString(run.ErrorMessage))
	}

	w, err := s.GetWorkflow(t.Context(), &sdk.GetWorkflowInput{Name: new("foo")})
	s.must(err)
	// "GetWorkflow returns BlueprintDetails {BlueprintName, RunId}"
	if d := w.Workflow.BlueprintDetails; d == nil || *d.BlueprintName != "single" || *d.RunId != *run.RunId {
		t.Errorf("BlueprintDetails: %+v", d)
	}
	// "start trigger: {workflow}_starting_trigger; ON_DEMAND"
	trigger := s.triggerState("foo_starting_trigger", types.TriggerStateCreated)
	job := aws.ToString(trigger.Actions[0].JobName)
	// "job / crawler: {Name}_{suffix}"
	if suffix, ok := strings.CutPrefix(job, "foo_load_"); !ok || len(suffix) != 8 {
		t.Errorf("job is named %q", job)
	}
	// "Triggers made by a blueprint run carry a default tag BlueprintName"
	tags, err := s.GetTags(t.Context(), &sdk.GetTagsInput{ResourceArn: new("arn:aws:glue:eu-west-1:123456789012:trigger/foo_starting_trigger")})
	s.must(err)
	if diff := cmp.Diff(map[string]string{"BlueprintName": "single"}, tags.Tags); diff != "" {
		t.Error(diff)
	}

	wr := s.runWorkflow("foo")
	if wr.Status != types.WorkflowRunStatusCompleted || wr.Statistics.SucceededActions != 1 {
		t.Fatalf("workflow run: %s %+v", wr.Status, wr.Statistics)
	}
	mu.Lock()
	defer mu.Unlock()
	if got.JobName != job || got.Arguments["--tables"] != `["a", "b"]` || got.Arguments["--region"] != "eu-west-1" {
		t.Errorf("job run: %+v", got)
	}
}

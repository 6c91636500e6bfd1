package glue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
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

// twoJobs is a layout with a workflow, a crawler, two jobs and three triggers; the start trigger has the schedule.
func twoJobs(workflow, schedule string) string {
	return fmt.Sprintf(`
def generate_layout(user_params, system_params):
    command = {"Name": "glueetl", "ScriptLocation": "s3://s/x.py"}
    a = Job(Name="a", Role="r", Command=command)
    b = Job(Name="b", Role="r", Command=command, DependsOn={a: "SUCCEEDED"})
    c = Crawler(Name="c", Role="r", Targets={"S3Targets": [{"Path": "s3://b/"}]}, DependsOn={b: "SUCCEEDED"})
    return Workflow(Name=%q, OnSchedule=%q, Entities=Entities(Jobs=[a, b], Crawlers=[c]))`, workflow, schedule)
}

// left lists everything that exists, by kind.
func (s *service) left() []string {
	s.t.Helper()
	var list []string
	jobs, err := s.ListJobs(s.t.Context(), &sdk.ListJobsInput{})
	s.must(err)
	crawlers, err := s.ListCrawlers(s.t.Context(), &sdk.ListCrawlersInput{})
	s.must(err)
	triggers, err := s.ListTriggers(s.t.Context(), &sdk.ListTriggersInput{})
	s.must(err)
	workflows, err := s.ListWorkflows(s.t.Context(), &sdk.ListWorkflowsInput{})
	s.must(err)
	for kind, names := range map[string][]string{
		"job": jobs.JobNames, "crawler": crawlers.CrawlerNames, "trigger": triggers.TriggerNames, "workflow": workflows.Workflows,
	} {
		for _, name := range names {
			list = append(list, kind+" "+name)
		}
	}
	slices.Sort(list)
	return list
}

// "Rollback on first failed Create (ROLLING_BACK → FAILED), reverse deletes": the start trigger comes last and fails.
func TestFailedBlueprintRunLeavesNothing(t *testing.T) {
	var mu sync.Mutex
	var calls []string
	s := start(t, func(c *glue.Config) {
		c.OnCall = func(call glue.Call) {
			mu.Lock()
			defer mu.Unlock()
			if name, ok := strings.CutPrefix(call.Operation, "BlueprintRun/"); ok {
				calls = append(calls, strings.TrimSpace(name+" "+call.ErrorCode))
			}
		}
	})
	run := s.runLayout(twoJobs("foo", "cron(0 0 * * * *)"))
	// "The schedule cron(0 0 * * * *) is invalid."
	if run.State != types.BlueprintRunStateFailed || aws.ToString(run.ErrorMessage) != "The schedule cron(0 0 * * * *) is invalid." ||
		run.RollbackErrorMessage != nil || run.WorkflowName != nil {
		t.Errorf("blueprint run: %+v", run)
	}
	if left := s.left(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	mu.Lock()
	defer mu.Unlock()
	// "workflow, crawlers, jobs, triggers"; "Triggers order: crawler triggers, job triggers, starting trigger last"
	want := []string{
		"CreateWorkflow", "CreateCrawler", "CreateJob", "CreateJob", "CreateTrigger", "CreateTrigger", "CreateTrigger InvalidInputException",
		"DeleteTrigger", "DeleteTrigger", "DeleteJob", "DeleteJob", "DeleteCrawler", "DeleteWorkflow",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Error(diff)
	}
}

// "FAILED only after the rollback completed"; "RollbackErrorMessage = errors deleting the already created entities".
func TestRollbackErrors(t *testing.T) {
	rolling, finish := make(chan struct{}), make(chan struct{})
	s := start(t, func(c *glue.Config) {
		c.Fault = func(operation string, n int) *glue.Fault {
			switch operation {
			case "BlueprintRun/CreateJob":
				return &glue.Fault{Code: "AccessDeniedException", Message: "is not authorized to perform: iam:PassRole"}
			case "BlueprintRun/DeleteCrawler":
				close(rolling)
				<-finish
				return &glue.Fault{Code: "OperationTimeoutException", Message: "too slow"}
			}
			return nil
		}
	})
	s.register("b", s.upload("b.zip", layoutZIP(t, twoJobs("foo", ""))))
	out, err := s.StartBlueprintRun(t.Context(), &sdk.StartBlueprintRunInput{BlueprintName: new("b"), RoleArn: new(roleARN)})
	s.must(err)
	<-rolling
	now, err := s.GetBlueprintRun(t.Context(), &sdk.GetBlueprintRunInput{BlueprintName: new("b"), RunId: out.RunId})
	s.must(err)
	if now.BlueprintRun.State != types.BlueprintRunStateRollingBack {
		t.Errorf("during the rollback the state is %s", now.BlueprintRun.State)
	}
	close(finish)
	run := s.finished("b", *out.RunId)
	if run.State != types.BlueprintRunStateFailed || aws.ToString(run.ErrorMessage) != "is not authorized to perform: iam:PassRole" {
		t.Errorf("%s: %s", run.State, aws.ToString(run.ErrorMessage))
	}
	left := s.left()
	if len(left) != 1 || aws.ToString(run.RollbackErrorMessage) != "Crawler "+strings.TrimPrefix(left[0], "crawler ")+": too slow" {
		t.Errorf("left %v, RollbackErrorMessage %q", left, aws.ToString(run.RollbackErrorMessage))
	}
}

// "A run only ever creates. Documented failures: existing workflow name …; leftover trigger …"
func TestBlueprintRunOnlyCreates(t *testing.T) {
	s := start(t, nil)
	s.register("single", s.upload("single_job.zip", archive(t, singleJob(t))))
	if first := s.runBlueprint("single", parameters("foo")); first.State != types.BlueprintRunStateSucceeded {
		t.Fatal(aws.ToString(first.ErrorMessage))
	}
	before := s.left()
	second := s.runBlueprint("single", parameters("foo"))
	if second.State != types.BlueprintRunStateFailed || aws.ToString(second.ErrorMessage) != "workflow with name: foo already exists" {
		t.Errorf("%s: %s", second.State, aws.ToString(second.ErrorMessage))
	}
	if diff := cmp.Diff(before, s.left()); diff != "" {
		t.Errorf("the failed blueprint run changed: %s", diff)
	}

	// "workflow deleted, nodes not → Trigger with name 'foo_starting_trigger' already submitted with different configuration"
	_, err := s.DeleteWorkflow(t.Context(), &sdk.DeleteWorkflowInput{Name: new("foo")})
	s.must(err)
	third := s.runBlueprint("single", parameters("foo"))
	if got := aws.ToString(third.ErrorMessage); got != "Trigger with name 'foo_starting_trigger' already submitted with different configuration" {
		t.Errorf("%s: %s", third.State, got)
	}
	// "job names carry a random suffix so jobs do not clash"; the third run's job is rolled back, the first one's stays.
	if left := s.left(); len(left) != 2 {
		t.Errorf("left: %v", left)
	}

	runs, err := s.GetBlueprintRuns(t.Context(), &sdk.GetBlueprintRunsInput{BlueprintName: new("single"), MaxResults: new(int32(2))})
	s.must(err)
	rest, err := s.GetBlueprintRuns(t.Context(), &sdk.GetBlueprintRunsInput{BlueprintName: new("single"), NextToken: runs.NextToken})
	s.must(err)
	if len(runs.BlueprintRuns) != 2 || len(rest.BlueprintRuns) != 1 || *runs.BlueprintRuns[0].RunId != *third.RunId || rest.NextToken != nil {
		t.Errorf("GetBlueprintRuns: %d and %d", len(runs.BlueprintRuns), len(rest.BlueprintRuns))
	}
}

// "empty → starting trigger with Actions: [] (API then rejects)"
func TestEmptyLayoutIsRejected(t *testing.T) {
	s := start(t, nil)
	run := s.runLayout("def generate_layout(u, s): return Workflow(Name='w', Entities=Entities(Jobs=[]))")
	if got := aws.ToString(run.ErrorMessage); got != "Actions cannot be null or empty" || len(s.left()) > 0 {
		t.Errorf("%s; left %v", got, s.left())
	}
}

// The same seed and the same calls give the same names.
func TestSuffixesAreSeeded(t *testing.T) {
	jobs := func(seed uint64) []string {
		s := start(t, func(c *glue.Config) { c.Seed = seed })
		s.register("single", s.upload("single_job.zip", archive(t, singleJob(t))))
		for _, w := range []string{"a", "b"} {
			s.runBlueprint("single", parameters(w))
		}
		out, err := s.ListJobs(t.Context(), &sdk.ListJobsInput{})
		s.must(err)
		return out.JobNames
	}
	one, again, two := jobs(1), jobs(1), jobs(2)
	if !slices.Equal(one, again) || slices.Equal(one, two) || len(one) != 2 {
		t.Errorf("%v %v %v", one, again, two)
	}
}

// "RUNNING with >30–40 objects got stuck" is a switch; "two StartBlueprintRun calls = two runs".
func TestBlueprintRunsThatHangAndTheirQuota(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Unknowns.HangAbove, c.Quotas.BlueprintRuns = 5, 1 })
	s.register("b", s.upload("b.zip", layoutZIP(t, twoJobs("foo", "")))) // two jobs, a crawler, three triggers
	in := &sdk.StartBlueprintRunInput{BlueprintName: new("b"), RoleArn: new(roleARN)}
	out, err := s.StartBlueprintRun(t.Context(), in)
	s.must(err)
	_, err = s.StartBlueprintRun(t.Context(), in)
	refused(t, err, "ResourceNumberLimitExceededException", "limit of 1 blueprint runs")
	got, err := s.GetBlueprintRun(t.Context(), &sdk.GetBlueprintRunInput{BlueprintName: new("b"), RunId: out.RunId})
	s.must(err)
	if got.BlueprintRun.State != types.BlueprintRunStateRunning {
		t.Errorf("state %s", got.BlueprintRun.State)
	}
	_, err = s.GetBlueprintRun(t.Context(), &sdk.GetBlueprintRunInput{BlueprintName: new("b"), RunId: new("br_0")})
	refused(t, err, "EntityNotFoundException", "br_0")
}

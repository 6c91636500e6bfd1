package glue_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go/document"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/landfall/landfall/internal/local/glue"
)

// ignoreDocument leaves out the marker that SDK structs embed.
var ignoreDocument = cmpopts.IgnoreTypes(document.NoSerde{})

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// "UpdateWorkflow: omitted ⇒ kept or cleared? UNKNOWN"
func TestUpdateWorkflow(t *testing.T) {
	type shown struct {
		Description string
		Properties  map[string]string
		Runs        *int32
	}
	for _, keeps := range []bool{false, true} {
		s := start(t, func(c *glue.Config) { c.Unknowns.UpdateKeepsOmitted = keeps })
		_, err := s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{
			Name: new("w"), Description: new("d"), MaxConcurrentRuns: new(int32(2)), DefaultRunProperties: map[string]string{"a": "1"},
		})
		s.must(err)
		get := func() shown {
			out, err := s.GetWorkflow(t.Context(), &sdk.GetWorkflowInput{Name: new("w")})
			s.must(err)
			w := out.Workflow
			return shown{aws.ToString(w.Description), w.DefaultRunProperties, w.MaxConcurrentRuns}
		}
		if diff := cmp.Diff(shown{"d", map[string]string{"a": "1"}, new(int32(2))}, get()); diff != "" {
			t.Error(diff)
		}
		_, err = s.UpdateWorkflow(t.Context(), &sdk.UpdateWorkflowInput{Name: new("w"), DefaultRunProperties: map[string]string{"b": "2"}})
		s.must(err)
		want := shown{"", map[string]string{"b": "2"}, nil}
		if keeps {
			want = shown{"d", map[string]string{"b": "2"}, new(int32(2))}
		}
		if diff := cmp.Diff(want, get()); diff != "" {
			t.Errorf("keeps %v: %s", keeps, diff)
		}
		_, err = s.UpdateWorkflow(t.Context(), &sdk.UpdateWorkflowInput{Name: new("none")})
		refused(t, err, "EntityNotFoundException", "none")
	}
}

// "DeleteWorkflow leaves children (triggers: configurable, default leave)"; "EN not modelled ⇒ presumably silent
// success"; "With a running run: behaviour UNKNOWN".
func TestDeleteWorkflow(t *testing.T) {
	remove := func(s *service, name string) error {
		_, err := s.DeleteWorkflow(t.Context(), &sdk.DeleteWorkflowInput{Name: &name})
		return err
	}
	prepare := func(b glue.Unknowns) (*service, *held) {
		h := newHeld()
		s := start(t, func(c *glue.Config) { c.Runner, c.Unknowns = h, b })
		s.workflow("w")
		s.job("a", nil)
		s.trigger(onDemand("w", "start", "a"))
		return s, h
	}
	t.Run("LeavesChildren", func(t *testing.T) {
		s, _ := prepare(glue.Unknowns{})
		s.must(remove(s, "w"))
		s.must(remove(s, "w"))
		if diff := cmp.Diff([]string{"job a", "trigger start"}, s.left()); diff != "" {
			t.Error(diff)
		}
		_, err := s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("start")})
		refused(t, err, "EntityNotFoundException", "w")
	})
	t.Run("TakesTriggers", func(t *testing.T) {
		s, _ := prepare(glue.Unknowns{DeleteWorkflowTriggers: true})
		s.must(remove(s, "w"))
		until(t, func() ([]string, bool) { return s.left(), slices.Equal(s.left(), []string{"job a"}) })
	})
	t.Run("Missing", func(t *testing.T) {
		s, _ := prepare(glue.Unknowns{DeleteMissingFails: true})
		s.transport.allowed = []string{"EntityNotFoundException"}
		refused(t, remove(s, "none"), "EntityNotFoundException", "none")
	})
	t.Run("Running", func(t *testing.T) {
		for _, permitted := range []bool{false, true} {
			s, h := prepare(glue.Unknowns{DeleteRunningWorkflow: permitted})
			_, err := s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w")})
			s.must(err)
			<-h.started
			if err := remove(s, "w"); permitted {
				s.must(err)
			} else {
				refused(t, err, "ConcurrentModificationException", "in progress")
			}
			h.results <- nil
		}
	})
}

// "BatchGetWorkflows 1–25"; "ListWorkflows ≤25".
func TestWorkflowLists(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Quotas.Workflows = 30 })
	var all []string
	for i := range 30 {
		all = append(all, s.workflow("w"+string(rune('a'+i))))
	}
	_, err := s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("one too many")})
	refused(t, err, "ResourceNumberLimitExceededException", "30 workflows")
	var got []string
	pages := 0
	for p := sdk.NewListWorkflowsPaginator(s, &sdk.ListWorkflowsInput{}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		s.must(err)
		got = append(got, out.Workflows...)
		if pages == 0 { // a workflow that goes away between pages moves no other
			_, err = s.DeleteWorkflow(t.Context(), &sdk.DeleteWorkflowInput{Name: new("wa")})
			s.must(err)
		}
	}
	if diff := cmp.Diff(all, got); diff != "" || pages != 2 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	batch, err := s.BatchGetWorkflows(t.Context(), &sdk.BatchGetWorkflowsInput{Names: []string{"wb", "wa"}})
	s.must(err)
	if len(batch.Workflows) != 1 || *batch.Workflows[0].Name != "wb" || !slices.Equal(batch.MissingWorkflows, []string{"wa"}) {
		t.Errorf("%+v", batch)
	}
	_, err = s.BatchGetWorkflows(t.Context(), &sdk.BatchGetWorkflowsInput{Names: all[:26]})
	refused(t, err, "ValidationException", "'names' failed to satisfy constraint: Member must have length less than or equal to 25")
	_, err = s.BatchGetWorkflows(t.Context(), &sdk.BatchGetWorkflowsInput{Names: []string{}})
	refused(t, err, "ValidationException", "Member must have length greater than or equal to 1")
}

// "StartWorkflowRun takes RunProperties overriding defaults per run"; "jobs call GetWorkflowRunProperties".
func TestRunProperties(t *testing.T) {
	s := start(t, nil)
	_, err := s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("w"), DefaultRunProperties: map[string]string{"a": "1", "b": "1"}})
	s.must(err)
	_, err = s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w")})
	refused(t, err, "InvalidInputException", "no starting trigger")
	s.job("j", nil)
	s.trigger(onDemand("w", "start", "j"))
	var ids []string
	for range 2 {
		out, err := s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w"), RunProperties: map[string]string{"b": "2"}})
		s.must(err)
		s.workflowRun("w", *out.RunId)
		ids = append(ids, *out.RunId)
	}
	_, err = s.PutWorkflowRunProperties(t.Context(), &sdk.PutWorkflowRunPropertiesInput{Name: new("w"), RunId: &ids[0], RunProperties: map[string]string{"c": "3"}})
	s.must(err)
	for i, want := range []map[string]string{{"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "2"}} {
		out, err := s.GetWorkflowRunProperties(t.Context(), &sdk.GetWorkflowRunPropertiesInput{Name: new("w"), RunId: &ids[i]})
		s.must(err)
		if diff := cmp.Diff(want, out.RunProperties); diff != "" {
			t.Error(diff)
		}
	}
	runs, err := s.GetWorkflowRuns(t.Context(), &sdk.GetWorkflowRunsInput{Name: new("w"), MaxResults: new(int32(1))})
	s.must(err)
	rest, err := s.GetWorkflowRuns(t.Context(), &sdk.GetWorkflowRunsInput{Name: new("w"), NextToken: runs.NextToken})
	s.must(err)
	if *runs.Runs[0].WorkflowRunId != ids[1] || len(rest.Runs) != 1 || *rest.Runs[0].WorkflowRunId != ids[0] || rest.NextToken != nil {
		t.Error("GetWorkflowRuns does not list the newest first")
	}
	_, err = s.GetWorkflowRun(t.Context(), &sdk.GetWorkflowRunInput{Name: new("w"), RunId: new("wr_0")})
	refused(t, err, "EntityNotFoundException", "wr_0")
}

// "ARNs: arn:aws:glue:R:A:{job|trigger|workflow|blueprint|crawler}/NAME. Tags: 50; key 1–128, value ≤256"
func TestTags(t *testing.T) {
	s := start(t, nil)
	s.job("a/b", func(in *sdk.CreateJobInput) { in.Tags = map[string]string{"x": "1"} })
	_, err := s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("w"), Tags: map[string]string{"x": "1"}})
	s.must(err)
	for _, arn := range []string{"arn:aws:glue:eu-west-1:123456789012:job/a/b", "arn:aws:glue:eu-west-1:123456789012:workflow/w"} {
		_, err := s.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &arn, TagsToAdd: map[string]string{"y": "2", "z": ""}})
		s.must(err)
		_, err = s.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: &arn, TagsToRemove: []string{"x"}})
		s.must(err)
		out, err := s.GetTags(t.Context(), &sdk.GetTagsInput{ResourceArn: &arn})
		s.must(err)
		if diff := cmp.Diff(map[string]string{"y": "2", "z": ""}, out.Tags); diff != "" {
			t.Error(diff)
		}
	}
	many := map[string]string{}
	for i := range 49 {
		many["k"+strings.Repeat("x", i)] = ""
	}
	arn := new("arn:aws:glue:eu-west-1:123456789012:workflow/w")
	_, err = s.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: arn, TagsToAdd: many})
	refused(t, err, "InvalidInputException", "50 tags")
	_, err = s.GetTags(t.Context(), &sdk.GetTagsInput{ResourceArn: new("arn:aws:glue:eu-west-1:123456789012:job/w")})
	refused(t, err, "EntityNotFoundException", "job/w")
	// Tags go with their resource.
	_, err = s.DeleteWorkflow(t.Context(), &sdk.DeleteWorkflowInput{Name: new("w")})
	s.must(err)
	s.workflow("w")
	out, err := s.GetTags(t.Context(), &sdk.GetTagsInput{ResourceArn: arn})
	s.must(err)
	if len(out.Tags) > 0 {
		t.Errorf("inherited tags: %v", out.Tags)
	}
}

// "DeleteCrawler throws EN"; "EN CrawlerRunning / EN CrawlerNotRunning CrawlerStopping".
func TestCrawlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(c *glue.Config) { c.Latency.Crawl = time.Minute })
		create := &sdk.CreateCrawlerInput{
			Name: new("c"), Role: new("r"), Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: new("s3://b/")}}},
			SchemaChangePolicy: &types.SchemaChangePolicy{DeleteBehavior: types.DeleteBehaviorLog}, Schedule: new("cron(0 12 * * ? *)"),
		}
		_, err := s.CreateCrawler(t.Context(), create)
		s.must(err)
		_, err = s.CreateCrawler(t.Context(), create)
		refused(t, err, "AlreadyExistsException", "c")
		_, err = s.CreateCrawler(t.Context(), &sdk.CreateCrawlerInput{Name: new("d"), Role: new("r"), Targets: &types.CrawlerTargets{}})
		refused(t, err, "InvalidInputException", "Targets")
		_, err = s.StopCrawler(t.Context(), &sdk.StopCrawlerInput{Name: new("c")})
		refused(t, err, "CrawlerNotRunningException", "c")
		_, err = s.UpdateCrawler(t.Context(), &sdk.UpdateCrawlerInput{Name: new("c"), Description: new("now with text")})
		s.must(err)
		get := func() *types.Crawler {
			out, err := s.GetCrawler(t.Context(), &sdk.GetCrawlerInput{Name: new("c")})
			s.must(err)
			return out.Crawler
		}
		if c := get(); c.Version != 2 || *c.Role != "r" || *c.Targets.S3Targets[0].Path != "s3://b/" || *c.Schedule.ScheduleExpression != "cron(0 12 * * ? *)" {
			t.Errorf("%+v", c)
		}
		_, err = s.StartCrawler(t.Context(), &sdk.StartCrawlerInput{Name: new("c")})
		s.must(err)
		time.Sleep(2 * time.Minute)
		if last := get().LastCrawl; get().State != types.CrawlerStateReady || last == nil || last.Status != types.LastCrawlStatusSucceeded {
			t.Errorf("last crawl %+v", last)
		}
		batch, err := s.BatchGetCrawlers(t.Context(), &sdk.BatchGetCrawlersInput{CrawlerNames: []string{"c", "x"}})
		s.must(err)
		all, err := s.GetCrawlers(t.Context(), &sdk.GetCrawlersInput{})
		s.must(err)
		if len(batch.Crawlers) != 1 || len(batch.CrawlersNotFound) != 1 || len(all.Crawlers) != 1 {
			t.Errorf("%+v", batch)
		}
		_, err = s.DeleteCrawler(t.Context(), &sdk.DeleteCrawlerInput{Name: new("c")})
		s.must(err)
		_, err = s.DeleteCrawler(t.Context(), &sdk.DeleteCrawlerInput{Name: new("c")})
		refused(t, err, "EntityNotFoundException", "c")
	})
}

func TestRunningCrawler(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Latency.Crawl = time.Hour })
	_, err := s.CreateCrawler(t.Context(), &sdk.CreateCrawlerInput{Name: new("c"), Role: new("r"), Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: new("s3://b/")}}}})
	s.must(err)
	_, err = s.StartCrawler(t.Context(), &sdk.StartCrawlerInput{Name: new("c")})
	s.must(err)
	_, err = s.StartCrawler(t.Context(), &sdk.StartCrawlerInput{Name: new("c")})
	refused(t, err, "CrawlerRunningException", "c")
	_, err = s.DeleteCrawler(t.Context(), &sdk.DeleteCrawlerInput{Name: new("c")})
	refused(t, err, "CrawlerRunningException", "c")
	_, err = s.StopCrawler(t.Context(), &sdk.StopCrawlerInput{Name: new("c")})
	s.must(err)
	_, err = s.StopCrawler(t.Context(), &sdk.StopCrawlerInput{Name: new("c")})
	refused(t, err, "CrawlerStoppingException", "c")
}

package glue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

// recorder is a Runner that fails chosen jobs and records what it ran.
type recorder struct {
	mu   sync.Mutex
	fail map[string]bool
	ran  []glue.JobRun
}

func (r *recorder) Run(_ context.Context, run glue.JobRun) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran = append(r.ran, run)
	if r.fail[run.JobName] {
		return errors.New("failed on purpose")
	}
	return nil
}

func (r *recorder) jobs() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, run := range r.ran {
		names = append(names, run.JobName)
	}
	return strings.Join(names, " ")
}

// node finds a node of a workflow run's graph.
func node(t *testing.T, g *types.WorkflowGraph, name string) types.Node {
	t.Helper()
	for _, n := range g.Nodes {
		if *n.Name == name && n.Type != types.NodeTypeTrigger {
			return n
		}
	}
	t.Fatalf("no node %s", name)
	return types.Node{}
}

// chain is a workflow w of jobs a → b → c, each started when the one before SUCCEEDED, and d when a FAILED.
func chain(t *testing.T, change func(*glue.Config)) (*service, *recorder) {
	t.Helper()
	r := &recorder{fail: map[string]bool{}}
	s := start(t, func(c *glue.Config) {
		c.Runner = r
		if change != nil {
			change(c)
		}
	})
	s.workflow("w")
	for _, name := range []string{"a", "b", "c", "d"} {
		s.job(name, func(in *sdk.CreateJobInput) { in.ExecutionProperty = &types.ExecutionProperty{MaxConcurrentRuns: 5} })
	}
	s.trigger(onDemand("w", "start", "a"))
	for _, in := range []*sdk.CreateTriggerInput{
		after("w", "a-b", "a", types.JobRunStateSucceeded, "b"),
		after("w", "b-c", "b", types.JobRunStateSucceeded, "c"),
		after("w", "a-d", "a", types.JobRunStateFailed, "d"),
	} {
		s.trigger(in)
		s.triggerState(*in.Name, types.TriggerStateActivated)
	}
	return s, r
}

func stats(total, ok, failed int32) types.WorkflowRunStatistics {
	return types.WorkflowRunStatistics{TotalActions: total, SucceededActions: ok, FailedActions: failed}
}

func TestWorkflowRun(t *testing.T) {
	s, r := chain(t, nil)
	run := s.runWorkflow("w")
	if diff := cmp.Diff(stats(4, 3, 0), *run.Statistics, ignoreDocument); diff != "" || run.Status != types.WorkflowRunStatusCompleted {
		t.Errorf("%s: %s", run.Status, diff)
	}
	if got := r.jobs(); got != "a b c" {
		t.Errorf("ran %s", got)
	}
	// "workflow run ids wr_<64hex>"; "Nodes wnode_<64hex>"
	if id := *run.WorkflowRunId; !strings.HasPrefix(id, "wr_") || len(id) != 3+64 {
		t.Errorf("workflow run id %s", id)
	}
	b := node(t, run.Graph, "b")
	if id := *b.UniqueId; !strings.HasPrefix(id, "wnode_") || len(id) != 6+64 {
		t.Errorf("node id %s", id)
	}
	// "Job args injected: --WORKFLOW_NAME, --WORKFLOW_RUN_ID"
	jr := b.JobDetails.JobRuns[0]
	want := map[string]string{"--WORKFLOW_NAME": "w", "--WORKFLOW_RUN_ID": *run.WorkflowRunId}
	if diff := cmp.Diff(want, jr.Arguments); diff != "" || aws.ToString(jr.TriggerName) != "a-b" {
		t.Errorf("started by %s: %s", aws.ToString(jr.TriggerName), diff)
	}
	if got := r.ran[1]; got.WorkflowName != "w" || got.WorkflowRunID != *run.WorkflowRunId || got.Arguments["--WORKFLOW_RUN_ID"] != got.WorkflowRunID {
		t.Errorf("the Runner got %+v", got)
	}
	with, err := s.GetJobRun(t.Context(), &sdk.GetJobRunInput{JobName: new("b"), RunId: jr.Id, PredecessorsIncluded: true})
	s.must(err)
	if p := with.JobRun.PredecessorRuns; len(p) != 1 || *p[0].JobName != "a" || *p[0].RunId != r.ran[0].ID {
		t.Errorf("predecessors: %+v", p)
	}
	// trigger start → a, then for each conditional trigger: what it waits for → trigger → what it starts
	if len(run.Graph.Nodes) != 8 || len(run.Graph.Edges) != 7 {
		t.Errorf("%d nodes, %d edges", len(run.Graph.Nodes), len(run.Graph.Edges))
	}
	w, err := s.GetWorkflow(t.Context(), &sdk.GetWorkflowInput{Name: new("w"), IncludeGraph: new(true)})
	s.must(err)
	if *w.Workflow.LastRun.WorkflowRunId != *run.WorkflowRunId || len(w.Workflow.Graph.Nodes) != 8 {
		t.Errorf("LastRun %s", *w.Workflow.LastRun.WorkflowRunId)
	}
}

// "COMPLETED even when nodes failed → success must be read from Statistics"
func TestWorkflowRunWithFailures(t *testing.T) {
	s, r := chain(t, nil)
	r.fail["a"] = true
	run := s.runWorkflow("w")
	if diff := cmp.Diff(stats(4, 1, 1), *run.Statistics, ignoreDocument); diff != "" || run.Status != types.WorkflowRunStatusCompleted {
		t.Errorf("%s: %s", run.Status, diff)
	}
	if got := r.jobs(); got != "a d" {
		t.Errorf("ran %s", got)
	}
}

// "a job run started outside the workflow does not fire the workflow's inner triggers"; "every CONDITIONAL trigger of
// a workflow must be ACTIVATED to fire".
func TestInnerTriggersNeedTheirRunAndActivation(t *testing.T) {
	s, r := chain(t, nil)
	s.jobRun("a", s.startJob("a"), types.JobRunStateSucceeded)
	_, err := s.StopTrigger(t.Context(), &sdk.StopTriggerInput{Name: new("a-b")})
	s.must(err)
	s.triggerState("a-b", types.TriggerStateDeactivated)
	run := s.runWorkflow("w")
	if diff := cmp.Diff(stats(4, 1, 0), *run.Statistics, ignoreDocument); diff != "" {
		t.Error(diff)
	}
	if got := r.jobs(); got != "a a" {
		t.Errorf("ran %s", got)
	}
}

// "A run takes a snapshot of triggers/graph at start; job definition changes do take effect during the run"
func TestWorkflowRunSnapshot(t *testing.T) {
	h := newHeld()
	s, _ := chain(t, func(c *glue.Config) { c.Runner = h })
	out, err := s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w")})
	s.must(err)
	<-h.started
	for _, name := range []string{"a-b", "b-c", "a-d"} {
		_, err = s.DeleteTrigger(t.Context(), &sdk.DeleteTriggerInput{Name: &name})
		s.must(err)
	}
	_, err = s.UpdateJob(t.Context(), &sdk.UpdateJobInput{JobName: new("b"), JobUpdate: &types.JobUpdate{
		Role: new("r"), Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://s/new.py")},
	}})
	s.must(err)
	h.results <- nil
	if b := <-h.started; b.JobName != "b" || b.ScriptLocation != "s3://s/new.py" {
		t.Errorf("then ran %+v", b)
	}
	h.results <- errors.New("enough")
	if run := s.workflowRun("w", *out.RunId); run.Statistics.FailedActions != 1 {
		t.Errorf("%+v", run.Statistics)
	}
}

// "MaxConcurrentRuns exceeded → Concurrent runs exceeded for workflow: foo."; "Stop: STOPPING → STOPPED".
func TestConcurrentRunsAndStop(t *testing.T) {
	h := newHeld()
	s, _ := chain(t, func(c *glue.Config) { c.Runner = h })
	_, err := s.UpdateWorkflow(t.Context(), &sdk.UpdateWorkflowInput{Name: new("w"), MaxConcurrentRuns: new(int32(1))})
	s.must(err)
	out, err := s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w")})
	s.must(err)
	<-h.started
	_, err = s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w")})
	refused(t, err, "ConcurrentRunsExceededException", "Concurrent runs exceeded for workflow: w.")
	// "StartTrigger on ON_DEMAND fires it immediately (starts a workflow run)"
	_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("start")})
	refused(t, err, "ConcurrentRunsExceededException", "Concurrent runs exceeded for workflow: w.")

	stop := &sdk.StopWorkflowRunInput{Name: new("w"), RunId: out.RunId}
	_, err = s.StopWorkflowRun(t.Context(), stop)
	s.must(err)
	run := s.workflowRun("w", *out.RunId)
	if run.Status != types.WorkflowRunStatusStopped || run.Statistics.StoppedActions != 1 || run.Statistics.TotalActions != 4 {
		t.Errorf("%s %+v", run.Status, run.Statistics)
	}
	_, err = s.StopWorkflowRun(t.Context(), stop)
	refused(t, err, "IllegalWorkflowStateException", "STOPPED")
	// "Resume: only for COMPLETED runs"
	_, err = s.ResumeWorkflowRun(t.Context(), &sdk.ResumeWorkflowRunInput{
		Name: new("w"), RunId: out.RunId, NodeIds: []string{*node(t, run.Graph, "a").UniqueId},
	})
	refused(t, err, "IllegalWorkflowStateException", "STOPPED")
	_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("start")})
	s.must(err)
	<-h.started
}

// "Resume: new RunId, only the given nodes and downstream"
func TestResume(t *testing.T) {
	s, r := chain(t, nil)
	r.fail["b"] = true
	old := s.runWorkflow("w")
	r.mu.Lock()
	r.fail["b"], r.ran = false, nil
	r.mu.Unlock()
	b := *node(t, old.Graph, "b").UniqueId
	out, err := s.ResumeWorkflowRun(t.Context(), &sdk.ResumeWorkflowRunInput{Name: new("w"), RunId: old.WorkflowRunId, NodeIds: []string{b}})
	s.must(err)
	run := s.workflowRun("w", *out.RunId)
	if got := r.jobs(); got != "b c" {
		t.Errorf("ran %s", got)
	}
	if diff := cmp.Diff(stats(4, 3, 0), *run.Statistics, ignoreDocument); diff != "" || aws.ToString(run.PreviousRunId) != *old.WorkflowRunId || *out.RunId == *old.WorkflowRunId {
		t.Errorf("previous %s: %s", aws.ToString(run.PreviousRunId), diff)
	}
	_, err = s.ResumeWorkflowRun(t.Context(), &sdk.ResumeWorkflowRunInput{Name: new("w"), RunId: old.WorkflowRunId, NodeIds: []string{"wnode_0"}})
	refused(t, err, "InvalidInputException", "wnode_0")
}

// "Predicate: Logical AND|ANY"
func TestPredicates(t *testing.T) {
	for logical, want := range map[types.Logical]string{types.LogicalAny: "a b c", types.LogicalAnd: "a b"} {
		t.Run(string(logical), func(t *testing.T) {
			r := &recorder{fail: map[string]bool{"b": true}}
			s := start(t, func(c *glue.Config) { c.Runner, c.JobSlots = r, 1 })
			s.workflow("w")
			for _, name := range []string{"a", "b", "c"} {
				s.job(name, nil)
			}
			s.trigger(onDemand("w", "start", "a"))
			s.trigger(after("w", "a-b", "a", types.JobRunStateSucceeded, "b"))
			both := after("w", "both", "a", types.JobRunStateSucceeded, "c")
			both.Predicate.Logical = logical
			both.Predicate.Conditions = append(both.Predicate.Conditions, types.Condition{
				JobName: new("b"), State: types.JobRunStateSucceeded, LogicalOperator: types.LogicalOperatorEquals,
			})
			s.trigger(both)
			s.triggerState("a-b", types.TriggerStateActivated)
			s.triggerState("both", types.TriggerStateActivated)
			s.runWorkflow("w")
			got := strings.Fields(r.jobs())
			if strings.Join(sorted(got), " ") != want {
				t.Errorf("ran %v, want %s", got, want)
			}
		})
	}
}

// "DeleteJob with a trigger referencing it: permitted; workflow node then ends ERROR"; a retried job fires its
// triggers after the last attempt only.
func TestNodesThatErrAndRetry(t *testing.T) {
	s, r := chain(t, nil)
	_, err := s.DeleteJob(t.Context(), &sdk.DeleteJobInput{JobName: new("d")})
	s.must(err)
	_, err = s.UpdateJob(t.Context(), &sdk.UpdateJobInput{JobName: new("a"), JobUpdate: &types.JobUpdate{
		Role: new("r"), Command: &types.JobCommand{Name: new("glueetl")}, MaxRetries: 1,
	}})
	s.must(err)
	r.fail["a"] = true
	run := s.runWorkflow("w")
	want := types.WorkflowRunStatistics{TotalActions: 4, FailedActions: 1, ErroredActions: 1}
	if diff := cmp.Diff(want, *run.Statistics, ignoreDocument); diff != "" {
		t.Error(diff)
	}
	if got := r.jobs(); got != "a a" {
		t.Errorf("ran %s", got)
	}
	if n := len(node(t, run.Graph, "a").JobDetails.JobRuns); n != 2 {
		t.Errorf("%d attempts in the graph", n)
	}
	d := node(t, run.Graph, "d").JobDetails.JobRuns[0]
	if d.JobRunState != types.JobRunStateError || !strings.Contains(*d.ErrorMessage, "not found") {
		t.Errorf("%+v", d)
	}
}

// A crawler run succeeds after a while; in a workflow it is a node.
func TestCrawlersInAWorkflow(t *testing.T) {
	s := start(t, nil)
	s.workflow("w")
	s.job("a", nil)
	_, err := s.CreateCrawler(t.Context(), &sdk.CreateCrawlerInput{Name: new("c"), Role: new("r"), Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: new("s3://b/")}}}})
	s.must(err)
	in := onDemand("w", "start")
	in.Actions = []types.Action{{CrawlerName: new("c")}}
	s.trigger(in)
	s.trigger(&sdk.CreateTriggerInput{
		Name: new("c-a"), WorkflowName: new("w"), Type: types.TriggerTypeConditional, StartOnCreation: true, Actions: jobAction("a"),
		Predicate: &types.Predicate{Conditions: []types.Condition{{CrawlerName: new("c"), CrawlState: types.CrawlStateSucceeded, LogicalOperator: types.LogicalOperatorEquals}}},
	})
	s.triggerState("c-a", types.TriggerStateActivated)
	run := s.runWorkflow("w")
	if run.Statistics.SucceededActions != 2 || len(node(t, run.Graph, "c").CrawlerDetails.Crawls) != 1 {
		t.Errorf("%+v", run.Statistics)
	}
}

// Many workflow runs at the same time all end, and each node runs once in each.
func TestManyWorkflowRuns(t *testing.T) {
	s, r := chain(t, func(c *glue.Config) { c.JobSlots = 8 })
	var ids []string
	for range 5 {
		out, err := s.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("w")})
		s.must(err)
		ids = append(ids, *out.RunId)
	}
	for _, id := range ids {
		if run := s.workflowRun("w", id); run.Statistics.SucceededActions != 3 {
			t.Errorf("%+v", run.Statistics)
		}
	}
	seen := map[string]int{}
	for _, run := range r.ran {
		seen[fmt.Sprint(run.WorkflowRunID, run.JobName)]++
	}
	if len(seen) != 15 || len(r.ran) != 15 {
		t.Errorf("%d job runs of %d nodes", len(r.ran), len(seen))
	}
}

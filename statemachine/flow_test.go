package statemachine_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/local/stacktest"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

// flow is the real definition, deployed with the real Lambda binaries on a local endpoint of its own.
type flow struct {
	t *testing.T
	*stacktest.Stack
	sfn     *sfn.Client
	sns     *sns.Client
	notices chan notification // what a subscriber of the topic got
}

// notification is what SNS posts to a subscriber.
type notification struct{ Type, Subject, Message string }

func deploy(t *testing.T, blueprintZIP []byte) *flow {
	t.Helper()
	s := stacktest.Deploy(t, stacktest.Config{Root: "..", Blueprint: blueprintZIP})
	f := &flow{t: t, Stack: s, sfn: sfn.NewFromConfig(s.Config), sns: sns.NewFromConfig(s.Config), notices: make(chan notification, 20)}
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Errorf("the topic posted no JSON: %v", err)
		}
		f.notices <- n
	}))
	t.Cleanup(subscriber.Close)
	must(f.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &f.TopicARN, Protocol: new("http"), Endpoint: &subscriber.URL}))(t)
	return f
}

// wantNotice checks the one notice since the last check; no subject means none.
func (f *flow) wantNotice(subject string, messages ...string) {
	f.t.Helper()
	var got notification
	if len(f.notices) > 0 { // an execution ends after its notice was delivered
		got = <-f.notices
	}
	if got.Subject != subject {
		f.t.Errorf("notice %q, want %q", got.Subject, subject)
	}
	for _, m := range messages {
		if !strings.Contains(got.Message, m) {
			f.t.Errorf("the notice does not say %q:\n%s", m, got.Message)
		}
	}
	if len(f.notices) > 0 {
		f.t.Errorf("%d more notices than executions", len(f.notices))
	}
}

// must returns the result of a call and fails the test on its error: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// catalog is a catalog of the given tables.
func catalog(prune bool, tables ...string) string {
	list := []map[string]string{}
	for _, t := range tables {
		list = append(list, map[string]string{"SourceTable": t})
	}
	data, _ := json.Marshal(map[string]any{"Prune": prune, "Defaults": map[string]string{"SecretName": "s"}, "WorkflowList": list})
	return string(data)
}

func (f *flow) upload(name, body string) {
	f.t.Helper()
	if err := f.Artifacts.Put(f.t.Context(), keys.Catalog(name), []byte(body), "application/json"); err != nil {
		f.t.Fatal(err)
	}
}

// ended is how an execution ended.
type ended struct {
	path   []string // the states of the parent, in order, each loop's turns once
	status sfntypes.ExecutionStatus
	error  string
	cause  string
	output report.Result
}

func (f *flow) execute(input string) ended {
	f.t.Helper()
	ctx := f.t.Context()
	started := must(f.sfn.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &f.StateMachineARN, Input: &input}))(f.t)
	for {
		d := must(f.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn}))(f.t)
		if d.Status == sfntypes.ExecutionStatusRunning {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		e := ended{status: d.Status, error: aws.ToString(d.Error), cause: aws.ToString(d.Cause), path: f.path(ctx, *started.ExecutionArn)}
		if d.Output != nil {
			if err := json.Unmarshal([]byte(*d.Output), &e.output); err != nil {
				f.t.Fatal(err)
			}
		}
		return e
	}
}

func (f *flow) path(ctx context.Context, arn string) []string {
	history := must(f.sfn.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000}))(f.t)
	var path []string
	for _, e := range history.Events {
		if d := e.StateEnteredEventDetails; d != nil && !slices.Contains(path, *d.Name) {
			path = append(path, *d.Name)
		}
	}
	return path
}

func (f *flow) workflows() []string {
	out := must(f.Glue.ListWorkflows(f.t.Context(), &glue.ListWorkflowsInput{}))(f.t)
	slices.Sort(out.Workflows)
	return out.Workflows
}

func (f *flow) wantWorkflows(want ...string) {
	f.t.Helper()
	if got := f.workflows(); !slices.Equal(got, want) {
		f.t.Errorf("workflows %v, want %v", got, want)
	}
}

func (f *flow) blueprintRuns() int {
	out := must(f.Glue.GetBlueprintRuns(f.t.Context(), &glue.GetBlueprintRunsInput{BlueprintName: new("landfall")}))(f.t)
	return len(out.BlueprintRuns)
}

func wantPath(t *testing.T, e ended, want ...string) {
	t.Helper()
	if !slices.Equal(e.path, want) {
		t.Errorf("path %v, want %v (ended %s: %s %s)", e.path, want, e.status, e.error, e.cause)
	}
}

func wantEnd(t *testing.T, e ended, status sfntypes.ExecutionStatus, kind string, causes ...string) {
	t.Helper()
	if e.status != status || e.error != kind {
		t.Errorf("ended %s %q, want %s %q\n%s", e.status, e.error, status, kind, e.cause)
	}
	for _, c := range causes {
		if !strings.Contains(e.cause, c) {
			t.Errorf("the cause does not say %q:\n%s", c, e.cause)
		}
	}
}

// Each scenario begins where the one before ended.
func TestFlow(t *testing.T) {
	f := deploy(t, nil)
	for _, scenario := range []struct {
		name string
		run  func(*flow)
	}{
		{"without a catalog the execution fails and says so", (*flow).noCatalog},
		{"a dry run creates nothing", (*flow).dryRun},
		{"a catalog is deployed", (*flow).firstDeploy},
		{"an unchanged catalog starts no blueprint run and no Map", (*flow).unchanged},
		{"a table that fails stops no other", (*flow).oneTableFails},
		{"an invalid catalog changes nothing and stops no other", (*flow).invalidCatalog},
		{"a foreign workflow is a conflict and left as it is", (*flow).foreignWorkflow},
		{"without a topic the execution ends as it would have", (*flow).noTopic},
	} {
		if !t.Run(scenario.name, func(t *testing.T) {
			g := *f
			g.t = t
			scenario.run(&g)
		}) {
			return
		}
	}
}

func (f *flow) noCatalog() {
	e := f.execute(`{}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusFailed, reconcile.CatalogInvalid, "there is no catalog")
	wantPath(f.t, e, "LoadCatalog", "Report", "Send a notice?", "Notify", "All well?", "Failed")
	f.wantNotice("Landfall failed: CatalogInvalid", "there is no catalog")
}

func (f *flow) dryRun() {
	f.upload("hr", catalog(true, "hr.a", "hr.b", "hr.c"))
	e := f.execute(`{"dryRun": true}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusSucceeded, "")
	wantPath(f.t, e, "LoadCatalog", "Catalog free?", "PlanWorkflows", "Anything to apply?", "Report", "Send a notice?", "All well?", "Succeeded")
	f.wantNotice("")
	if e.output.Counts.Created != 3 || !e.output.DryRun || len(f.workflows()) != 0 {
		f.t.Errorf("%+v with %v in Glue, want 3 to create and nothing created", e.output, f.workflows())
	}
}

func (f *flow) firstDeploy() {
	e := f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusSucceeded, "")
	wantPath(f.t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?",
		"Wait for the blueprint", "ApplyChanges", "Report", "Send a notice?", "Notify", "All well?", "Succeeded")
	f.wantNotice("Landfall hr: 3 created", "report: "+f.Artifacts.URI(keys.Reports+"hr/"), "execution: arn:aws:states:")
	f.wantWorkflows("hr_hr_a", "hr_hr_b", "hr_hr_c")
}

func (f *flow) unchanged() {
	runs := f.blueprintRuns()
	e := f.execute(`{}`)
	wantPath(f.t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?", "Report", "Send a notice?", "All well?", "Succeeded")
	f.wantNotice("")
	if e.output.Counts.Unchanged != 3 || f.blueprintRuns() != runs {
		f.t.Errorf("%+v and %d more blueprint runs, want 3 unchanged and none", e.output.Counts, f.blueprintRuns()-runs)
	}
}

// One entry is added that the layout refuses, one is removed.
func (f *flow) oneTableFails() {
	f.upload("hr", catalog(true, "hr.a", "hr.b", "hr.raises", "hr.d"))
	e := f.execute(`{}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusFailed, reconcile.TablesFailed, "1 created, 1 deleted, 1 failed, 2 unchanged", "hr.raises", "ValueError: no layout for hr.raises")
	f.wantNotice("Landfall hr failed: 1 created, 1 deleted, 1 failed", "ValueError: no layout for hr.raises")
	f.wantWorkflows("hr_hr_a", "hr_hr_b", "hr_hr_d")
}

// The invalid catalog does not even prune.
func (f *flow) invalidCatalog() {
	f.upload("hr", `{"WorkflowList": [{"SourceTable": "hr.a", "Delta": 1}]}`)
	e := f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusFailed, reconcile.CatalogInvalid, "WorkflowList[0].Delta")
	wantPath(f.t, e, "LoadCatalog", "Report", "Send a notice?", "Notify", "All well?", "Failed")
	f.wantNotice("Landfall hr failed: CatalogInvalid", "WorkflowList[0].Delta")
	f.upload("sales", catalog(false, "sales.orders"))
	e = f.execute(`{}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusFailed, reconcile.CatalogInvalid, "1 created", "WorkflowList[0].Delta")
	f.wantNotice("Landfall (2 catalogs) failed: CatalogInvalid, 1 created")
	f.wantWorkflows("hr_hr_a", "hr_hr_b", "hr_hr_d", "sales_sales_orders")
}

func (f *flow) foreignWorkflow() {
	must(f.Glue.CreateWorkflow(f.t.Context(), &glue.CreateWorkflowInput{Name: new("hr_hr_foreign"), Description: new("mine")}))(f.t)
	f.upload("hr", catalog(true, "hr.a", "hr.b", "hr.d", "hr.foreign"))
	e := f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusFailed, reconcile.TablesFailed, "Conflict hr hr.foreign", "3 unchanged")
	foreign := must(f.Glue.GetWorkflow(f.t.Context(), &glue.GetWorkflowInput{Name: new("hr_hr_foreign")}))(f.t).Workflow
	if aws.ToString(foreign.Description) != "mine" || foreign.MaxConcurrentRuns != nil {
		f.t.Errorf("the foreign workflow was touched: %+v", foreign)
	}
	f.wantNotice("Landfall hr failed: 1 in conflict")
}

func (f *flow) noTopic() {
	must(f.sns.DeleteTopic(f.t.Context(), &sns.DeleteTopicInput{TopicArn: &f.TopicARN}))(f.t)
	f.upload("hr", catalog(true, "hr.a", "hr.b"))
	e := f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(f.t, e, sfntypes.ExecutionStatusSucceeded, "")
	wantPath(f.t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?", "ApplyChanges",
		"Report", "Send a notice?", "Notify", "All well?", "Succeeded")
	if e.output.Counts.Deleted != 1 {
		f.t.Errorf("%+v, want 1 deleted", e.output.Counts)
	}
	f.wantNotice("")
}

func TestFlowReportsABlueprintThatGlueRefuses(t *testing.T) {
	f := deploy(t, []byte("no ZIP"))
	f.upload("hr", catalog(true, "hr.a"))
	e := f.execute(`{}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.BlueprintFailed, `blueprint "landfall" could not be registered`)
	wantPath(t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?", "Wait for the blueprint", "Report", "Send a notice?", "Notify", "All well?", "Failed")
	f.wantNotice("Landfall hr failed: BlueprintFailed, 1 failed")
	if got := f.workflows(); len(got) != 0 {
		t.Errorf("workflows %v were made without a blueprint", got)
	}
}

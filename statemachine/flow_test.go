package statemachine_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/landfall/landfall/internal/local"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/statemachine"
)

const (
	region  = "eu-west-1"
	bucket  = "artifacts"
	role    = "arn:aws:iam::123456789012:role/blueprint"
	jobRole = "arn:aws:iam::123456789012:role/job"
)

// flow is the real definition, deployed with the real Lambda binaries on the
// local endpoint. Every test gets its own Glue, so its own endpoint.
type flow struct {
	t       *testing.T
	machine string
	s3      *s3.Client
	glue    *glue.Client
	sfn     *sfn.Client
	lambda  *lambda.Client
	sns     *sns.Client
	topic   string
	told    chan notification // what a subscriber of the topic got
}

// notification is what SNS posts to a subscriber.
type notification struct{ Type, Subject, Message string }

// layout is a user-made layout: it may do what the shipped one never does.
const layout = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    if user_params["SourceTable"] == "hr.raises":
        raise ValueError("no layout for " + user_params["SourceTable"])
    tags = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    job = Job(Name=name + "_land", Role=user_params["GlueExecutionRole"], Tags=tags, Command={
        "Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"})
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=[job], Crawlers=[]), OnSchedule=schedule, DefaultRunProperties={
        "landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]})
`

// blueprint is the layout's ZIP, with a parameter for every field that the planner sends.
func blueprint(t *testing.T, layout string) []byte {
	t.Helper()
	spec := map[string]map[string]string{}
	kinds := map[reflect.Kind]string{reflect.String: "String", reflect.Int: "Integer", reflect.Float64: "Double", reflect.Bool: "Boolean"}
	for field := range reflect.TypeFor[plan.Parameters]().Fields() {
		spec[field.Name] = map[string]string{"type": kinds[field.Type.Kind()]}
	}
	config, err := json.Marshal(map[string]any{"layoutGenerator": "layout.generate_layout", "parameterSpec": spec})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, body := range map[string]string{"blueprint.cfg": string(config), "layout.py": layout} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func deploy(t *testing.T, blueprintZIP []byte) *flow {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := local.Start(t.Context(), local.Config{Addr: "127.0.0.1:0", Root: root, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	config := aws.Config{Region: region, BaseEndpoint: new(endpoint.URL()), Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	f := &flow{
		t: t, s3: s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
		glue: glue.NewFromConfig(config), sfn: sfn.NewFromConfig(config), lambda: lambda.NewFromConfig(config), sns: sns.NewFromConfig(config),
	}
	f.subscribe()
	for _, name := range []string{bucket, "assets", "raw"} {
		must(t)(f.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
		}))
	}
	for _, name := range []string{"function", "job"} {
		must(t)(iam.NewFromConfig(config).CreateRole(t.Context(), &iam.CreateRoleInput{
			RoleName: &name, AssumeRolePolicyDocument: new(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`),
		}))
	}
	must(t)(secretsmanager.NewFromConfig(config).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: new("s"), SecretString: new("{}")}))
	must(t)(f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("assets"), Key: new("blueprint.zip"), Body: bytes.NewReader(blueprintZIP)}))
	definition := strings.ReplaceAll(statemachine.Definition, "${ArtifactsBucket}", bucket)
	for _, name := range []string{"LoadCatalog", "RegisterBlueprint", "PlanWorkflows", "ApplyChange", "Report"} {
		definition = strings.ReplaceAll(definition, "${"+name+"Function}", f.function(strings.ToLower(name)))
	}
	definition = strings.ReplaceAll(definition, "${TopicArn}", f.topic)
	if i := strings.Index(definition, "${"); i >= 0 {
		t.Fatalf("a placeholder is left: %.40s", definition[i:])
	}
	machine := must(t)(f.sfn.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: new("landing"), Definition: &definition, RoleArn: new("arn:aws:iam::123456789012:role/machine"),
	})).(*sfn.CreateStateMachineOutput)
	f.machine = *machine.StateMachineArn
	return f
}

// subscribe makes the topic and listens to it.
func (f *flow) subscribe() {
	f.t.Helper()
	f.told = make(chan notification, 20)
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			f.t.Errorf("the topic posted no JSON: %v", err)
		}
		f.told <- n
	}))
	f.t.Cleanup(subscriber.Close)
	topic := must(f.t)(f.sns.CreateTopic(f.t.Context(), &sns.CreateTopicInput{Name: new("notices")})).(*sns.CreateTopicOutput)
	f.topic = *topic.TopicArn
	must(f.t)(f.sns.Subscribe(f.t.Context(), &sns.SubscribeInput{TopicArn: &f.topic, Protocol: new("http"), Endpoint: &subscriber.URL}))
}

// wantTold checks what subscribers got since the last look; no subject means nothing.
func (f *flow) wantTold(subject string, messages ...string) {
	f.t.Helper()
	var got notification
	if len(f.told) > 0 { // an execution ends after its notice was delivered
		got = <-f.told
	}
	if got.Subject != subject {
		f.t.Errorf("subscribers were told %q, want %q", got.Subject, subject)
	}
	for _, m := range messages {
		if !strings.Contains(got.Message, m) {
			f.t.Errorf("the notice does not say %q:\n%s", m, got.Message)
		}
	}
	if len(f.told) > 0 {
		f.t.Errorf("%d more notices than executions", len(f.told))
	}
}

// must fails the test on an error and returns the result as it came.
func must(t *testing.T) func(any, error) any {
	return func(v any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// function deploys one of lambdas/ as its ZIP and returns its ARN.
func (f *flow) function(name string) string {
	f.t.Helper()
	binary := filepath.Join(f.t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-o", binary, "../lambdas/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		f.t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	body, err := os.ReadFile(binary)
	if err != nil {
		f.t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Store}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	must(f.t)(f.s3.PutObject(f.t.Context(), &s3.PutObjectInput{Bucket: new("assets"), Key: new(name + ".zip"), Body: bytes.NewReader(archive.Bytes())}))
	out := must(f.t)(f.lambda.CreateFunction(f.t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Role: new("arn:aws:iam::123456789012:role/function"), Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: new("bootstrap"), Timeout: new(int32(60)), Code: &lambdatypes.FunctionCode{S3Bucket: new("assets"), S3Key: new(name + ".zip")},
		Environment: &lambdatypes.Environment{Variables: map[string]string{
			"ARTIFACTS_BUCKET": bucket, "RAW_BUCKET": "raw", "JOB_ROLE_ARN": jobRole, "BLUEPRINT_NAME": "landfall", "LAYOUT_VERSION": "1",
			"PYTHON_MODULES": "wheels/a.whl", "STACK_NAME": "Landfall", "STALE_AFTER": "6h", "CONCURRENCY": "100", "GLUE_CALLS_PER_SECOND": "50", "BLUEPRINT_ROLE_ARN": role, "PUBLISH": `[{"from":"s3://assets/blueprint.zip","to":"blueprints/landfall.zip"}]`,
		}},
	})).(*lambda.CreateFunctionOutput)
	return *out.FunctionArn
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
	must(f.t)(f.s3.PutObject(f.t.Context(), &s3.PutObjectInput{Bucket: new(bucket), Key: new("catalogs/" + name + ".json"), Body: strings.NewReader(body)}))
}

// ended is how an execution ended.
type ended struct {
	path   []string // the states of the parent, in order, each loop's turns once
	status sfntypes.ExecutionStatus
	error  string
	cause  string
	output reconcile.Result
}

func (f *flow) execute(input string) ended {
	f.t.Helper()
	ctx := f.t.Context()
	started := must(f.t)(f.sfn.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &f.machine, Input: &input})).(*sfn.StartExecutionOutput)
	for {
		d := must(f.t)(f.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})).(*sfn.DescribeExecutionOutput)
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
	history := must(f.t)(f.sfn.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})).(*sfn.GetExecutionHistoryOutput)
	var path []string
	for _, e := range history.Events {
		if d := e.StateEnteredEventDetails; d != nil && !slices.Contains(path, *d.Name) {
			path = append(path, *d.Name)
		}
	}
	return path
}

func (f *flow) workflows() []string {
	out := must(f.t)(f.glue.ListWorkflows(f.t.Context(), &glue.ListWorkflowsInput{})).(*glue.ListWorkflowsOutput)
	slices.Sort(out.Workflows)
	return out.Workflows
}

func (f *flow) blueprintRuns() int {
	out := must(f.t)(f.glue.GetBlueprintRuns(f.t.Context(), &glue.GetBlueprintRunsInput{BlueprintName: new("landfall")})).(*glue.GetBlueprintRunsOutput)
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

func TestFlow(t *testing.T) {
	f := deploy(t, blueprint(t, layout))

	// Without a catalog there is nothing to do, and the execution says so.
	e := f.execute(`{}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.CatalogInvalid, "there is no catalog")
	wantPath(t, e, "LoadCatalog", "Report", "Anything to tell?", "Notify", "All well?", "Failed")
	f.wantTold("Landfall failed: CatalogInvalid", "there is no catalog")

	f.upload("hr", catalog(true, "hr.a", "hr.b", "hr.c"))
	e = f.execute(`{"dryRun": true}`)
	wantEnd(t, e, sfntypes.ExecutionStatusSucceeded, "")
	wantPath(t, e, "LoadCatalog", "Catalog free?", "PlanWorkflows", "Anything to apply?", "Report", "Anything to tell?", "All well?", "Succeeded")
	f.wantTold("")
	if e.output.Counts.Created != 3 || !e.output.DryRun || len(f.workflows()) != 0 {
		t.Errorf("dry run: %+v with %v in Glue, want 3 to create and nothing created", e.output, f.workflows())
	}

	e = f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(t, e, sfntypes.ExecutionStatusSucceeded, "")
	wantPath(t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?",
		"Wait for the blueprint", "ApplyChanges", "Report", "Anything to tell?", "Notify", "All well?", "Succeeded")
	f.wantTold("Landfall hr: 3 created", "report: s3://artifacts/reports/hr/", "execution: arn:aws:states:")
	if got, want := f.workflows(), []string{"hr_hr_a", "hr_hr_b", "hr_hr_c"}; !slices.Equal(got, want) {
		t.Errorf("workflows %v, want %v", got, want)
	}

	// Nothing changed: no blueprint run, and no Map.
	runs := f.blueprintRuns()
	e = f.execute(`{}`)
	wantPath(t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?", "Report", "Anything to tell?", "All well?", "Succeeded")
	f.wantTold("")
	if e.output.Counts.Unchanged != 3 || f.blueprintRuns() != runs {
		t.Errorf("unchanged: %+v and %d more blueprint runs, want 3 unchanged and none", e.output.Counts, f.blueprintRuns()-runs)
	}

	// One entry added that the layout refuses, one removed: the good ones are done, the bad one is named with the layout's words.
	f.upload("hr", catalog(true, "hr.a", "hr.b", "hr.raises", "hr.d"))
	e = f.execute(`{}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.TablesFailed, "1 created, 1 deleted, 1 failed, 2 unchanged", "hr.raises", "ValueError: no layout for hr.raises")
	f.wantTold("Landfall hr failed: 1 created, 1 deleted, 1 failed", "ValueError: no layout for hr.raises")
	if got, want := f.workflows(), []string{"hr_hr_a", "hr_hr_b", "hr_hr_d"}; !slices.Equal(got, want) {
		t.Errorf("workflows %v, want %v", got, want)
	}

	// A broken catalog changes nothing, not even what it would prune, and does not hold back another catalog.
	f.upload("hr", `{"WorkflowList": [{"SourceTable": "hr.a", "Delta": 1}]}`)
	e = f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.CatalogInvalid, "WorkflowList[0].Delta")
	wantPath(t, e, "LoadCatalog", "Report", "Anything to tell?", "Notify", "All well?", "Failed")
	f.wantTold("Landfall hr failed: CatalogInvalid", "WorkflowList[0].Delta")
	f.upload("sales", catalog(false, "sales.orders"))
	e = f.execute(`{}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.CatalogInvalid, "1 created", "WorkflowList[0].Delta")
	f.wantTold("Landfall (2 catalogs) failed: CatalogInvalid, 1 created")
	if got, want := f.workflows(), []string{"hr_hr_a", "hr_hr_b", "hr_hr_d", "sales_sales_orders"}; !slices.Equal(got, want) {
		t.Errorf("workflows %v, want %v", got, want)
	}

	// A workflow that is somebody else's is a conflict, and is left as it is.
	must(t)(f.glue.CreateWorkflow(t.Context(), &glue.CreateWorkflowInput{Name: new("hr_hr_foreign"), Description: new("mine")}))
	f.upload("hr", catalog(true, "hr.a", "hr.b", "hr.d", "hr.foreign"))
	e = f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.TablesFailed, "Conflict hr hr.foreign", "3 unchanged")
	held := must(t)(f.glue.GetWorkflow(t.Context(), &glue.GetWorkflowInput{Name: new("hr_hr_foreign")})).(*glue.GetWorkflowOutput)
	if aws.ToString(held.Workflow.Description) != "mine" || held.Workflow.MaxConcurrentRuns != nil {
		t.Errorf("the foreign workflow was touched: %+v", held.Workflow)
	}
	f.wantTold("Landfall hr failed: 1 in conflict")

	// Nobody can be told: the execution ends as it would have.
	must(t)(f.sns.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &f.topic}))
	f.upload("hr", catalog(true, "hr.a", "hr.b"))
	e = f.execute(`{"catalog": "catalogs/hr.json"}`)
	wantEnd(t, e, sfntypes.ExecutionStatusSucceeded, "")
	wantPath(t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?", "ApplyChanges",
		"Report", "Anything to tell?", "Notify", "All well?", "Succeeded")
	if e.output.Counts.Deleted != 1 {
		t.Errorf("untold: %+v, want 1 deleted", e.output.Counts)
	}
	f.wantTold("")
}

func TestFlowTellsABlueprintThatGlueRefuses(t *testing.T) {
	f := deploy(t, []byte("no ZIP"))
	f.upload("hr", catalog(true, "hr.a"))
	e := f.execute(`{}`)
	wantEnd(t, e, sfntypes.ExecutionStatusFailed, reconcile.BlueprintFailed, `blueprint "landfall" could not be registered`)
	wantPath(t, e, "LoadCatalog", "Catalog free?", "RegisterBlueprint", "Anything to plan?", "PlanWorkflows", "Anything to apply?", "Wait for the blueprint", "Report", "Anything to tell?", "Notify", "All well?", "Failed")
	f.wantTold("Landfall hr failed: BlueprintFailed, 1 failed")
	if got := f.workflows(); len(got) != 0 {
		t.Errorf("workflows %v were made without a blueprint", got)
	}
}

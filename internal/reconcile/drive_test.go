package reconcile_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/glue"
	localglue "github.com/landfall/landfall/internal/localaws/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

const (
	bucket = "artifacts"
	role   = "arn:aws:iam::123456789012:role/blueprint"
)

// memory is a bucket that holds what it is given.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if body, ok := m.objects[key]; ok {
		return body, nil
	}
	return nil, fmt.Errorf("get %s: %w", key, reconcile.ErrNotFound)
}

func (m *memory) Put(_ context.Context, key string, body []byte, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = bytes.Clone(body)
	return nil
}

func (m *memory) List(_ context.Context, prefix string) ([]reconcile.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []reconcile.Object
	for key, body := range m.objects {
		if strings.HasPrefix(key, prefix) {
			found = append(found, reconcile.Object{Key: key, Size: int64(len(body))})
		}
	}
	slices.SortFunc(found, func(a, b reconcile.Object) int { return strings.Compare(a.Key, b.Key) })
	return found, nil
}

func (m *memory) Publish(ctx context.Context, from, key string) error {
	body, err := m.Get(ctx, strings.TrimPrefix(from, "memory:"))
	if err != nil {
		return err
	}
	return m.Put(ctx, key, body, "")
}

// world is a Glue over HTTP and a bucket, driven as the state machine drives
// the Tasks. Waiting takes no time: the local Glue's latencies are milliseconds.
type world struct {
	t       *testing.T
	objects *memory
	api     *sdk.Client
	r       *reconcile.Reconciler
	layout  string // LAYOUT_VERSION
	n       int    // executions so far

	mu    sync.Mutex
	calls map[string]int
	total int
	// cutOff makes the cutOff-th call fail, before or after it had its effect; 0 is never.
	cutOff int
	after  bool
	// watch is told of every call's operation before it is answered.
	watch func(operation string)
}

const layoutSource = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    if user_params["SourceTable"].endswith(".raises"):
        raise ValueError("no layout for " + user_params["SourceTable"])
    job = Job(Name=name + "_land", Role=user_params["GlueExecutionRole"], Command={
        "Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"})
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=[job], Crawlers=[]), OnSchedule=schedule, DefaultRunProperties={
        "landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]})
`

func newWorld(t *testing.T, behaviour localglue.Behaviour) *world {
	t.Helper()
	return newWorldWith(t, localglue.Config{Behaviour: behaviour})
}

func newWorldWith(t *testing.T, config localglue.Config) *world {
	t.Helper()
	python, err := filepath.Abs("../../build/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, objects: &memory{objects: map[string][]byte{}}, layout: "1", calls: map[string]int{}}
	config.Python, config.Seed, config.OnCall, config.Fault = python, 7, w.called, w.fault
	config.Objects = func(ctx context.Context, _, key string) ([]byte, error) { return w.objects.Get(ctx, key) }
	server := localglue.New(config)
	t.Cleanup(server.Close)
	http := httptest.NewServer(server)
	t.Cleanup(http.Close)
	client := aws.Config{Region: "eu-west-1", BaseEndpoint: &http.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	identity, err := arn.Parse(role)
	if err != nil {
		t.Fatal(err)
	}
	adapter := glue.New(client, identity)
	w.api = sdk.NewFromConfig(client)
	w.r = &reconcile.Reconciler{
		Objects: w.objects, Blueprints: adapter, Workflows: adapter, Entities: adapter, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	w.objects.objects["blueprint.zip"] = blueprintZIP(t)
	return w
}

func blueprintZIP(t *testing.T) []byte {
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
	for name, body := range map[string]string{"blueprint.cfg": string(config), "layout.py": layoutSource} {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// isOurs leaves out the calls that a blueprint run makes by itself.
func isOurs(operation string) bool { return !strings.Contains(operation, "/") }

func (w *world) called(c localglue.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if isOurs(c.Operation) {
		w.calls[c.Operation]++
	}
}

func (w *world) fault(operation string, _ int) *localglue.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !isOurs(operation) {
		return nil
	}
	w.total++
	if w.watch != nil {
		w.watch(operation)
	}
	if w.cutOff != 0 && w.total == w.cutOff {
		// A code that neither the SDK nor Landfall repeats or understands: the Task is dead.
		return &localglue.Fault{Code: "CutOff", After: w.after}
	}
	return nil
}

// upload puts a catalog whose entries are given as JSON objects without braces.
func (w *world) upload(name string, prune bool, entries ...string) {
	body := fmt.Sprintf(`{"Prune": %t, "Defaults": {"SecretName": "s", "GlueExecutionRole": "job", "DestinationBucketName": "raw-bucket"}, "WorkflowList": [{%s}]}`,
		prune, strings.Join(entries, "}, {"))
	w.objects.objects["catalogs/"+name+".json"] = []byte(body)
}

func table(name string) string { return fmt.Sprintf(`"SourceTable": %q`, name) }

// execute drives one execution as the state machine does. A Task that fails
// goes to Report; ApplyChange's failure ends that change alone.
func (w *world) execute(ctx context.Context, catalogKey string) reconcile.Result {
	w.t.Helper()
	w.n++
	in := reconcile.LoadCatalogInput{Execution: fmt.Sprintf("e%d", w.n)}
	in.Input.Catalog = catalogKey
	state, err := w.tasks(ctx, in)
	if err != nil {
		kind := "errorString"
		if typed, ok := errors.AsType[interface {
			error
			ErrorType() string
		}](err); ok {
			kind = typed.ErrorType()
		}
		state.Error = &reconcile.TaskError{Error: kind, Cause: err.Error()}
	}
	raw, err := json.Marshal(state)
	if err != nil {
		w.t.Fatal(err)
	}
	result, err := w.r.Report(ctx, bucket, reconcile.ReportInput{Execution: in.Execution, StartedAt: time.Now(), State: raw})
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

func (w *world) tasks(ctx context.Context, in reconcile.LoadCatalogInput) (reconcile.State, error) {
	state, err := w.r.LoadCatalog(ctx, catalog.Deployment{}, in)
	if err != nil {
		return state, err
	}
	settings := reconcile.BlueprintSettings{
		Bucket: bucket, Name: "landfall", LayoutVersion: w.layout, Publish: []reconcile.Publication{{From: "memory:blueprint.zip", To: reconcile.BlueprintKey}},
	}
	for state.Blueprint.Status != reconcile.Done {
		if state.Blueprint, err = w.r.RegisterBlueprint(ctx, settings, state); err != nil {
			return state, err
		}
		time.Sleep(2 * time.Millisecond)
	}
	planned, err := w.r.PlanWorkflows(ctx, plan.Deployment{ArtifactsBucket: bucket, LayoutVersion: w.layout, PythonModules: []string{"wheels/a.whl"}}, state)
	if err != nil {
		return state, err
	}
	body, err := w.objects.Get(ctx, planned.Changes)
	if err != nil {
		return state, err
	}
	var changes []plan.Change
	if err := json.Unmarshal(body, &changes); err != nil {
		return state, err
	}
	for _, c := range changes {
		w.apply(ctx, state.Execution, c)
	}
	return state, nil
}

func (w *world) apply(ctx context.Context, execution string, c plan.Change) {
	input := reconcile.ChangeInput{Execution: execution, Change: c}
	for range 5000 {
		progress, err := w.r.ApplyChange(ctx, reconcile.ApplySettings{Blueprint: "landfall", RoleARN: role}, input)
		if err != nil || progress.Status != reconcile.Wait {
			return
		}
		input.Progress = progress
		time.Sleep(2 * time.Millisecond)
	}
	w.t.Fatalf("change %s %s never ended", c.Action, c.Workflow)
}

// state is what Glue holds, in words: one line per workflow with its job and start trigger, and one per orphan.
func (w *world) state() []string {
	w.t.Helper()
	ctx := context.Background()
	listed, err := w.api.ListWorkflows(ctx, &sdk.ListWorkflowsInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	lines := []string{}
	owned := map[string]bool{}
	for _, name := range listed.Workflows {
		held, err := w.r.Workflows.GetWorkflow(ctx, name)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, t := range held.Triggers {
			owned[t.Name] = true
		}
		for _, j := range held.Jobs {
			owned[j] = true
		}
		finished := ""
		if held.Fingerprint != "" {
			finished = " finished"
		}
		lines = append(lines, fmt.Sprintf("%s%s: %d job, %d trigger", name, finished, len(held.Jobs), len(held.Triggers)))
	}
	jobs, err := w.api.ListJobs(ctx, &sdk.ListJobsInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	triggers, err := w.api.ListTriggers(ctx, &sdk.ListTriggersInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range append(jobs.JobNames, triggers.TriggerNames...) {
		if !owned[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	slices.Sort(lines)
	return lines
}

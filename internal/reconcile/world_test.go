package reconcile_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/asl"
	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/clock"
	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	localglue "github.com/landfall/landfall/internal/localaws/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/statemachine"
)

const (
	bucket = "artifacts"
	role   = "arn:aws:iam::123456789012:role/blueprint"
)

// layouts are those of all worlds: the same few blueprints run with the same few parameters.
var layouts localglue.Layouts

// world is a Glue and an S3 over HTTP, and executions that follow the real
// definition of the state machine with the real use cases.
type world struct {
	t       testing.TB
	backend *s3mem.Backend
	server  *localglue.Server
	api     *sdk.Client // past the gate
	gate    *gate
	r       *reconcile.Reconciler
	account *holds
	keeper  *keeper
	layout  string // LAYOUT_VERSION
	n       int    // executions so far
	path    []string
	// stopAt stops the execution when it enters the state of this number; 0 is never.
	stopAt int
	// perSecond and concurrency are the stack's settings.
	perSecond   float64
	concurrency int
	// scale is what the seconds of a Wait state are divided by.
	scale float64
	began time.Time
	// shift is how far the clock is ahead.
	shift time.Duration

	mu      sync.Mutex
	running map[string]bool // executions
	client  *glue.Client
}

// holds is an account in which everything exists but what is missing.
type holds struct {
	missing map[string]error
	quotas  reconcile.Quotas
	err     error
	asked   []string
	mu      sync.Mutex
}

func (h *holds) ask(kind, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, kind+" "+name)
	return h.missing[kind+" "+name]
}

func (h *holds) Quotas(context.Context) (reconcile.Quotas, error) {
	return h.quotas, errors.Join(h.ask("quotas", "glue"), h.err)
}
func (h *holds) CheckRole(_ context.Context, name string) error   { return h.ask("role", name) }
func (h *holds) CheckSecret(_ context.Context, name string) error { return h.ask("secret", name) }

func (h *holds) CheckConnection(_ context.Context, name string) error {
	return h.ask("connection", name)
}

func (h *holds) CheckBucket(_ context.Context, name, account string) error {
	return h.ask("bucket", name+" of "+account)
}

// Running implements reconcile.Executions.
func (w *world) Running(_ context.Context, execution string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running[execution], nil
}

const layoutSource = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    if user_params["SourceTable"].endswith(".raises"):
        raise ValueError("no layout for " + user_params["SourceTable"])
    tags = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    job = Job(Name=name + "_land", Role=user_params["GlueExecutionRole"], Tags=tags, WorkerType=user_params["WorkerType"],
        NumberOfWorkers=user_params["NumberOfWorkers"], GlueVersion="5.1",
        DefaultArguments={"--secret_name": user_params["SecretName"]}, Command={
        "Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"})
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=[job], Crawlers=[]), OnSchedule=schedule, Tags=tags, DefaultRunProperties={
        "landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]})
`

func newWorld(t testing.TB, behaviour localglue.Behaviour) *world {
	t.Helper()
	return newWorldWith(t, localglue.Config{Behaviour: behaviour})
}

// quick is for tests in which nothing depends on how long Glue takes.
var quick = localglue.Latency{
	BlueprintCreate: time.Millisecond, BlueprintUpdate: time.Millisecond, BlueprintRun: time.Millisecond, TriggerCall: time.Microsecond,
	TriggerCreate: time.Millisecond, TriggerUpdate: time.Millisecond, TriggerStart: time.Millisecond, TriggerStop: time.Millisecond, TriggerDelete: 2 * time.Millisecond,
}

func newWorldWith(t testing.TB, config localglue.Config) *world {
	t.Helper()
	python, err := filepath.Abs("../../build/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, backend: s3mem.New(), gate: newGate(), layout: "1", running: map[string]bool{}, concurrency: 100, scale: 100, began: time.Now(),
		account: &holds{missing: map[string]error{}, quotas: reconcile.Quotas{Workflows: 1000, Triggers: 1000, Jobs: 2000}},
	}
	w.keeper = newKeeper(w)
	if err := w.backend.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	if config.Latency == (localglue.Latency{}) {
		config.Latency = quick
	}
	config.Python, config.Seed, config.Layouts, config.OnCall, config.Now = python, 7, &layouts, w.keeper.called, w.now
	config.Objects = func(_ context.Context, _, key string) ([]byte, error) { return w.object(key) }
	w.server = localglue.New(config)
	t.Cleanup(w.server.Close)
	glueHTTP := httptest.NewServer(w.server)
	t.Cleanup(glueHTTP.Close)
	s3HTTP := httptest.NewServer(gofakes3.New(w.backend).Server())
	t.Cleanup(s3HTTP.Close)
	at := func(url string) aws.Config {
		return aws.Config{
			Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
			HTTPClient: &http.Client{Transport: w.gate},
		}
	}
	identity, err := arn.Parse(role)
	if err != nil {
		t.Fatal(err)
	}
	w.client = glue.New(at(glueHTTP.URL), identity)
	past := at(glueHTTP.URL)
	past.HTTPClient = nil
	w.api = sdk.NewFromConfig(past)
	w.r = &reconcile.Reconciler{
		Objects: s3.New(at(s3HTTP.URL), bucket), Blueprints: w.client, Workflows: w.client, Entities: w.client, Executions: w,
		Account: w.account, Connections: w.account, Buckets: w.account, Now: w.now, Log: slog.New(slog.DiscardHandler),
		Sleep: func(ctx context.Context, d time.Duration) error {
			return clock.Fast(w.scale, time.Time{}).Sleep(ctx, d)
		},
	}
	w.put("blueprint.zip", blueprintZIP(t, layoutSource))
	return w
}

// now goes as fast as the waits of the state machine. It is noon, far from every schedule of the tests.
func (w *world) now() time.Time {
	noon := time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	return noon.Add(time.Duration(float64(time.Since(w.began)) * w.scale)).Add(w.shift)
}

func (w *world) put(key string, body []byte) {
	w.t.Helper()
	if _, err := w.backend.PutObject(w.t.Context(), bucket, key, map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}, bytes.NewReader(body), int64(len(body))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) object(key string) ([]byte, error) {
	o, err := w.backend.GetObject(context.Background(), bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Contents.Close() }()
	return io.ReadAll(o.Contents)
}

func blueprintZIP(t testing.TB, source string) []byte { return blueprintWith(t, source, nil) }

// blueprintWith is a layout's ZIP; own are parameters beyond Landfall's.
func blueprintWith(t testing.TB, source string, own map[string]string) []byte {
	t.Helper()
	kinds := map[reflect.Kind]string{reflect.String: "String", reflect.Int: "Integer", reflect.Float64: "Double", reflect.Bool: "Boolean"}
	spec := map[string]map[string]string{}
	for field := range reflect.TypeFor[plan.Parameters]().Fields() {
		spec[field.Name] = map[string]string{"type": kinds[field.Type.Kind()]}
	}
	for name, kind := range own {
		spec[name] = map[string]string{"type": kind}
	}
	config, err := json.Marshal(map[string]any{"layoutGenerator": "layout.generate_layout", "parameterSpec": spec})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, body := range map[string]string{"blueprint.cfg": string(config), "layout.py": source} {
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

// uploadWith puts a catalog whose entries are given as JSON objects without braces.
func (w *world) uploadWith(name, policy string, entries ...string) {
	w.put("catalogs/"+name+".json", fmt.Appendf(nil, `{%s, "Defaults": {"SecretName": "s", "GlueExecutionRole": "job", "DestinationBucketName": "raw-bucket"}, "WorkflowList": [{%s}]}`,
		policy, strings.Join(entries, "}, {")))
}

// upload puts a catalog that prunes whatever it likes, or nothing.
func (w *world) upload(name string, prune bool, entries ...string) {
	w.uploadWith(name, fmt.Sprintf(`"Prune": %t, "PruneLimitPercent": 100`, prune), entries...)
}

func table(name string) string { return fmt.Sprintf(`"SourceTable": %q`, name) }

func (w *world) execute(ctx context.Context, catalogKey string) reconcile.Result {
	w.t.Helper()
	result, err := w.start(ctx, reconcile.Request{Catalog: catalogKey})
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// start makes one execution. The error tells that it was stopped.
func (w *world) start(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	w.mu.Lock()
	w.n++
	name := fmt.Sprintf("e%d", w.n)
	w.running[name], w.path = true, nil
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running[name] = false
	}()
	entered := 0
	tasks := &taskCalls{functions: w.tasks(), read: w.object}
	e := &asl.Execution{Machine: definition(), Services: tasks, Name: name, ARN: name, Scale: w.scale}
	e.Entered = func(state string) error {
		w.mu.Lock()
		entered++
		w.path = append(w.path, state)
		stop := w.stopAt != 0 && entered == w.stopAt
		w.mu.Unlock()
		w.gate.mu.Lock()
		defer w.gate.mu.Unlock()
		if stop {
			w.gate.stop()
		}
		if w.gate.stopped {
			return errStopped
		}
		return nil
	}
	input, err := json.Marshal(request)
	if err != nil {
		return reconcile.Result{}, err
	}
	if _, err := e.Run(ctx, input); err != nil {
		return reconcile.Result{}, err
	}
	return tasks.result, nil
}

// definition is the state machine, with a function's place taken by its Task's name.
var definition = sync.OnceValue(func() *asl.Machine {
	m, err := asl.Parse(statemachine.Definition)
	if err != nil {
		panic(err)
	}
	return m
})

// taskCalls are what the state machine calls.
type taskCalls struct {
	functions map[string]func(context.Context, json.RawMessage) (any, error)
	read      func(key string) ([]byte, error)
	result    reconcile.Result
}

// Invoke implements asl.Services.
func (c *taskCalls) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	task := strings.TrimSuffix(strings.TrimPrefix(name, "${"), "Function}")
	out, err := c.functions[task](ctx, payload)
	switch {
	case errors.Is(err, errStopped):
		return nil, err
	case err != nil:
		return nil, &asl.Failure{Name: kindOf(err), Cause: err.Error()}
	}
	if result, ok := out.(reconcile.Result); ok {
		c.result = result
	}
	return json.Marshal(out)
}

// Publish implements asl.Services.
func (c *taskCalls) Publish(context.Context, any) error { return nil }

// Object implements asl.Services.
func (c *taskCalls) Object(_ context.Context, _, key string) ([]byte, error) { return c.read(key) }

var errStopped = errors.New("the execution was stopped")

var errKilled = errors.New("the function was killed")

func kindOf(err error) string {
	if errors.Is(err, errKilled) {
		return "Sandbox.Timedout"
	}
	return lambda.Type(err)
}

func (w *world) deployment() plan.Deployment {
	return plan.Deployment{
		ArtifactsBucket: bucket, PythonModules: []string{"wheels/a.whl"},
		Blueprint: plan.Blueprint{Name: "landfall", Key: reconcile.BlueprintKey, Version: w.layout},
	}
}

func (w *world) tasks() map[string]func(context.Context, json.RawMessage) (any, error) {
	deployment := w.deployment()
	return map[string]func(context.Context, json.RawMessage) (any, error){
		"LoadCatalog": function(w, func(ctx context.Context, in reconcile.LoadCatalogInput) (any, error) {
			return w.r.LoadCatalog(ctx, reconcile.LoadSettings{BlueprintName: "landfall", Deployment: catalog.Deployment{}}, in)
		}),
		"RegisterBlueprint": function(w, func(ctx context.Context, in reconcile.State) (any, error) {
			return w.r.RegisterBlueprint(ctx, reconcile.BlueprintSettings{
				Bucket: bucket, Blueprint: deployment.Blueprint, Publish: []reconcile.Publication{{From: "s3://" + bucket + "/blueprint.zip", To: reconcile.BlueprintKey}},
			}, in)
		}),
		"PlanWorkflows": function(w, func(ctx context.Context, in reconcile.State) (any, error) {
			return w.r.PlanWorkflows(ctx, reconcile.PlanSettings{Deployment: deployment, AccountID: "123456789012", Concurrency: w.concurrency, CallsPerSecond: w.perSecond}, in)
		}),
		"ApplyChange": function(w, func(ctx context.Context, in reconcile.ApplyInput) (any, error) {
			return w.r.ApplyChange(ctx, reconcile.ApplySettings{RoleARN: role}, in)
		}),
		"Report": function(w, func(ctx context.Context, in reconcile.ReportInput) (any, error) {
			return w.r.Report(ctx, bucket, in)
		}),
	}
}

// function is a use case as a Lambda function that may be killed.
func function[In any](w *world, f func(context.Context, In) (any, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		ctx, i, end := w.gate.invoke(ctx)
		w.gate.mu.Lock()
		left := w.gate.left
		w.gate.mu.Unlock()
		var out any
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer end()
			out, err = f(ctx, in)
		}()
		select {
		case <-done:
		case <-left:
			return nil, errStopped
		}
		w.gate.mu.Lock()
		defer w.gate.mu.Unlock()
		switch {
		case w.gate.stopped:
			return nil, errStopped
		case i.killed:
			return nil, errKilled
		}
		return out, err
	}
}

// state is what Glue holds, in words: one line per workflow with its jobs and triggers, and one per orphan.
func (w *world) state() []string {
	w.t.Helper()
	held := w.settled()
	lines := []string{}
	used := map[string]bool{}
	for name, workflow := range held.Workflows {
		jobs, triggers := map[string]bool{}, 0
		for _, t := range held.Triggers {
			if t.Workflow != name {
				continue
			}
			triggers++
			used[t.Name] = true
			for _, started := range t.Starts {
				jobs[started], used[started] = true, true
			}
		}
		finished := ""
		if f := workflow.Properties["landfall:fingerprint"]; f != "" && f != plan.Updating {
			finished = " finished"
		}
		lines = append(lines, fmt.Sprintf("%s%s: %d job, %d trigger", name, finished, len(jobs), triggers))
	}
	for name := range held.Jobs {
		if !used[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	for _, name := range held.Crawlers {
		if !used[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	for _, t := range held.Triggers {
		if !used[t.Name] {
			lines = append(lines, "orphan "+t.Name)
		}
	}
	slices.Sort(lines)
	return lines
}

// settled is what Glue holds once no trigger is on its way.
func (w *world) settled() localglue.Snapshot {
	for range 2000 {
		held := w.server.Snapshot()
		if !slices.ContainsFunc(held.Triggers, func(t localglue.HeldTrigger) bool {
			return t.State != "ACTIVATED" && t.State != "CREATED" && t.State != "DEACTIVATED"
		}) {
			return held
		}
		time.Sleep(time.Millisecond)
	}
	w.t.Fatal("a trigger does not settle")
	return localglue.Snapshot{}
}

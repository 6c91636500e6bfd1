package glue_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/inmemory"
)

const (
	roleARN  = "arn:aws:iam::123456789012:role/glue"
	patience = 5 * time.Minute // until a wait gives up; no test measures time
)

// service is a local Glue service and a client of it.
type service struct {
	*sdk.Client
	t         *testing.T
	transport *checked
	mu        sync.Mutex
	objects   map[string][]byte // by bucket/key
}

func start(t *testing.T, change func(*glue.Config)) *service {
	t.Helper()
	s := &service{t: t, objects: map[string][]byte{}}
	c := glue.Config{Seed: 1, Objects: s.read, Python: python(t)}
	if change != nil {
		change(&c)
	}
	server := glue.New(c)
	t.Cleanup(server.Close)
	m, err := loadModel()
	s.must(err)
	s.transport = &checked{t: t, model: m, next: inmemory.Serve(t, map[string]http.Handler{"glue": server})}
	s.Client = client(1, s.transport)
	return s
}

// client returns a client that makes so many attempts per call.
func client(attempts int, transport http.RoundTripper) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: new("http://glue"), Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		RetryMaxAttempts: attempts, HTTPClient: &http.Client{Transport: transport},
	})
}

// python finds the working copy's interpreter.
func python(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir = filepath.Dir(dir); dir == "/" {
			t.Fatal("no go.mod above the test")
		}
	}
	name := filepath.Join(dir, "build", "venv", "bin", "python")
	if _, err := os.Stat(name); err != nil {
		t.Fatalf("%s is missing: run make setup", name)
	}
	return name
}

type deniedError struct{}

func (deniedError) Error() string     { return "denied" }
func (deniedError) ErrorCode() string { return "AccessDenied" }

func (s *service) read(_ context.Context, bucket, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bucket == "secret" {
		return nil, deniedError{}
	}
	content, ok := s.objects[bucket+"/"+key]
	if !ok {
		return nil, errors.New("no such key")
	}
	return content, nil
}

// upload puts an object and returns its location.
func (s *service) upload(key string, content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects["bucket/"+key] = content
	return "s3://bucket/" + key
}

// archive is a ZIP of files.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// singleJob is the blueprint in testdata/single_job, in the folder form.
func singleJob(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"single_job/blueprint.cfg", "single_job/layout.py"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	return files
}

// layoutZIP is a blueprint in the root form whose generator is the Python text.
func layoutZIP(t *testing.T, code string) []byte {
	t.Helper()
	return archive(t, map[string]string{
		"blueprint.cfg": `{"layoutGenerator": "layout.generate_layout", "parameterSpec": {}}`,
		"layout.py": strings.Join([]string{
			"from awsglue.blueprint.workflow import *", "from awsglue.blueprint.job import *", "from awsglue.blueprint.crawler import *", code, "",
		}, "\n"),
	})
}

// register creates a blueprint and waits until it is no longer CREATING.
func (s *service) register(name, location string) *types.Blueprint {
	s.t.Helper()
	_, err := s.CreateBlueprint(s.t.Context(), &sdk.CreateBlueprintInput{Name: &name, BlueprintLocation: &location})
	s.must(err)
	return s.settled(name)
}

// settled waits until a blueprint is ACTIVE or FAILED.
func (s *service) settled(name string) *types.Blueprint {
	s.t.Helper()
	return until(s.t, func() (*types.Blueprint, bool) {
		out, err := s.GetBlueprint(s.t.Context(), &sdk.GetBlueprintInput{
			Name: &name, IncludeBlueprint: new(true), IncludeParameterSpec: new(true),
		})
		s.must(err)
		st := out.Blueprint.Status
		return out.Blueprint, st == types.BlueprintStatusActive || st == types.BlueprintStatusFailed
	})
}

// runBlueprint runs a blueprint to its end.
func (s *service) runBlueprint(name string, parameters map[string]any) *types.BlueprintRun {
	s.t.Helper()
	in := &sdk.StartBlueprintRunInput{BlueprintName: &name, RoleArn: new(roleARN)}
	if parameters != nil {
		text, err := json.Marshal(parameters)
		s.must(err)
		in.Parameters = new(string(text))
	}
	out, err := s.StartBlueprintRun(s.t.Context(), in)
	s.must(err)
	return s.finished(name, *out.RunId)
}

func (s *service) finished(name, id string) *types.BlueprintRun {
	s.t.Helper()
	return until(s.t, func() (*types.BlueprintRun, bool) {
		out, err := s.GetBlueprintRun(s.t.Context(), &sdk.GetBlueprintRunInput{BlueprintName: &name, RunId: &id})
		s.must(err)
		return out.BlueprintRun, out.BlueprintRun.CompletedOn != nil
	})
}

// runLayout registers and runs a generator given as Python text.
func (s *service) runLayout(code string) *types.BlueprintRun {
	s.t.Helper()
	name := fmt.Sprintf("layout-%d", time.Now().UnixNano())
	if b := s.register(name, s.upload(name+".zip", layoutZIP(s.t, code))); b.Status != types.BlueprintStatusActive {
		s.t.Fatalf("blueprint is %s: %s", b.Status, aws.ToString(b.ErrorMessage))
	}
	return s.runBlueprint(name, nil)
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// job creates a job and returns its name.
func (s *service) job(name string, change func(*sdk.CreateJobInput)) string {
	s.t.Helper()
	in := &sdk.CreateJobInput{
		Name: &name, Role: new(roleARN),
		Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://scripts/x.py"), PythonVersion: new("3")},
	}
	if change != nil {
		change(in)
	}
	_, err := s.CreateJob(s.t.Context(), in)
	s.must(err)
	return name
}

// workflow creates a workflow and returns its name.
func (s *service) workflow(name string) string {
	s.t.Helper()
	_, err := s.CreateWorkflow(s.t.Context(), &sdk.CreateWorkflowInput{Name: &name})
	s.must(err)
	return name
}

// trigger creates a trigger and waits until it is CREATED or ACTIVATED.
func (s *service) trigger(in *sdk.CreateTriggerInput) string {
	s.t.Helper()
	_, err := s.CreateTrigger(s.t.Context(), in)
	s.must(err)
	s.triggerState(*in.Name, types.TriggerStateCreated, types.TriggerStateActivated)
	return *in.Name
}

// triggerState waits until a trigger has one of the states.
func (s *service) triggerState(name string, want ...types.TriggerState) *types.Trigger {
	s.t.Helper()
	return until(s.t, func() (*types.Trigger, bool) {
		out, err := s.GetTrigger(s.t.Context(), &sdk.GetTriggerInput{Name: &name})
		s.must(err)
		return out.Trigger, slices.Contains(want, out.Trigger.State)
	})
}

// runWorkflow starts a workflow and waits for its end.
func (s *service) runWorkflow(name string) *types.WorkflowRun {
	s.t.Helper()
	out, err := s.StartWorkflowRun(s.t.Context(), &sdk.StartWorkflowRunInput{Name: &name})
	s.must(err)
	return s.workflowRun(name, *out.RunId)
}

// workflowRun waits for the end of a workflow run.
func (s *service) workflowRun(name, id string) *types.WorkflowRun {
	s.t.Helper()
	return until(s.t, func() (*types.WorkflowRun, bool) {
		out, err := s.GetWorkflowRun(s.t.Context(), &sdk.GetWorkflowRunInput{Name: &name, RunId: &id, IncludeGraph: new(true)})
		s.must(err)
		return out.Run, out.Run.CompletedOn != nil
	})
}

// jobRun waits until a job run has one of the states.
func (s *service) jobRun(name, id string, want ...types.JobRunState) *types.JobRun {
	s.t.Helper()
	return until(s.t, func() (*types.JobRun, bool) {
		out, err := s.GetJobRun(s.t.Context(), &sdk.GetJobRunInput{JobName: &name, RunId: &id})
		s.must(err)
		return out.JobRun, slices.Contains(want, out.JobRun.JobRunState)
	})
}

// until polls until the second result is true.
func until[T any](t *testing.T, poll func() (T, bool)) T {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		v, ok := poll()
		if ok {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting; last: %+v", v)
		}
	}
}

// refused checks an error's code and that its message contains the words.
func refused(t *testing.T, err error, code, words string) {
	t.Helper()
	apiErr, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want %s", err, code)
	}
	if apiErr.ErrorCode() != code || !strings.Contains(apiErr.ErrorMessage(), words) {
		t.Fatalf("got %s %q, want %s with %q", apiErr.ErrorCode(), apiErr.ErrorMessage(), code, words)
	}
}

// runner is a Runner made of a function.
type runner func(ctx context.Context, r glue.JobRun) error

func (f runner) Run(ctx context.Context, r glue.JobRun) error { return f(ctx, r) }

func jobAction(names ...string) []types.Action {
	var list []types.Action
	for _, name := range names {
		list = append(list, types.Action{JobName: &name})
	}
	return list
}

func onDemand(workflow, name string, jobs ...string) *sdk.CreateTriggerInput {
	return &sdk.CreateTriggerInput{
		Name: &name, WorkflowName: &workflow, Type: types.TriggerTypeOnDemand, Actions: jobAction(jobs...),
	}
}

// after is a trigger that starts a job once another job has a state.
func after(workflow, name, job string, state types.JobRunState, next ...string) *sdk.CreateTriggerInput {
	return &sdk.CreateTriggerInput{
		Name: &name, WorkflowName: &workflow, Type: types.TriggerTypeConditional, StartOnCreation: true,
		Actions: jobAction(next...),
		Predicate: &types.Predicate{Conditions: []types.Condition{
			{JobName: &job, State: state, LogicalOperator: types.LogicalOperatorEquals},
		}},
	}
}

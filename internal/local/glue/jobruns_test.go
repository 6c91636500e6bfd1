package glue_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

// held is a Runner whose job runs report that they started and wait for a result.
type held struct {
	started chan glue.JobRun
	results chan error
}

func newHeld() *held { return &held{make(chan glue.JobRun, 100), make(chan error)} }

func (h *held) Run(ctx context.Context, r glue.JobRun) error {
	h.started <- r
	select {
	case err := <-h.results:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *service) startJob(name string) string {
	s.t.Helper()
	out, err := s.StartJobRun(s.t.Context(), &sdk.StartJobRunInput{JobName: &name})
	s.must(err)
	return *out.JobRunId
}

// "Job args injected"; the arguments of the start go over the job's defaults, NonOverridableArguments over both.
func TestJobRunArguments(t *testing.T) {
	h := newHeld()
	s := start(t, func(c *glue.Config) { c.Runner = h })
	s.job("j", func(in *sdk.CreateJobInput) {
		in.DefaultArguments = map[string]string{"--a": "default", "--b": "default", "--c": "default"}
		in.NonOverridableArguments = map[string]string{"--c": "fixed"}
		in.WorkerType, in.NumberOfWorkers, in.Timeout = "G.1X", new(int32(4)), new(int32(5))
	})
	out, err := s.StartJobRun(t.Context(), &sdk.StartJobRunInput{
		JobName: new("j"), Arguments: map[string]string{"--b": "start", "--c": "start"}, WorkerType: "G.2X", NumberOfWorkers: new(int32(2)),
	})
	s.must(err)
	got := <-h.started
	h.results <- nil
	want := glue.JobRun{
		ID: *out.JobRunId, JobName: "j", CommandName: "glueetl", ScriptLocation: "s3://scripts/x.py", PythonVersion: "3", GlueVersion: "5.1",
		Role: roleARN, NumberOfWorkers: 2, WorkerType: "G.2X", Timeout: 5 * time.Minute,
		Arguments: map[string]string{
			"--a": "default", "--b": "start", "--c": "fixed", "--JOB_NAME": "j", "--JOB_ID": got.Arguments["--JOB_ID"], "--JOB_RUN_ID": *out.JobRunId,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(got.Arguments["--JOB_ID"], "j_") {
		t.Error(diff)
	}
	run := s.jobRun("j", *out.JobRunId, types.JobRunStateSucceeded)
	// "job runs jr_<64hex>"; the record shows the arguments of the start only.
	if len(*run.Id) != 3+64 || *run.MaxCapacity != 4 || *run.Timeout != 5 || *run.GlueVersion != "5.1" || run.CompletedOn == nil ||
		len(run.Arguments) != 2 || *run.LogGroupName != "/aws-glue/jobs" {
		t.Errorf("job run: %+v", run)
	}
}

// "job retries (MaxRetries, _attempt_n)": the error of a failed attempt is its ErrorMessage.
func TestJobRetries(t *testing.T) {
	h := newHeld()
	s := start(t, func(c *glue.Config) { c.Runner = h })
	s.job("j", func(in *sdk.CreateJobInput) { in.MaxRetries = 2 })
	id := s.startJob("j")
	for attempt := range 3 {
		if got := <-h.started; got.Attempt != attempt {
			t.Fatalf("attempt %d, want %d", got.Attempt, attempt)
		}
		h.results <- errors.New("no such table")
	}
	last := s.jobRun("j", id+"_attempt_2", types.JobRunStateFailed)
	if last.Attempt != 2 || aws.ToString(last.PreviousRunId) != id+"_attempt_1" || aws.ToString(last.ErrorMessage) != "no such table" {
		t.Errorf("last attempt: %+v", last)
	}
	out, err := s.GetJobRuns(t.Context(), &sdk.GetJobRunsInput{JobName: new("j")})
	s.must(err)
	if len(out.JobRuns) != 3 || *out.JobRuns[2].Id != id {
		t.Errorf("%d job runs", len(out.JobRuns))
	}
}

// "job timeout → TIMEOUT"; it is not retried.
func TestJobTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		s := start(t, func(c *glue.Config) { c.Runner = h })
		s.job("j", func(in *sdk.CreateJobInput) { in.Timeout, in.MaxRetries = new(int32(10)), 1 })
		id := s.startJob("j")
		time.Sleep(11 * time.Minute)
		run := s.jobRun("j", id, types.JobRunStateTimeout)
		if aws.ToString(run.ErrorMessage) == "" {
			t.Error("no ErrorMessage")
		}
		out, err := s.GetJobRuns(t.Context(), &sdk.GetJobRunsInput{JobName: new("j")})
		s.must(err)
		if len(out.JobRuns) != 1 {
			t.Errorf("%d job runs", len(out.JobRuns))
		}
	})
}

func TestBatchStopJobRun(t *testing.T) {
	h := newHeld()
	s := start(t, func(c *glue.Config) { c.Runner, c.JobSlots = h, 1 })
	s.job("j", func(in *sdk.CreateJobInput) {
		in.ExecutionProperty, in.MaxRetries = &types.ExecutionProperty{MaxConcurrentRuns: 2}, 3
	})
	first := s.startJob("j")
	<-h.started
	second := s.startJob("j") // waits for the slot
	out, err := s.BatchStopJobRun(t.Context(), &sdk.BatchStopJobRunInput{JobName: new("j"), JobRunIds: []string{first, second, "jr_0"}})
	s.must(err)
	if len(out.SuccessfulSubmissions) != 2 || len(out.Errors) != 1 || aws.ToString(out.Errors[0].ErrorDetail.ErrorCode) != "EntityNotFoundException" {
		t.Errorf("%+v", out)
	}
	s.jobRun("j", first, types.JobRunStateStopped)
	s.jobRun("j", second, types.JobRunStateStopped)
	if len(h.started) > 0 {
		t.Error("a stopped job run was started or retried")
	}
	again, err := s.BatchStopJobRun(t.Context(), &sdk.BatchStopJobRunInput{JobName: new("j"), JobRunIds: []string{first}})
	s.must(err)
	if len(again.Errors) != 1 || !strings.Contains(*again.Errors[0].ErrorDetail.ErrorMessage, "STOPPED") {
		t.Errorf("%+v", again)
	}
}

// "Concurrent runs exceeded for <job>"; "Limit of job runs executed at the same time, others WAITING/STARTING".
func TestJobRunLimits(t *testing.T) {
	h := newHeld()
	s := start(t, func(c *glue.Config) { c.Runner, c.JobSlots, c.Quotas.JobRuns = h, 1, 3 })
	s.job("j", func(in *sdk.CreateJobInput) {
		in.ExecutionProperty = &types.ExecutionProperty{MaxConcurrentRuns: 2}
	})
	s.job("queued", func(in *sdk.CreateJobInput) { in.JobRunQueuingEnabled = new(true) })
	s.job("more", nil)
	first := s.startJob("j")
	<-h.started
	second, queued := s.startJob("j"), s.startJob("queued")
	_, err := s.StartJobRun(t.Context(), &sdk.StartJobRunInput{JobName: new("j")})
	refused(t, err, "ConcurrentRunsExceededException", "Concurrent runs exceeded for j")
	_, err = s.StartJobRun(t.Context(), &sdk.StartJobRunInput{JobName: new("more")})
	refused(t, err, "ResourceNumberLimitExceededException", "3 job runs")
	s.jobRun("j", first, types.JobRunStateRunning)
	s.jobRun("j", second, types.JobRunStateStarting)
	s.jobRun("queued", queued, types.JobRunStateWaiting)
	for range 3 {
		h.results <- nil
	}
	s.jobRun("j", first, types.JobRunStateSucceeded)
	s.jobRun("j", second, types.JobRunStateSucceeded)
	s.jobRun("queued", queued, types.JobRunStateSucceeded)
}

// Close stops what runs and waits for it.
func TestCloseEndsJobRuns(t *testing.T) {
	var mu sync.Mutex
	running := 0
	h := newHeld()
	server := glue.New(glue.Config{Runner: runner(func(ctx context.Context, r glue.JobRun) error {
		mu.Lock()
		running++
		mu.Unlock()
		err := h.Run(ctx, r)
		mu.Lock()
		running--
		mu.Unlock()
		return err
	})})
	raw(server, "CreateJob", `{"Name":"j","Role":"r","Command":{"Name":"glueetl"}}`)
	raw(server, "StartJobRun", `{"JobName":"j"}`)
	<-h.started
	server.Close()
	mu.Lock()
	defer mu.Unlock()
	if running != 0 {
		t.Errorf("%d job runs after Close", running)
	}
}

package glue_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/inmemory"
)

// OnCall is called once for every call, with its error, and may call the server.
func TestOnCall(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	var s *service
	s = start(t, func(c *glue.Config) {
		c.OnCall = func(call glue.Call) {
			if call.RequestID == "" || call.Start.IsZero() {
				t.Errorf("call without id or time: %+v", call)
			}
			mu.Lock()
			seen = append(seen, call.Operation+"|"+call.Request+"|"+call.ErrorCode)
			mu.Unlock()
			if call.Operation == "CreateWorkflow" {
				_, err := s.GetWorkflow(t.Context(), &sdk.GetWorkflowInput{Name: new("w")})
				s.must(err)
			}
		}
	})
	s.workflow("w")
	_, _ = s.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("none")})
	_, err := s.BatchGetWorkflows(t.Context(), &sdk.BatchGetWorkflowsInput{Names: []string{"w", "x"}})
	s.must(err)
	mu.Lock()
	defer mu.Unlock()
	want := []string{"CreateWorkflow|w|", "GetWorkflow|w|", "GetJob|none|EntityNotFoundException", "BatchGetWorkflows|2 names|"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault   glue.Fault
		code    string // empty: the connection breaks
		effects bool
	}{
		"Before":     {glue.Fault{Code: "OperationTimeoutException"}, "OperationTimeoutException", false},
		"After":      {glue.Fault{After: true}, "InternalServiceException", true},
		"DropBefore": {glue.Fault{Drop: true}, "", false},
		"DropAfter":  {glue.Fault{Drop: true, After: true}, "", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *glue.Config) {
				c.Fault = func(operation string, n int) *glue.Fault {
					if operation == "CreateWorkflow" && n == 2 {
						return &tc.fault
					}
					return nil
				}
			})
			plain := client(1, s.transport.next)
			s.workflow("first")
			_, err := plain.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("second")})
			if tc.code != "" {
				refused(t, err, tc.code, "injected fault")
			} else if _, ok := errors.AsType[smithy.APIError](err); ok || err == nil {
				t.Errorf("got %v, want a broken connection", err)
			}
			_, err = s.GetWorkflow(t.Context(), &sdk.GetWorkflowInput{Name: new("second")})
			if (err == nil) != tc.effects {
				t.Errorf("effect: %v", err)
			}
			_, err = s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("third")})
			s.must(err)
		})
	}
}

// "per account+Region; ThrottlingException: Rate exceeded"; "Default retryer retries throttling codes".
func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(c *glue.Config) { c.Quotas.CallsPerSecond, c.Quotas.CallsPerSecondMax = 1, 3 })
		s.transport.allowed = []string{"ThrottlingException"}
		var err error
		for range 10 {
			if _, err = s.ListWorkflows(t.Context(), &sdk.ListWorkflowsInput{}); err != nil {
				break
			}
		}
		refused(t, err, "ThrottlingException", "Rate exceeded")
		patient := client(20, s.transport)
		if _, err := patient.ListWorkflows(t.Context(), &sdk.ListWorkflowsInput{}); err != nil {
			t.Error(err)
		}
	})
}

// With FireSchedules an ACTIVATED SCHEDULED trigger starts a workflow run by the clock.
// "MaxConcurrentRuns exceeded → run not started; ErrorMessage".
func TestSchedulesFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		s := start(t, func(c *glue.Config) { c.Runner, c.FireSchedules = h, true })
		_, err := s.CreateWorkflow(t.Context(), &sdk.CreateWorkflowInput{Name: new("w"), MaxConcurrentRuns: new(int32(1))})
		s.must(err)
		s.job("j", nil)
		in := scheduled("w", "t", "cron(* * * * ? *)", "j")
		s.trigger(in)
		time.Sleep(10 * time.Minute)
		if len(h.started) > 0 {
			t.Error("a trigger that is not ACTIVATED fired")
		}
		_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("t")})
		s.must(err)
		if got := <-h.started; got.WorkflowName != "w" {
			t.Errorf("started %+v", got)
		}
		time.Sleep(time.Minute)
		out, err := s.GetWorkflowRuns(t.Context(), &sdk.GetWorkflowRunsInput{Name: new("w")})
		s.must(err)
		if len(out.Runs) != 2 {
			t.Fatalf("%d workflow runs in two minutes, want 2", len(out.Runs))
		}
		refusal := out.Runs[0]
		if refusal.Status != types.WorkflowRunStatusError || *refusal.ErrorMessage != "Concurrent runs exceeded for workflow: w." {
			t.Errorf("%s %v", refusal.Status, *refusal.ErrorMessage)
		}
		_, err = s.StopTrigger(t.Context(), &sdk.StopTriggerInput{Name: new("t")})
		s.must(err)
	})
}

func TestCallsAreCountedByOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := glue.New(glue.Config{Quotas: glue.Quotas{CallsPerSecond: 1, CallsPerSecondMax: 2}})
		t.Cleanup(server.Close)
		api := client(1, inmemory.Serve(t, map[string]http.Handler{"glue": server}))
		if _, err := api.ListWorkflows(t.Context(), &sdk.ListWorkflowsInput{}); err != nil {
			t.Fatal(err)
		}
		refused := 0
		for range 3 {
			_, err := api.GetJob(t.Context(), &sdk.GetJobInput{JobName: new("none")})
			if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ThrottlingException" {
				refused++
			}
		}
		if refused != 2 {
			t.Errorf("%d of four calls at once were throttled, want those after the burst of two", refused)
		}
		want := map[string]int{"ListWorkflows": 1, "GetJob": 3}
		if diff := cmp.Diff(want, server.Calls()); diff != "" {
			t.Errorf("calls, refused ones included (-want +got):\n%s", diff)
		}
	})
}

func TestScaledLatenciesKeepTheirProportions(t *testing.T) {
	got := glue.Realistic().Scaled(20)
	if got.BlueprintRun != time.Second || got.TriggerDelete != 2250*time.Millisecond {
		t.Errorf("a blueprint run takes %v and the deletion of a trigger %v, want 1s and 2.25s", got.BlueprintRun, got.TriggerDelete)
	}
	if tiny := (glue.Latency{JobRun: 5, Crawl: -1}).Scaled(100); tiny.JobRun != 1 || tiny.Crawl != -1 || tiny.BlueprintRun != 0 {
		t.Errorf("%+v: zero would mean the default and a negative one none", tiny)
	}
}

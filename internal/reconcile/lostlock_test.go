package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/applychange"
)

// creates are changes that create tables, without a plan.
func (w *system) creates(n int) []plan.Change {
	layout := w.deployment().Blueprint
	var changes []plan.Change
	for i := range n {
		name := fmt.Sprintf("a%d", i)
		changes = append(changes, plan.Change{
			Action: plan.Create, Catalog: "hr", Table: "hr." + name, Workflow: "hr_hr_" + name, Owner: plan.Owner(bucket, "hr"),
			Blueprint: &layout, Parameters: plan.Values{"WorkflowName": "hr_hr_" + name, "SourceTable": "hr." + name},
		})
	}
	return changes
}

// Report gives a lock back that the next execution takes over at this moment: the next one keeps it.
func TestReleaseLeavesTheNextExecutionsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.interceptor.watch = func(operation string) {
			if operation == "S3 DELETE" {
				w.put("locks/hr.json", []byte(`{"execution": "next", "executionArn": "next"}`))
			}
		}
		if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
			t.Errorf("a lock that was taken over is no failure: %s", got.Cause)
		}
		w.interceptor.watch = nil
		if body, err := w.object("locks/hr.json"); err != nil || !strings.Contains(string(body), "next") {
			t.Errorf("the next execution's lock was deleted: %s, %v", body, err)
		}
	})
}

// A child of the Map is redriven, or its function invoked late, when another execution has the catalog, or nobody has.
func TestALostLockStartsNothing(t *testing.T) {
	for name, lock := range map[string]string{"taken over": `{"execution": "the next one", "executionArn": "arn:next"}`, "given back": ""} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.upload("hr", false, table("hr.a"))
				w.execute(t.Context(), "") // registers the blueprint, and gives the lock back
				if lock != "" {
					w.put("locks/hr.json", []byte(lock))
				}
				before := w.server.Calls()["StartBlueprintRun"]
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				_, err := w.applyChange().ApplyChange(ctx, applychange.Input{Execution: "e1", Slots: 10, Queue: w.creates(10)})
				if locked, ok := errors.AsType[*reconcile.LockedError](err); !ok || locked.Catalog != "hr" {
					t.Errorf("%v, want that the catalog is locked", err)
				}
				if got := w.server.Calls()["StartBlueprintRun"] - before; got != 0 {
					t.Errorf("%d blueprint runs were started without the lock", got)
				}
			})
		})
	}
}

// flakyLocks is a bucket in which the first reads of locks fail.
type flakyLocks struct {
	artifacts
	failures atomic.Int32
}

func (f *flakyLocks) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, "locks/") && f.failures.Add(-1) >= 0 {
		return nil, errors.New("S3 answers with an internal error")
	}
	return f.artifacts.Get(ctx, key)
}

// What has been started must not be forgotten because S3 did not answer for a moment.
func TestATransientErrorOfTheLockCheckIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", false, table("hr.a"), table("hr.b"))
		flaky := &flakyLocks{artifacts: w.objects}
		flaky.failures.Store(3)
		w.objects = flaky
		if got := w.execute(t.Context(), ""); got.Counts.Created != 2 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
	})
}

// A table whose load takes an hour can be pruned: waiting for a running workflow does not count.
func TestWaitingForARunningWorkflowDoesNotCountAsTrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", false, table("hr.a"))
		w.execute(t.Context(), "")
		w.put("locks/hr.json", []byte(`{"execution": "e9", "executionArn": "e9"}`))
		task := w.applyChange()
		in := applychange.Input{Execution: "e9", Slots: 1, Items: []applychange.Item{{
			Change: plan.Change{Action: plan.Delete, Catalog: "hr", Table: "hr.a", Workflow: "hr_hr_a", Owner: plan.Owner(bucket, "hr")},
			Progress: applychange.Progress{
				Status: reconcile.Wait, Step: applychange.AwaitingRunToRemove,
				StartedAt: w.now().Add(-61 * time.Minute), Since: w.now().Add(-60 * time.Minute),
			},
		}}}
		for in.Status != reconcile.Done {
			var err error
			if in, err = task.ApplyChange(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(in.WaitSeconds) * time.Second) // as the state machine waits
		}
		if outcome, err := w.object("executions/e9/outcomes/hr_hr_a.json"); err != nil || !strings.Contains(string(outcome), `"status":"done"`) {
			t.Errorf("%s, %v", outcome, err)
		}
		if got := w.state(); len(got) > 0 {
			t.Errorf("Glue has %v", got)
		}
	})
}

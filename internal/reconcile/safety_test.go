package reconcile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

func TestTwoCatalogsNeverTouchEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"), table("hr.shared")+`, "WorkflowName": "mine"`)
		w.execute(t.Context(), "")
		w.upload("sales", true, table("sales.a"), table("sales.b")+`, "WorkflowName": "mine"`)
		for _, key := range []string{"catalogs/sales.json", "catalogs/hr.json", ""} {
			w.interceptor.reset()
			got := w.execute(t.Context(), key)
			if got.Status != "Failed" || got.Counts.Conflicts < 1 || !strings.Contains(got.Cause, "hr and sales") {
				t.Errorf("%q: %+v\n%s", key, got.Counts, got.Cause)
			}
		}
		w.upload("sales", true, table("sales.a"))
		if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
			t.Errorf("%s", got.Cause)
		}
		w.want("hr_hr_a finished: 1 job, 1 trigger", "mine finished: 1 job, 1 trigger", "sales_sales_a finished: 1 job, 1 trigger")
	})
}

func TestThePruneGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		var entries []string
		for i := range 10 {
			entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
		}
		w.uploadWith("hr", `"Prune": true`, entries...)
		w.execute(t.Context(), "")
		w.uploadWith("hr", `"Prune": true`, entries[:6]...)
		got := w.execute(t.Context(), "")
		if got.Status != "Failed" || got.Counts.Deleted != 0 || got.Counts.Conflicts != 4 || !strings.Contains(got.Cause, "pruneLimitPercent") {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		hundred := 100
		got, err := w.start(t.Context(), reconcile.Request{PruneLimitPercent: &hundred})
		if err != nil || got.Counts.Deleted != 4 {
			t.Errorf("overridden: %+v, %v", got.Counts, err)
		}
	})
}

// A dry run is the same code up to the plan: its counts are those of the execution that follows, and nothing is written.
func TestADryRunOnlyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		everyChange.begin(w)
		w.interceptor.reset()
		dry, err := w.start(t.Context(), reconcile.Request{DryRun: true})
		if err != nil || dry.Status != "Succeeded" {
			t.Fatal(err, dry.Cause)
		}
		for operation := range w.interceptor.reset() {
			if !strings.HasPrefix(operation, "Get") && !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "BatchGet") && !strings.HasPrefix(operation, "S3 ") {
				t.Errorf("a dry run called %s", operation)
			}
		}
		if got := w.execute(t.Context(), ""); got.Counts != dry.Counts {
			t.Errorf("planned %+v, did %+v", dry.Counts, got.Counts)
		}
	})
}

// Whatever throttles, only time is lost.
func TestThrottlingFailsNothing(t *testing.T) {
	for _, limit := range []int{5, 10, 20} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newSystemWith(t, localglue.Config{Quotas: localglue.Quotas{CallsPerSecond: limit, CallsPerSecondMax: limit}})
				w.perSecond = 25
				var entries []string
				for i := range 6 {
					entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
				}
				w.upload("hr", true, entries...)
				if got := w.execute(t.Context(), ""); got.Status != "Succeeded" || got.Counts.Created != 6 {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
				entries[0], entries[1] = entries[0]+workers, entries[1]+cron("0 1 * * ? *")
				w.upload("hr", true, entries[:5]...)
				if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Updated: 2, Deleted: 1, Unchanged: 3}) {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
			})
		})
	}
}

// What somebody took away or switched off by hand is put right by the next execution.
func TestDriftIsRepaired(t *testing.T) {
	for name, drift := range map[string]func(ctx context.Context, w *system) error{
		"the trigger is stopped": func(ctx context.Context, w *system) error {
			_, err := w.api.StopTrigger(ctx, &sdk.StopTriggerInput{Name: new("hr_hr_a_starting_trigger")})
			return err
		},
		"the trigger is deleted": func(ctx context.Context, w *system) error {
			_, err := w.api.DeleteTrigger(ctx, &sdk.DeleteTriggerInput{Name: new("hr_hr_a_starting_trigger")})
			return err
		},
		"the job is deleted": func(ctx context.Context, w *system) error {
			_, err := w.api.DeleteJob(ctx, &sdk.DeleteJobInput{JobName: new(w.job("hr_hr_a"))})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.upload("hr", true, table("hr.a")+cron("0 1 * * ? *"), table("hr.b"))
				w.execute(t.Context(), "")
				if err := drift(t.Context(), w); err != nil {
					t.Fatal(err)
				}
				w.settled()
				if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Updated: 1, Unchanged: 1}) {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
				w.want("hr_hr_a finished: 1 job, 1 trigger", "hr_hr_b finished: 1 job, 1 trigger")
				for _, trigger := range w.settled().Triggers {
					if trigger.Type == "SCHEDULED" && trigger.State != "ACTIVATED" {
						t.Errorf("trigger %s is %s", trigger.Name, trigger.State)
					}
				}
				if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Unchanged: 2}) {
					t.Errorf("once more: %+v", got.Counts)
				}
			})
		})
	}
}

// An update never stops a running workflow; a delete stops it where the catalog says so.
func TestARunningWorkflowIsStoppedOnlyByPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := &slowJob{}
		w := newSystemWith(t, localglue.Config{Runner: job})
		w.upload("hr", true, table("hr.a"))
		w.execute(t.Context(), "")
		start := func() {
			t.Helper()
			if _, err := w.api.StartWorkflowRun(t.Context(), &sdk.StartWorkflowRunInput{Name: new("hr_hr_a")}); err != nil {
				t.Fatal(err)
			}
		}
		start()
		w.interceptor.reset()
		w.upload("hr", true, table("hr.a")+workers+cron("0 1 * * ? *"))
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		if calls := w.interceptor.reset(); calls["StopWorkflowRun"] > 0 {
			t.Error("an update stopped the running workflow")
		}
		w.until(func() bool { return w.server.Snapshot().Workflows["hr_hr_a"].Running == 0 })
		start()
		w.uploadWith("hr", `"Prune": true, "PruneRunning": "Stop"`, table("hr.b"))
		if got := w.execute(t.Context(), ""); got.Counts.Deleted != 1 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		if calls := w.interceptor.reset(); calls["StopWorkflowRun"] == 0 {
			t.Error("the running workflow was not stopped, though the catalog says so")
		}
		w.want("hr_hr_b finished: 1 job, 1 trigger")
	})
}

// until waits for something that Glue does by itself.
func (w *system) until(done func() bool) {
	w.t.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("it does not happen")
}

package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/applychange"
)

// A blueprint run that ends makes room for the next; one that hangs takes one slot and delays nobody else. No more
// run at once than the stack allows, which here is as many as Glue does.
func TestARunThatHangsTakesOneSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots, tables = 3, 20
		w := newSystemWith(t, localglue.Config{Unknowns: localglue.Unknowns{HangAbove: 4}, Quotas: localglue.Quotas{BlueprintRuns: slots}})
		w.concurrency = slots
		w.put("blueprints/wide.zip", blueprintZIP(t, wideLayout))
		entries := []string{table("hr.wide")}
		want := []string{}
		for i := range tables {
			entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
			want = append(want, fmt.Sprintf("hr_hr_t%02d finished: 1 job, 1 trigger", i))
		}
		w.uploadWith("hr", `"Blueprint": "blueprints/wide.zip"`, entries...)
		started := map[bool]int{} // whether a clock was set forward already
		w.interceptor.watch = func(operation string) {
			switch {
			case operation == "StartBlueprintRun":
				started[w.ahead.Load() > 0]++
			case operation == "GetBlueprintRun" && started[false] == tables+1:
				w.ahead.Add(int64(2 * time.Minute)) // only the one that hangs is left
			}
		}
		got := w.execute(t.Context(), "")
		if got.Counts.Created != tables || got.Counts.Failed != 1 || !strings.Contains(got.Cause, "running the blueprint") {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		if started[false] != tables+1 || started[true] > 0 {
			t.Errorf("%d blueprint runs were started, and %d after the one that hangs was given up; want %d: Glue refused some, or a slot stayed empty", started[false], started[true], tables+1)
		}
		w.want(want...)
	})
}

// A function that outlives its execution starts on no further table once another execution has the catalog.
func TestAFunctionThatOutlivesItsExecutionStartsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", false, table("hr.a"))
		w.execute(t.Context(), "") // registers the blueprint
		w.put("locks/hr.json", []byte(`{"execution": "e1", "executionArn": "e1"}`))
		before := w.server.Calls()["StartBlueprintRun"]
		w.interceptor.watch = func(operation string) {
			if operation == "StartBlueprintRun" {
				w.put("locks/hr.json", []byte(`{"execution": "the next one", "executionArn": "arn:next"}`))
				w.ahead.Add(int64(3 * time.Second))
			}
		}
		// Runs are known to be short, so that the function waits for them itself.
		_, err := w.applyChange().ApplyChange(t.Context(), applychange.Input{Execution: "e1", Slots: 1, Queue: w.creates(3), RunSeconds: 0.1})
		if locked, ok := errors.AsType[*reconcile.LockedError](err); !ok || locked.Holder.Execution != "the next one" {
			t.Errorf("%v, want that the catalog is locked by the next one", err)
		}
		if got := w.server.Calls()["StartBlueprintRun"] - before; got != 1 {
			t.Errorf("%d blueprint runs were started, want the one before the catalog was taken over", got)
		}
	})
}

// A Glue that is slow costs time, and no table: a step that takes too long is cut off and taken again, and what a call
// of the function has no time to begin is left to the next.
func TestSlownessCostsTimeOnly(t *testing.T) {
	const tables = 24
	cases := map[string]func(operation string, nth int) time.Duration{
		"a step is cut off": func(operation string, nth int) time.Duration {
			if operation == "UpdateWorkflow" && nth <= 3 {
				return 3 * time.Minute
			}
			return 0
		},
		"a call takes a minute": func(operation string, _ int) time.Duration {
			if operation == "StartBlueprintRun" || operation == "UpdateWorkflow" {
				return time.Minute
			}
			return 0
		},
	}
	for name, slow := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.concurrency, w.interceptor.slow = 10, slow
				var entries, want []string
				for i := range tables {
					entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
					want = append(want, fmt.Sprintf("hr_hr_t%02d finished: 1 job, 1 trigger", i))
				}
				w.upload("hr", false, entries...)
				if got := w.execute(t.Context(), ""); got.Counts.Created != tables {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
				w.want(want...)
			})
		})
	}
}

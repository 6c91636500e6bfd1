package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/google/go-cmp/cmp"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

// Two executions of one catalog: the second waits for the first, and both end well.
func TestTwoExecutionsOfOneCatalogWorkOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		var entries []string
		for i := range 12 {
			entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
		}
		w.upload("hr", true, entries...)
		results := make(chan report.Result, 2)
		for range 2 {
			go func() {
				result, err := w.start(t.Context(), reconcile.Request{Catalog: "catalogs/hr.json"})
				if err != nil {
					t.Error(err)
				}
				results <- result
			}()
		}
		a, b := <-results, <-results
		if a.Status != "Succeeded" || b.Status != "Succeeded" || a.Counts.Created+b.Counts.Created != 12 || a.Counts.Unchanged+b.Counts.Unchanged != 12 {
			t.Errorf("%+v and %+v, want one that creates and one that finds all in sync", a.Counts, b.Counts)
		}
		if runs := w.interceptor.reset()["StartBlueprintRun"]; runs != 12 {
			t.Errorf("%d blueprint runs for 12 tables", runs)
		}
		if _, err := w.object("locks/hr.json"); err == nil {
			t.Error("the lock is still there")
		}
	})
}

// A lock is not waited for for ever, is taken from the dead, and no other catalog minds it.
func TestLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.upload("sales", true, table("sales.a"))
		w.put("locks/hr.json", []byte(`{"execution": "first", "executionArn": "arn:first", "since": "2026-11-24T21:10:00Z"}`))
		w.running["arn:first"] = true
		in := reconcile.LoadCatalogInput{Execution: "second", ExecutionARN: "arn:second"}
		in.Input.Catalog = "catalogs/hr.json"
		state, err := w.loadCatalog().LoadCatalog(t.Context(), in)
		if err != nil || state.Status != reconcile.Wait || state.WaitSeconds < 1 {
			t.Fatalf("%+v, %v: want to wait", state, err)
		}
		since := time.Date(2026, 11, 24, 21, 10, 0, 0, time.UTC)
		if want := (reconcile.Locked{Catalog: "hr", Holder: reconcile.Holder{Execution: "first", ExecutionARN: "arn:first", Since: since}}); state.Locked == nil || *state.Locked != want {
			t.Errorf("waiting for %+v, want %+v", state.Locked, want)
		}
		in.Input.Waited = 24 * 3600
		_, err = w.loadCatalog().LoadCatalog(t.Context(), in)
		if locked, ok := errors.AsType[*reconcile.LockedError](err); !ok || locked.ErrorType() != reconcile.CatalogLocked ||
			!strings.Contains(err.Error(), "catalog hr is worked on by execution first, since 2026-11-24 21:10:00 UTC (arn:first)") {
			t.Errorf("%v, want one of type CatalogLocked that names the first execution", err)
		}
		if got := w.execute(t.Context(), "catalogs/sales.json"); got.Counts.Created != 1 {
			t.Errorf("the other catalog: %+v", got)
		}
		if got, err := w.start(t.Context(), reconcile.Request{Catalog: "catalogs/hr.json", DryRun: true}); err != nil || got.Counts.Created != 1 {
			t.Errorf("a dry run: %+v, %v", got, err)
		}
		if body, _ := w.object("locks/hr.json"); !strings.Contains(string(body), "arn:first") {
			t.Errorf("the lock is %s, want the first execution's", body)
		}
		w.running["arn:first"] = false
		if got := w.execute(t.Context(), "catalogs/hr.json"); got.Status != "Succeeded" || got.Counts.Created != 1 {
			t.Errorf("after the first one has died: %+v", got)
		}
	})
}

// The history of blueprint runs grows with every table, so that nobody reads it
// unless an execution left something undone.
func TestTheHistoryOfBlueprintRunsIsReadOnlyAfterAnExecutionThatLeftSomethingUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{ParameterErrorsFailRun: true})
		w.upload("hr", true, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		calls := func(end func()) map[string]int {
			t.Helper()
			w.interceptor.reset()
			end()
			return w.glueCalls()
		}
		quietly := func() {
			if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Unchanged: 2}) {
				t.Errorf("%+v\n%s", got.Counts, got.Cause)
			}
		}
		short := calls(quietly)
		for range 3000 {
			if _, err := w.api.StartBlueprintRun(t.Context(), &sdk.StartBlueprintRunInput{BlueprintName: new("landfall"), RoleArn: new(role), Parameters: new("{}")}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(short, calls(quietly)); diff != "" {
			t.Errorf("with 3,000 blueprint runs behind it an unchanged catalog takes other calls (-short +long):\n%s", diff)
		}
		w.put("blueprint.zip", blueprintZIP(t, "# another job code\n"+layoutSource))
		if diff := cmp.Diff(short, calls(quietly)); diff != "" {
			t.Errorf("published code takes other calls (-nothing changed +code changed):\n%s", diff)
		}
		w.account.missing["role nobody"] = reconcile.ErrNotFound
		cases := []struct {
			reason string
			leave  func()
			reads  bool
		}{
			{"an execution that was stopped gives nothing back", func() { w.stopAt = 4; _, _ = w.start(t.Context(), reconcile.Request{}); w.stopAt = 0 }, true},
			{"the one after it finished the catalog", func() {}, false},
			{"a table failed: its blueprint run may go on", func() {
				w.upload("hr", true, table("hr.a"), table("hr.b"), table("hr.raises"))
				w.put("blueprint.zip", blueprintZIP(t, layoutSource))
				if got := w.execute(t.Context(), ""); got.Counts.Failed != 1 {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
				w.upload("hr", true, table("hr.a"), table("hr.b"))
			}, true},
			{"a conflict was never begun", func() {
				w.upload("hr", true, table("hr.a"), table("hr.b"), table("hr.c")+`, "GlueExecutionRole": "nobody"`)
				if got := w.execute(t.Context(), ""); got.Counts.Conflicts != 1 {
					t.Errorf("%+v\n%s", got.Counts, got.Cause)
				}
				w.upload("hr", true, table("hr.a"), table("hr.b"))
			}, false},
			{"a catalog that could not be loaded was not worked off", func() {
				w.put("catalogs/hr.json", []byte("{"))
				w.execute(t.Context(), "")
				w.upload("hr", true, table("hr.a"), table("hr.b"))
			}, true},
		}
		for _, c := range cases {
			w.interceptor.arm(0, "")
			c.leave()
			w.interceptor.arm(0, "")
			if got := calls(quietly)["GetBlueprintRuns"]; (got > 0) != c.reads {
				t.Errorf("%s: the history was read with %d calls, want any: %t", c.reason, got, c.reads)
			}
		}
	})
}

// Who takes a catalog over and is cut off before it has looked leaves that to the next.
func TestATakeoverIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", true, table("hr.a"))
		w.put("locks/hr.json", []byte(`{"execution": "first", "executionArn": "arn:first"}`))
		in := reconcile.LoadCatalogInput{Execution: "second", ExecutionARN: "arn:second"}
		for range 2 { // the function's answer may be lost, and it is then called again
			state, err := w.loadCatalog().LoadCatalog(t.Context(), in)
			if err != nil || !state.TakenOver {
				t.Errorf("%+v, %v: want it to know that it took the catalog over", state, err)
			}
		}
	})
}

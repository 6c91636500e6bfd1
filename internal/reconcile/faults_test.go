package reconcile_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
)

// stride leaves out points: LANDFALL_FAULT_STRIDE=1 tries every call, as make torture-deploy does;
// without it every third is tried.
var stride = func() int {
	n, err := strconv.Atoi(os.Getenv("LANDFALL_FAULT_STRIDE"))
	if err != nil || n < 1 {
		return 3
	}
	return n
}()

// inject makes an execution in which the k-th call meets the fault, then one without.
func inject(t *testing.T, tr transition, behaviour localglue.Unknowns, k int, f fault) (hit bool) {
	w := newSystem(t, behaviour)
	w.concurrency = 10 // one item holds all changes, so that the calls come in about the same order
	w.invariants.pauses = behaviour.RefuseActivatedUpdate
	tr.begin(w)
	w.interceptor.arm(k, f)
	_, _ = w.start(t.Context(), reconcile.Request{})
	w.interceptor.mu.Lock()
	operation := w.interceptor.hit
	w.interceptor.mu.Unlock()
	w.interceptor.arm(0, "")
	tr.end(w)
	if t.Failed() {
		t.Logf("call %d was %s", k, operation)
	}
	return operation != ""
}

// countCalls is how many calls and states the execution has that the faults are put into.
func countCalls(t *testing.T, tr transition) (calls, states int) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.concurrency = 10
		tr.begin(w)
		w.interceptor.arm(0, "")
		w.execute(t.Context(), "")
		calls, states = w.interceptor.total, len(w.path)
	})
	return calls, states
}

// Every call of an execution meets every fault once; one more execution must
// reach the same end, the invariant held throughout, and nothing is left over.
func TestAnyFaultAtAnyCallConverges(t *testing.T) {
	calls, _ := countCalls(t, everyChange)
	var points atomic.Int64
	t.Run("points", func(t *testing.T) {
		for _, f := range faults {
			for k := 1; k <= calls; k += stride {
				t.Run(fmt.Sprintf("%s/%d", f, k), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						if inject(t, everyChange, localglue.Unknowns{}, k, f) {
							points.Add(1)
						}
					})
				})
			}
		}
	})
	fmt.Printf("fault points tried: %d, of %d calls and %d faults\n", points.Load(), (calls+stride-1)/stride, len(faults))
	if want := int64((calls + stride - 1) / stride * len(faults) * 7 / 10); points.Load() < want {
		t.Errorf("only %d points were tried, want %d: the executions make fewer calls than was counted", points.Load(), want)
	}
}

// Where Glue refuses the better way, the other one must bear being cut off too.
func TestCutOffUnderTheOtherAnswersConverges(t *testing.T) {
	calls, _ := countCalls(t, everyChange)
	var points atomic.Int64
	t.Run("points", func(t *testing.T) {
		for _, name := range []string{"an active trigger is not updated", "a start trigger counts until it is gone", "a created trigger is not there at once"} {
			for _, f := range []fault{stoppedBefore, stoppedAfter, killedAfter} {
				for k := 1 + len(name)%2; k <= calls; k += 5 * stride {
					t.Run(fmt.Sprintf("%s/%s/%d", name, f, k), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							if inject(t, everyChange, behaviours[name], k, f) {
								points.Add(1)
							}
						})
					})
				}
			}
		}
	})
	fmt.Printf("fault points tried under other answers of Glue: %d\n", points.Load())
}

func TestStoppedAtAnyStateConverges(t *testing.T) {
	_, entered := countCalls(t, everyChange)
	for n := 1; n <= entered; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.concurrency = 10
				everyChange.begin(w)
				w.interceptor.arm(0, "")
				w.stopAt = n
				_, err := w.start(t.Context(), reconcile.Request{})
				last := w.path[len(w.path)-1]
				w.stopAt = 0
				w.interceptor.arm(0, "")
				everyChange.end(w)
				if t.Failed() || err == nil && n < entered/2 {
					t.Errorf("stopped at state %d, %s: %v", n, last, err)
				}
			})
		})
	}
	fmt.Printf("states at which an execution was stopped: %d\n", entered)
}

// A function outlives its execution when that is stopped. What it still does
// while the next execution is at work may cost that one a table, and no more.
func TestStoppedWhileItsFunctionsGoOnConverges(t *testing.T) {
	calls, _ := countCalls(t, everyChange)
	for k := 1; k <= calls; k += 2 * stride {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.concurrency = 10
				everyChange.begin(w)
				w.interceptor.arm(k, abandoned)
				_, _ = w.start(t.Context(), reconcile.Request{})
				w.interceptor.arm(0, "")
				_, _ = w.start(t.Context(), reconcile.Request{})
				everyChange.end(w)
			})
		})
	}
}

// A blueprint run that fails half way, and of which Glue cannot undo all, costs
// its table and nothing else; the next execution clears what was left.
func TestABlueprintRunThatFailsIsCleared(t *testing.T) {
	for _, create := range []string{"CreateWorkflow", "CreateJob", "CreateTrigger"} {
		for _, undo := range []string{"", "DeleteWorkflow", "DeleteJob", "DeleteTrigger"} {
			t.Run(create+" fails, then "+undo, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var failing atomic.Bool
					w := newSystemWith(t, localglue.Config{Fault: func(operation string, _ int) *localglue.Fault {
						if failing.Load() && (operation == "BlueprintRun/"+create || undo != "" && operation == "BlueprintRun/"+undo) {
							return &localglue.Fault{Code: "InternalServiceException", Message: "the blueprint run was struck", After: operation == "BlueprintRun/"+create && undo != ""}
						}
						return nil
					}})
					everyChange.begin(w)
					failing.Store(true)
					if got := w.execute(t.Context(), ""); got.Status != "Failed" {
						t.Errorf("%+v, want a failure", got)
					}
					failing.Store(false)
					everyChange.end(w)
				})
			})
		}
	}
}

// A blueprint run that never ends is given up; no later one waits for it.
func TestABlueprintRunThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{HangAbove: 4})
		w.put("blueprints/wide.zip", blueprintZIP(t, wideLayout))
		w.uploadWith("hr", `"Blueprint": "blueprints/wide.zip"`, table("hr.a"), table("hr.wide"))
		w.interceptor.watch = func(operation string) {
			if operation == "GetBlueprintRun" {
				w.ahead.Add(int64(2 * time.Minute))
			}
		}
		got := w.execute(t.Context(), "")
		if got.Counts.Created != 1 || got.Counts.Failed != 1 || !strings.Contains(got.Cause, "running the blueprint") {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		w.interceptor.watch = nil
		w.uploadWith("hr", `"Prune": true`, table("hr.a"), table("hr.b"))
		w.ahead.Add(int64(time.Hour))
		if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
			t.Errorf("%s\n%s", got.Status, got.Cause)
		}
		w.want("hr_hr_a finished: 1 job, 1 trigger", "hr_hr_b finished: 1 job, 1 trigger")
	})
}

// wideLayout makes six jobs for hr.wide and one for any other table.
const wideLayout = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    tags = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    jobs = [Job(Name="%s_job%d" % (name, i), Role=user_params["GlueExecutionRole"], Tags=tags, Command={
        "Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"})
        for i in range(6 if user_params["SourceTable"] == "hr.wide" else 1)]
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=jobs, Crawlers=[]), OnSchedule=schedule)
`

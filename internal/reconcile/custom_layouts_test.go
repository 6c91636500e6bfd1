package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
)

// chain is a user's layout of several jobs, a crawler and conditional triggers;
// BlueprintParameters choose the steps, so that an update adds and drops some.
const chain = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job
from awsglue.blueprint.crawler import Crawler


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    tags = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    jobs, crawlers, before = [], [], None
    for step in user_params["Steps"].split(","):
        depends = {"DependsOn": {before: "SUCCEEDED"}} if before else {}
        if step.startswith("crawl"):
            entity = Crawler(Name=name + "_" + step, Role=user_params["GlueExecutionRole"], Tags=tags,
                Targets={"S3Targets": [{"Path": "s3://raw/" + user_params["SourceTable"]}]}, **depends)
            crawlers.append(entity)
        else:
            entity = Job(Name=name + "_" + step, Role=user_params["GlueExecutionRole"], Tags=tags,
                DefaultArguments={"--workflow": name, "--secret_name": user_params["SecretName"]},
                Command={"Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"}, **depends)
            jobs.append(entity)
        before = entity
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=jobs, Crawlers=crawlers), OnSchedule=schedule)
`

// chainZIP is the blueprint with its parameter Steps.
func chainZIP(t testing.TB) []byte {
	return blueprintWith(t, chain, map[string]string{"Steps": "String"})
}

// steps are one table of the chain blueprint.
func steps(name, list, schedule string) string {
	entry := table(name) + fmt.Sprintf(`, "BlueprintParameters": {"Steps": %q}`, list)
	if schedule != "" {
		entry += cron(schedule)
	}
	return entry
}

// chains are how layouts of several jobs change.
var chains = map[string]struct {
	before, after                 string
	beforeCron, afterCron         string
	jobsBefore, jobsAfter, shared int // jobs and crawlers; shared are those that must stay the same
}{
	"adds a job at the end":              {"extract,load", "extract,load,check", "0 1 * * ? *", "0 1 * * ? *", 2, 3, 2},
	"adds a job at the start":            {"load", "extract,load", "0 1 * * ? *", "0 1 * * ? *", 1, 2, 1},
	"drops a job in the middle":          {"extract,clean,load", "extract,load", "0 1 * * ? *", "0 2 * * ? *", 3, 2, 2},
	"turns OnDemand into Cron":           {"extract,load", "extract,load", "", "0 3 * * ? *", 2, 2, 2},
	"turns Cron into OnDemand":           {"extract,crawl,load", "extract,crawl,load", "0 3 * * ? *", "", 3, 3, 3},
	"swaps two jobs":                     {"extract,load", "load,extract", "0 1 * * ? *", "0 1 * * ? *", 2, 2, 2},
	"adds a crawler and drops a job":     {"extract,load", "extract,crawl", "0 1 * * ? *", "0 4 * * ? *", 2, 2, 1},
	"replaces every job and the trigger": {"a,b,c", "d,e", "", "0 1 * * ? *", 3, 2, 0},
}

func (w *system) deployChain(list, schedule string) {
	w.t.Helper()
	w.uploadWith("hr", `"Blueprint": "blueprints/chain.zip"`, steps("hr.t", list, schedule))
}

func scheduleOf(pattern string) string {
	if pattern == "" {
		return ""
	}
	return "cron(" + pattern + ")"
}

// entities are the jobs and crawlers in Glue.
func (w *system) entities() []string {
	observed := w.settled()
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(observed.Jobs)), observed.Crawlers...)))
}

// checkChain compares the one workflow with the steps that it should have, in their order.
func (w *system) checkChain(list, schedule string) {
	w.t.Helper()
	observed := w.settled()
	follows := map[string]string{}
	first := ""
	for _, t := range observed.Triggers {
		if t.Workflow != "hr_hr_t" || len(t.Starts) != 1 {
			w.t.Errorf("trigger %+v is not of the workflow, or starts %v", t, t.Starts)
			continue
		}
		if t.Type == "CONDITIONAL" {
			follows[t.WaitsFor[0]] = t.Starts[0]
		} else {
			first = t.Starts[0]
		}
		if t.Type != "ON_DEMAND" && t.State != "ACTIVATED" {
			w.t.Errorf("trigger %s is %s", t.Name, t.State)
		}
	}
	var got []string
	for at := first; at != "" && len(got) < 10; at = follows[at] {
		step := strings.TrimPrefix(at, "hr_hr_t_")
		got = append(got, step[:strings.LastIndexByte(step, '_')])
	}
	if diff := cmp.Diff(strings.Split(list, ","), got); diff != "" {
		w.t.Errorf("steps (-want +got):\n%s", diff)
	}
	if n := len(w.entities()); n != len(got) {
		w.t.Errorf("%d jobs and crawlers for %d steps: %v", n, len(got), w.entities())
	}
	if diff := cmp.Diff(map[string]string{"hr_hr_t": scheduleOf(schedule)}, w.schedules()); diff != "" {
		w.t.Errorf("schedules (-want +got):\n%s", diff)
	}
	if len(observed.Workflows) != 1 {
		w.t.Errorf("workflows %v, want one", slices.Collect(maps.Keys(observed.Workflows)))
	}
	w.invariants.check()
}

// chainWorld has the first layout deployed and the second uploaded.
func chainWorld(t *testing.T, name string, behaviour localglue.Unknowns) *system {
	c := chains[name]
	w := newSystem(t, behaviour)
	w.invariants.pauses = behaviour.RefuseActivatedUpdate
	w.put("blueprints/chain.zip", chainZIP(t))
	w.deployChain(c.before, c.beforeCron)
	if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
		t.Fatalf("%s: %s", got.Status, got.Cause)
	}
	w.invariants.converged(map[string]string{"hr_hr_t": scheduleOf(c.beforeCron)})
	w.checkChain(c.before, c.beforeCron)
	w.deployChain(c.after, c.afterCron)
	w.invariants.expect(map[string]string{"hr_hr_t": scheduleOf(c.afterCron)})
	return w
}

func TestLayoutsOfSeveralJobs(t *testing.T) {
	for name, c := range chains {
		for answer, behaviour := range behaviours {
			t.Run(name+"/"+answer, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := chainWorld(t, name, behaviour)
					before := w.entities()
					if got := w.execute(t.Context(), ""); got.Status != "Succeeded" || got.Counts.Updated != 1 {
						t.Errorf("%s: %s", got.Status, got.Cause)
					}
					w.checkChain(c.after, c.afterCron)
					kept := 0
					for _, entity := range w.entities() {
						if slices.Contains(before, entity) {
							kept++
						}
					}
					if kept != c.shared {
						t.Errorf("%d jobs and crawlers kept their names and history, want %d: %v became %v", kept, c.shared, before, w.entities())
					}
					w.interceptor.reset()
					if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Unchanged: 1}) {
						t.Errorf("once more: %+v", got.Counts)
					}
				})
			})
		}
	}
}

// Cut off at any call, an update of several jobs ends at the same layout after one more execution.
func TestLayoutsOfSeveralJobsCutOffAnywhereConverge(t *testing.T) {
	var points atomic.Int64
	t.Run("points", func(t *testing.T) {
		for name, c := range chains {
			for i, f := range []fault{stoppedAfter, killedBefore, resetAfter} {
				for k := 1 + i; k <= 90; k += 3 * stride {
					t.Run(fmt.Sprintf("%s/%s/%d", name, f, k), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							w := chainWorld(t, name, localglue.Unknowns{})
							w.interceptor.arm(k, f)
							_, _ = w.start(t.Context(), reconcile.Request{})
							if w.interceptor.hit != "" {
								points.Add(1)
							}
							w.interceptor.arm(0, "")
							if got, err := w.start(t.Context(), reconcile.Request{}); err != nil || got.Status != "Succeeded" {
								t.Errorf("the execution after: %v %s", err, got.Cause)
							}
							w.checkChain(c.after, c.afterCron)
						})
					})
				}
			}
		}
	})
	fmt.Printf("fault points tried on layouts of several jobs: %d\n", points.Load())
}

package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
)

// seed is LANDFALL_SEED where it is set; any seed must do.
func seed(t testing.TB) uint64 {
	text := os.Getenv("LANDFALL_SEED")
	if text == "" {
		return 20260115
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("LANDFALL_SEED=%s is no whole number", text)
	}
	return n
}

// histories is how many histories are tried; LANDFALL_HISTORIES asks for more.
func histories() int {
	if n, err := strconv.Atoi(os.Getenv("LANDFALL_HISTORIES")); err == nil && n > 0 {
		return n
	}
	return 40
}

// wanted is one table of a random catalog.
type wanted struct {
	schedule string // pattern; empty is on demand
	steps    string // of the chain blueprint; empty for the shipped one
	workers  int
	enabled  bool
}

func (x wanted) entry(name string) string {
	entry := table("hr." + name)
	if x.schedule != "" {
		entry += cron(x.schedule)
	}
	if x.workers > 0 {
		entry += fmt.Sprintf(`, "NumberOfWorkers": %d`, x.workers)
	}
	if x.steps != "" {
		entry += fmt.Sprintf(`, "BlueprintParameters": {"Steps": %q}`, x.steps)
	}
	return entry + fmt.Sprintf(`, "Enabled": %t`, x.enabled)
}

// fires is the schedule that Glue should hold.
func (x wanted) fires() string {
	if !x.enabled {
		return ""
	}
	return scheduleOf(x.schedule)
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// randomCatalog changes some tables of the last one, drops some and adds some.
func randomCatalog(r *rand.Rand, last map[string]wanted, chains bool) map[string]wanted {
	next := map[string]wanted{}
	for _, name := range []string{"a", "b", "c", "d"} {
		x, had := last[name]
		switch p := r.Float64(); {
		case had && p < 0.2, !had && p < 0.4:
			continue
		case had && p < 0.4 && chains == (x.steps != ""):
			next[name] = x
			continue
		case !had:
			x.enabled = true
		}
		switch r.IntN(3) {
		case 0:
			x.schedule = pick(r, "", "", "0 1 * * ? *", "0 2 * * ? *", "30 4 1 * ? *")
		case 1:
			x.workers = pick(r, 2, 3, 4)
		default:
			x.enabled = !x.enabled || r.IntN(2) == 0
		}
		x.steps = ""
		if chains {
			x.steps = pick(r, "extract", "extract,load", "extract,crawl,load", "load", "load,extract")
		}
		next[name] = x
	}
	if len(next) == 0 {
		next["a"] = wanted{enabled: true, steps: map[bool]string{true: "extract"}[chains]}
	}
	return next
}

// A random history of catalogs, each of whose executions may be cut off, meets
// faults or is not even waited for, ends where the last catalog says.
func TestRandomHistoriesConverge(t *testing.T) {
	base := seed(t)
	for n := range histories() {
		t.Run(fmt.Sprintf("seed %d history %d", base, n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(base, uint64(n)))
				behaviour := localglue.Unknowns{
					UpdateKeepsOmitted: r.IntN(2) == 0, DeleteWorkflowTriggers: r.IntN(2) == 0, DeleteMissingFails: r.IntN(2) == 0, StartWhileUpdating: r.IntN(2) == 0,
					ParameterErrorsFailRun: r.IntN(2) == 0, HideCreatedTrigger: r.IntN(2) == 0, RefuseActivatedUpdate: r.IntN(2) == 0, DeletingTriggerHolds: r.IntN(2) == 0,
					OrphansFire: r.IntN(2) == 0, SameConfig: localglue.SameConfig(r.IntN(3)),
				}
				w := newSystem(t, behaviour)
				w.concurrency = 1 + r.IntN(40)
				w.invariants.pauses = behaviour.RefuseActivatedUpdate
				w.put("blueprints/chain.zip", chainZIP(t))
				story := history(w, r)
				if t.Failed() {
					t.Logf("behaviour %+v\n%s\nrepeat with LANDFALL_SEED=%d and -run 'TestRandomHistoriesConverge/.*history_%d$'", behaviour, strings.Join(story, "\n"), base, n)
				}
			})
		})
	}
	fmt.Printf("random histories: %d of seed %d\n", histories(), base)
}

func history(w *system, r *rand.Rand) (story []string) {
	var now map[string]wanted
	for range 3 + r.IntN(4) {
		own := r.IntN(3) == 0
		now = randomCatalog(r, now, own)
		policy, schedules, entries := `"Prune": true, "PruneLimitPercent": 100`, map[string]string{}, []string{}
		if own {
			policy += `, "Blueprint": "blueprints/chain.zip"`
		}
		for _, name := range []string{"a", "b", "c", "d"} {
			if x, ok := now[name]; ok {
				entries, schedules["hr_hr_"+name] = append(entries, x.entry(name)), x.fires()
			}
		}
		w.uploadWith("hr", policy, entries...)
		w.invariants.expect(schedules)
		w.layout = pick(r, w.layout, w.layout, w.layout+"x")
		f, k := fault(""), 0
		if r.IntN(4) > 0 {
			f, k = pick(r, faults...), 1+r.IntN(120)
		}
		w.interceptor.arm(k, f)
		_, err := w.start(w.t.Context(), reconcile.Request{})
		story = append(story, fmt.Sprintf("%s, layout %s: %s at call %d (%s): %v", strings.Join(entries, " | "), w.layout, f, k, w.interceptor.hit, err))
		w.interceptor.arm(0, "")
		if r.IntN(2) == 0 {
			continue // the next catalog comes upon whatever this one left
		}
		if story = append(story, converge(w, now, schedules)); w.t.Failed() {
			return story
		}
	}
	schedules := map[string]string{}
	for name, x := range now {
		schedules["hr_hr_"+name] = x.fires()
	}
	return append(story, converge(w, now, schedules))
}

// converge executes without a fault and compares Glue with the catalog.
func converge(w *system, now map[string]wanted, schedules map[string]string) string {
	w.t.Helper()
	got, err := w.start(w.t.Context(), reconcile.Request{})
	if err != nil || got.Status != "Succeeded" {
		w.t.Errorf("%v %s\n%s", err, got.Status, got.Cause)
	}
	var want []string
	for _, name := range []string{"a", "b", "c", "d"} {
		if x, ok := now[name]; ok {
			n := 1 + strings.Count(x.steps, ",")
			want = append(want, fmt.Sprintf("hr_hr_%s finished: %d job, %d trigger", name, n, n))
		}
	}
	w.want(want...)
	if diff := cmp.Diff(schedules, w.schedules()); diff != "" {
		w.t.Errorf("schedules (-want +got):\n%s", diff)
	}
	for _, trigger := range w.settled().Triggers {
		if trigger.Type != "ON_DEMAND" && trigger.State != "ACTIVATED" {
			w.t.Errorf("trigger %s is %s", trigger.Name, trigger.State)
		}
	}
	w.invariants.check()
	w.invariants.converged(schedules)
	return "then once more without a fault"
}

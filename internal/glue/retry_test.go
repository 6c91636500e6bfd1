package glue

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// first fails the first n calls.
func first(n int, code string) func(call) any {
	return func(call) any {
		if n--; n >= 0 {
			return fail{code, "later"}
		}
		return object{}
	}
}

// What passes by itself is asked again, with pauses; the rest is the step's to decide.
func TestCallsAreRepeated(t *testing.T) {
	cases := map[string]struct {
		reason string
		code   string
		fails  int
		calls  int
		kind   error
	}{
		"throttled":           {"it passes", "ThrottlingException", 6, 7, nil},
		"overlapping":         {"another change of the same workflow ends soon; the SDK by itself does not repeat it", "ConcurrentModificationException", 3, 4, nil},
		"timed out":           {"the SDK by itself does not repeat it", "OperationTimeoutException", 3, 4, nil},
		"internal":            {"Glue's own failure", "InternalServiceException", 2, 3, nil},
		"throttled for ever":  {"the step comes back later", "ThrottlingException", 1000, maxAttempts, reconcile.ErrBusy},
		"overlapping forever": {"the step comes back later", "ConcurrentModificationException", 1000, maxAttempts, reconcile.ErrBusy},
		"refused":             {"the answer stays the same", "InvalidInputException", 1000, 1, reconcile.ErrRefused},
		"denied":              {"the answer stays the same", "AccessDeniedException", 1000, 1, reconcile.ErrForbidden},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, glue := connect(first(c.fails, c.code))
				began := time.Now()
				err := client.DeleteEntity(t.Context(), plan.TriggerEntity, "a")
				if len(glue.made()) != c.calls || (err == nil) != (c.kind == nil) || err != nil && !errors.Is(err, c.kind) {
					t.Errorf("%d calls, %v; want %d calls and %v: %s", len(glue.made()), err, c.calls, c.kind, c.reason)
				}
				took := time.Since(began)
				if c.calls > 1 && took == 0 || took > maxAttempts*10*time.Second {
					t.Errorf("%d calls took %s", c.calls, took)
				}
			})
		})
	}
}

// Busy may be Glue's way to refuse the update of an active trigger: the caller soon tries another way.
func TestATriggersUpdateIsNotRepeatedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, glue := connect(first(1000, "ConcurrentModificationException"))
		if err := client.UpdateEntity(t.Context(), plan.TriggerEntity, "a", reconcile.Definition{"Schedule": "cron(0 1 * * ? *)"}); !errors.Is(err, reconcile.ErrBusy) || len(glue.made()) != 3 {
			t.Errorf("%d calls, %v", len(glue.made()), err)
		}
	})
}

// A client keeps to its share of the calls. After a wait it may make those of a few seconds at once.
func TestSetRate(t *testing.T) {
	cases := map[string]struct {
		perSecond   float64
		idle        time.Duration
		calls       int
		least, most time.Duration
	}{
		"no bound":          {0, 0, 500, 0, 0},
		"from the start":    {10, 0, 100, 0, 0},
		"above the burst":   {10, 0, 150, 5 * time.Second, 5 * time.Second},
		"after a wait":      {10, time.Minute, 150, 5 * time.Second, 5 * time.Second},
		"less than one a s": {0.5, time.Minute, 11, 12 * time.Second, 12 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := connect(always(object{}))
				client.SetRate(c.perSecond)
				time.Sleep(c.idle)
				began := time.Now()
				for range c.calls {
					if err := client.DeleteEntity(t.Context(), plan.TriggerEntity, "a"); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began).Round(time.Millisecond); took < c.least || took > c.most {
					t.Errorf("%d calls took %s, want %s to %s", c.calls, took, c.least, c.most)
				}
			})
		})
	}
}

// A Glue that serves fewer calls than the client may make gets no more than a few too many, and every call is served in the end.
func TestThrottlingSlowsDown(t *testing.T) {
	for _, limit := range []int{5, 10, 20} {
		synctest.Test(t, func(t *testing.T) {
			const calls = 600
			throttled, inSecond, second := 0, 0, time.Time{}
			client, _ := connect(func(call) any {
				if now := time.Now(); now.Sub(second) >= time.Second {
					second, inSecond = now, 0
				}
				if inSecond++; inSecond > limit {
					throttled++
					return fail{"ThrottlingException", "Rate exceeded"}
				}
				return object{}
			})
			client.SetRate(50)
			began := time.Now()
			for range calls {
				if err := client.DeleteEntity(t.Context(), plan.TriggerEntity, "a"); err != nil {
					t.Fatal(err)
				}
			}
			took, ideal := time.Since(began), time.Duration(calls/limit)*time.Second
			if throttled == 0 || throttled > calls/5 || took > 3*ideal {
				t.Errorf("%d calls a second: %d of %d throttled in %s, at best %s", limit, throttled, calls, took, ideal)
			}
		})
	}
}

// A warm function serves one execution after another, each with its own share of the calls.
func TestTheRateFollowsTheLastSetRate(t *testing.T) {
	cases := map[string]struct {
		reason      string
		rates       []float64
		throttled   int           // calls that Glue throttles before the last rate is set
		idle        time.Duration // between these and the last rate
		least, most time.Duration // of 100 calls more than can accumulate
	}{
		"falls":                  {"a larger execution shares the calls among more children", []float64{50, 5}, 0, time.Minute, 20 * time.Second, 20 * time.Second},
		"rises":                  {"a small execution follows a large one", []float64{5, 50}, 0, time.Minute, 11 * time.Second, 11 * time.Second},
		"is lifted":              {"zero is unlimited", []float64{5, 0}, 0, 0, 0, 0},
		"throttled just now":     {"Glue does not serve more because the limit rises", []float64{5, 50}, 3, time.Second, 10 * time.Second, time.Minute},
		"falls below throttling": {"the lower of the two counts", []float64{50, 1}, 1, 0, 90 * time.Second, 110 * time.Second},
		"throttled long ago":     {"an earlier execution's throttling says nothing about this one", []float64{5, 50}, 3, time.Hour, 11 * time.Second, 12 * time.Second},
		"was never limited":      {"what throttling has taught is forgotten without a limit, too", []float64{0, 0}, 3, time.Hour, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				throttle := c.throttled
				client, _ := connect(func(call) any {
					if throttle--; throttle >= 0 {
						return fail{"ThrottlingException", "Rate exceeded"}
					}
					return object{}
				})
				call := func(times int) {
					for range times {
						if err := client.DeleteEntity(t.Context(), plan.TriggerEntity, "a"); err != nil {
							t.Fatal(err)
						}
					}
				}
				client.SetRate(c.rates[0])
				call(1)
				time.Sleep(c.idle)
				client.SetRate(c.rates[1])
				began := time.Now()
				call(int(burstSeconds*c.rates[1]) + 100)
				if took := time.Since(began).Round(100 * time.Millisecond); took < c.least || took > c.most {
					t.Errorf("%s, want %s to %s: %s", took, c.least, c.most, c.reason)
				}
			})
		})
	}
}

package applychange

import (
	"testing"
	"time"

	"github.com/landfall/landfall/internal/reconcile"
)

// A trigger is taken off its schedule only when it will surely be back before it fires.
func TestFiresSoon(t *testing.T) {
	at := time.Date(2026, 11, 25, 0, 57, 3, 0, time.UTC)
	cases := map[string]struct {
		reason    string
		schedules []string
		want      bool
	}{
		"in three minutes":   {"stopped now it would miss it", []string{"cron(0 1 * * ? *)"}, true},
		"in an hour":         {"there is time", []string{"cron(0 2 * * ? *)"}, false},
		"in six minutes":     {"there is time", []string{"cron(3 1 * * ? *)"}, false},
		"every hour":         {"the next one is in three minutes", []string{"cron(0 * * * ? *)"}, true},
		"every five minutes": {"it has no better moment", []string{"cron(0/5 * * * ? *)"}, false},
		"every minute":       {"it has no better moment", []string{"cron(* * * * ? *)"}, false},
		"by hand":            {"nothing fires it", []string{""}, false},
		"never again":        {"its year is over", []string{"cron(0 1 * * ? 2020)"}, false},
		"one of two":         {"the one that stays, or the one that comes", []string{"cron(0 2 * * ? *)", "cron(0 1 * * ? *)"}, true},
		"not a schedule":     {"Glue refuses it", []string{"cron(x)"}, false},
	}
	for name, c := range cases {

		var triggers []reconcile.Trigger
		for _, s := range c.schedules {
			triggers = append(triggers, reconcile.Trigger{Definition: reconcile.Definition{"Schedule": s}})
		}
		if got := firesSoon(at, triggers...); got != c.want {
			t.Errorf("%s: fires soon %t, want %t: %s", name, got, c.want, c.reason)
		}
	}
}

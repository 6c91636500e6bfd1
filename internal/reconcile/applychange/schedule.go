package applychange

import (
	"strings"
	"time"

	"github.com/winebarrel/cronplan"

	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// firesSoon reports whether one of the triggers, as it is or as it will be, fires
// so soon that it must not be taken off its schedule now. One that fires all the
// time has no better moment.
func firesSoon(at time.Time, triggers ...reconcile.Trigger) bool {
	for _, t := range triggers {
		schedule, _ := t.Definition["Schedule"].(string)
		pattern, ok := strings.CutPrefix(strings.TrimSuffix(schedule, ")"), "cron(")
		if !ok {
			continue
		}
		parsed, err := cronplan.Parse(pattern)
		if err != nil {
			continue
		}
		next := parsed.Next(at.UTC())
		if next.IsZero() || next.Sub(at) > timing.MinTimeToFire {
			continue
		}
		// Next answers the very moment that it is given when the schedule fires then.
		if after := parsed.Next(next.Add(time.Minute)); !after.IsZero() && after.Sub(next) <= timing.MinTimeToFire {
			continue
		}
		return true
	}
	return false
}

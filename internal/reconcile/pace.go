package reconcile

import (
	"math"
	"strings"
	"time"

	"github.com/winebarrel/cronplan"
)

// pace is how long to wait before the next look at something that Glue does by
// itself: first until it may be done at all, then at least min and a share of the
// time it has taken so far, at most most.
type pace struct {
	first, min, most time.Duration
	share            int
}

// Paces. A blueprint run takes tens of seconds, a trigger's deletion up to
// minutes (glue.md §2.3).
var (
	now            = pace{0, 0, 0, 1}
	blueprintRun   = pace{10 * time.Second, 2 * time.Second, 20 * time.Second, 20}
	triggersChange = pace{4 * time.Second, 2 * time.Second, 10 * time.Second, 4}
	triggersGo     = pace{30 * time.Second, 5 * time.Second, 30 * time.Second, 3}
	workflowRun    = pace{15 * time.Second, 15 * time.Second, time.Minute, 5}
)

// wait answers that the next step is not due yet.
func (p Progress) wait(step string, at pace) Progress {
	p.Status, p.Step, p.pace = Wait, step, at
	return p
}

// paced turns the pace into seconds, the state machine's unit.
func (r *Reconciler) paced(s ApplySettings, p Progress) Progress {
	at := p.pace
	if s.MinPoll > 0 && at.min > 0 {
		at.first, at.min = s.MinPoll, s.MinPoll
	}
	elapsed := r.Now().Sub(p.Since)
	d := min(max(elapsed/time.Duration(at.share), at.min, at.first-elapsed), max(at.most, at.min))
	p.WaitSeconds = int(math.Ceil(d.Seconds()))
	return p
}

// quiet is how much time a trigger that is taken off its schedule must have until it is due.
const quiet = 5 * time.Minute

// due tells whether one of the triggers, as it is or as it will be, fires so
// soon that it must not be taken off its schedule now. One that fires all the
// time has no better moment.
func (r *Reconciler) due(triggers ...Trigger) bool {
	for _, t := range triggers {
		schedule, _ := t.Definition["Schedule"].(string)
		inner, ok := strings.CutPrefix(strings.TrimSuffix(schedule, ")"), "cron(")
		if !ok {
			continue
		}
		parsed, err := cronplan.Parse(inner)
		if err != nil {
			continue
		}
		at := r.Now().UTC()
		next := parsed.Next(at)
		if next.IsZero() || next.Sub(at) > quiet {
			continue
		}
		if after := parsed.Next(next); !after.IsZero() && after.Sub(next) <= quiet {
			continue
		}
		return true
	}
	return false
}

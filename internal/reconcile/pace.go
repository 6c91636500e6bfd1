package reconcile

import (
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
	blueprintRun   = pace{10 * time.Second, time.Second, 20 * time.Second, 20}
	triggersChange = pace{4 * time.Second, 2 * time.Second, 10 * time.Second, 4}
	triggersGo     = pace{30 * time.Second, 5 * time.Second, 30 * time.Second, 3}
	workflowRun    = pace{15 * time.Second, 15 * time.Second, time.Minute, 5}
)

// firstNear is the first wait after a run went on for longer than the shortest
// one of its item took, which is when it is looked at; the waits after it grow.
const firstNear = 250 * time.Millisecond

// lookAt is when to look at a blueprint run again.
func (l *lane) lookAt(p Progress) time.Time {
	if l.left.RunSeconds == 0 {
		p.pace = blueprintRun
		return l.paced(p).Due
	}
	now := l.Now()
	end := p.RunStartedAt.Add(time.Duration(l.left.RunSeconds * float64(time.Second)))
	late := now.Sub(end)
	if late >= 0 {
		most := min(now.Sub(p.RunStartedAt)/time.Duration(blueprintRun.share), blueprintRun.most)
		end = now.Add(max(firstNear, min(late/4, most)))
	}
	return end
}

// wait answers that the next step is not due yet.
func (p Progress) wait(step string, at pace) Progress {
	p.Status, p.Step, p.pace = Wait, step, at
	return p
}

// paced says when the next step is due.
func (r *Reconciler) paced(p Progress) Progress {
	at, now := p.pace, r.Now()
	elapsed := now.Sub(p.Since)
	p.Due = now.Add(min(max(elapsed/time.Duration(at.share), at.min, at.first-elapsed), max(at.most, at.min)))
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
		// Next answers the very moment that it is given when the schedule fires then.
		if after := parsed.Next(next.Add(time.Minute)); !after.IsZero() && after.Sub(next) <= quiet {
			continue
		}
		return true
	}
	return false
}

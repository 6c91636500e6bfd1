package glue

import (
	"time"

	"github.com/winebarrel/cronplan"

	"github.com/landfall/landfall/internal/catalog"
)

// parseSchedule reads a schedule of the form cron(…), in the six fields of AWS.
func parseSchedule(expression string) (*cronplan.Expression, error) {
	fields, ok := catalog.CronFields(expression)
	if !ok {
		return nil, invalid("The schedule %s is invalid.", expression)
	}
	parsed, err := cronplan.Parse(fields)
	if err != nil {
		return nil, invalid("The schedule %s is invalid.", expression)
	}
	return parsed, nil
}

// scheduleNext lets an ACTIVATED trigger fire at its next time, if its definition is still the same then. The state is
// locked.
func (s *Server) scheduleNext(t *trigger) {
	t.timers++
	if !s.config.FireSchedules || t.Type != triggerScheduled || t.state != triggerActivated {
		return
	}
	parsed, err := parseSchedule(t.Schedule)
	if err != nil {
		return
	}
	now, timer := s.config.Now().UTC(), t.timers
	// Next counts the minute that it is given in.
	next := parsed.Next(now.Truncate(time.Minute).Add(time.Minute))
	if !next.After(now) {
		return // the schedule has no further time
	}
	s.after(next.Sub(now), func() {
		if t.timers != timer || s.triggers[t.Name] != t || t.state != triggerActivated {
			return
		}
		s.fireScheduled(t)
		s.scheduleNext(t)
	})
}

// fireScheduled starts what a SCHEDULED trigger starts. Nobody waits for an answer, so an error is recorded only.
func (s *Server) fireScheduled(t *trigger) {
	w := s.workflows[t.WorkflowName]
	switch {
	case w != nil:
		run, err := s.newWorkflowRun(w, nil)
		if err != nil {
			s.refusedRun(w, err)
			return
		}
		s.begin(run)
	case t.WorkflowName == "" || s.config.Unknowns.OrphansFire:
		s.fireAlone(t)
	}
}

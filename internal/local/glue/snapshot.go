package glue

import "maps"

// Snapshot is the state of the service at one moment, for tests. Taking it is not counted as a call.
type Snapshot struct {
	Workflows map[string]SnapshotWorkflow
	// Triggers are all, those whose workflow is gone too.
	Triggers []SnapshotTrigger
	// Jobs maps a job's name to the number of its job runs.
	Jobs     map[string]int
	Crawlers []string
}

// SnapshotWorkflow is one workflow.
type SnapshotWorkflow struct {
	Properties map[string]string
	// Running is the number of workflow runs that have not ended.
	Running int
}

// SnapshotTrigger is one trigger with the jobs and crawlers that it starts and waits for.
type SnapshotTrigger struct {
	Name, Workflow, Type, State, Schedule string
	Starts, WaitsFor                      []string
}

// Snapshot returns the current state.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Snapshot{Workflows: map[string]SnapshotWorkflow{}, Jobs: map[string]int{}, Crawlers: names(s.crawlers)}
	for name, w := range s.workflows {
		out.Workflows[name] = SnapshotWorkflow{maps.Clone(w.DefaultRunProperties), w.active()}
	}
	for name, j := range s.jobs {
		out.Jobs[name] = len(j.runs)
	}
	for _, name := range names(s.triggers) {
		t := s.triggers[name]
		shown := SnapshotTrigger{Name: name, Workflow: t.WorkflowName, Type: t.Type, State: t.state, Schedule: t.Schedule}
		for _, a := range t.Actions {
			shown.Starts = append(shown.Starts, a.JobName+a.CrawlerName)
		}
		if t.Predicate != nil {
			for _, c := range t.Predicate.Conditions {
				shown.WaitsFor = append(shown.WaitsFor, c.JobName+c.CrawlerName)
			}
		}
		out.Triggers = append(out.Triggers, shown)
	}
	return out
}

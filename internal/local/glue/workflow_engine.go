package glue

import (
	"errors"
	"maps"
)

// workflowRun is one run of a workflow: the triggers as they were at its start, and what became of their actions.
type workflowRun struct {
	body     workflowRunBody
	workflow *workflow
	triggers []snapshot
	nodes    map[nodeKey]*runNode
	begun    bool // its start trigger has fired
	stopDue  bool // a stop has taken its time
}

// snapshot is a trigger as it was when the workflow run started.
type snapshot struct {
	trigger triggerBody
	fired   bool
}

// nodeKey names a job or a crawler in a graph.
type nodeKey struct{ kind, name string }

// runNode is one job or crawler in a workflow run.
type runNode struct {
	jobRuns []*jobRun
	crawls  []*crawl
	refused []jobRunBody // starts that Glue refused
	state   string       // of the last attempt once it has ended
	active  bool
}

func (a action) key() nodeKey {
	if a.JobName != "" {
		return nodeKey{nodeJob, a.JobName}
	}
	return nodeKey{nodeCrawler, a.CrawlerName}
}

func (c condition) key() (nodeKey, string) {
	if c.JobName != "" {
		return nodeKey{nodeJob, c.JobName}, c.State
	}
	return nodeKey{nodeCrawler, c.CrawlerName}, c.CrawlState
}

func (w *workflow) active() int {
	n := 0
	for _, r := range w.runs {
		if r.body.Status == stateRunning || r.body.Status == stateStopping {
			n++
		}
	}
	return n
}

// newWorkflowRun records a workflow run with a snapshot of its triggers, if the workflow may have one more. The
// state is locked.
func (s *Server) newWorkflowRun(w *workflow, properties map[string]string) (*workflowRun, error) {
	if w.MaxConcurrentRuns != nil && w.active() >= *w.MaxConcurrentRuns {
		return nil, errorf(codeConcurrentRuns, "Concurrent runs exceeded for workflow: %s.", w.Name)
	}
	r := &workflowRun{workflow: w, nodes: map[nodeKey]*runNode{}, body: workflowRunBody{
		Name: w.Name, WorkflowRunId: "wr_" + s.hex(64), StartedOn: s.now(), Status: stateRunning,
		WorkflowRunProperties: map[string]string{},
	}}
	maps.Copy(r.body.WorkflowRunProperties, w.DefaultRunProperties)
	maps.Copy(r.body.WorkflowRunProperties, properties)
	for _, name := range names(s.children[w.Name]) {
		t := s.triggers[name]
		if t.state == triggerDeleting {
			continue
		}
		r.triggers = append(r.triggers, snapshot{trigger: *t.body()})
		for _, a := range t.Actions {
			if r.nodes[a.key()] == nil {
				r.nodes[a.key()] = &runNode{}
			}
		}
	}
	w.runs = append(w.runs, r)
	return r, nil
}

// refusedRun records that a schedule could not start a workflow run, as no caller gets the error.
func (s *Server) refusedRun(w *workflow, cause error) {
	e, _ := errors.AsType[*apiError](cause)
	now := s.now()
	w.runs = append(w.runs, &workflowRun{workflow: w, body: workflowRunBody{
		Name: w.Name, WorkflowRunId: "wr_" + s.hex(64), StartedOn: now, CompletedOn: now, Status: stateError,
		ErrorMessage: e.Message, WorkflowRunProperties: maps.Clone(w.DefaultRunProperties),
	}})
}

// begin fires the start trigger after a while.
func (s *Server) begin(r *workflowRun) {
	s.after(s.config.Latency.WorkflowRunStart, func() {
		r.begun = true
		for i := range r.triggers {
			if t := &r.triggers[i]; t.trigger.Type != triggerConditional && r.body.Status == stateRunning {
				s.fire(r, t)
			}
		}
		s.advance(r)
	})
}

// fire starts the actions of a trigger, each once in a workflow run.
func (s *Server) fire(r *workflowRun, t *snapshot) {
	t.fired = true
	for _, a := range t.trigger.Actions {
		if n := r.nodes[a.key()]; !n.active {
			s.act(r, n, a, t)
		}
	}
}

// act starts one action. One that cannot start ends in ERROR.
func (s *Server) act(r *workflowRun, n *runNode, a action, t *snapshot) {
	var err error
	if a.JobName != "" {
		err = s.actJob(r, n, a, t)
	} else {
		var c *crawler
		if c, err = s.idleCrawler(a.CrawlerName); err == nil {
			n.crawls = append(n.crawls, s.crawl(c, r, n))
		}
	}
	n.active = err == nil
	if err != nil {
		now := s.now()
		n.state = stateError
		n.refused = append(n.refused, jobRunBody{
			Id: "jr_" + s.hex(64), JobName: a.JobName, TriggerName: t.trigger.Name, JobRunState: stateError,
			StartedOn: now, LastModifiedOn: now, CompletedOn: now, ErrorMessage: asAPIError(err).Message,
		})
	}
}

func (s *Server) actJob(r *workflowRun, n *runNode, a action, t *snapshot) error {
	j := s.jobs[a.JobName]
	if j == nil {
		return notFound("Job", a.JobName)
	}
	run, err := s.newJobRun(j, a.start())
	if err != nil {
		return err
	}
	run.workflow, run.node = r, n
	run.body.TriggerName, run.body.PredecessorRuns = t.trigger.Name, r.predecessors(t)
	if run.body.Arguments == nil {
		run.body.Arguments = map[string]string{}
	}
	run.body.Arguments["--WORKFLOW_NAME"] = r.body.Name
	run.body.Arguments["--WORKFLOW_RUN_ID"] = r.body.WorkflowRunId
	n.jobRuns = append(n.jobRuns, run)
	s.launch(run)
	return nil
}

// predecessors are the job runs whose end fired the trigger.
func (r *workflowRun) predecessors(t *snapshot) []predecessor {
	if t.trigger.Predicate == nil {
		return nil
	}
	var list []predecessor
	for _, c := range t.trigger.Predicate.Conditions {
		key, _ := c.key()
		if n := r.nodes[key]; n != nil && len(n.jobRuns) > 0 {
			list = append(list, predecessor{key.name, n.jobRuns[len(n.jobRuns)-1].body.Id})
		}
	}
	return list
}

// nodeEnded takes the end of an action into the workflow run. The state is locked.
func (s *Server) nodeEnded(r *workflowRun, n *runNode, state string) {
	n.state, n.active = state, false
	s.advance(r)
}

// advance fires the CONDITIONAL triggers whose conditions are now met, and ends the workflow run when nothing is left to
// wait for. It is COMPLETED whether its nodes succeeded or failed.
func (s *Server) advance(r *workflowRun) {
	for fired := r.body.Status == stateRunning; fired; {
		fired = false
		for i := range r.triggers {
			if t := &r.triggers[i]; !t.fired && r.due(t) {
				s.fire(r, t)
				fired = true
			}
		}
	}
	switch {
	case r.active():
		return
	case r.begun && r.body.Status == stateRunning:
		r.body.Status = stateCompleted
	case r.stopDue && r.body.Status == stateStopping:
		r.body.Status = stateStopped
	default:
		return
	}
	r.body.CompletedOn = s.now()
	s.config.Log.Info("workflow run ended", "workflow", r.body.Name, "workflow_run_id", r.body.WorkflowRunId, "state", r.body.Status)
}

// due reports whether a trigger is CONDITIONAL, was ACTIVATED, and its predicate is true in this workflow run.
func (r *workflowRun) due(t *snapshot) bool {
	p := t.trigger.Predicate
	if t.trigger.Type != triggerConditional || t.trigger.State != triggerActivated || p == nil {
		return false
	}
	met := 0
	for _, c := range p.Conditions {
		key, want := c.key()
		if n := r.nodes[key]; n != nil && !n.active && n.state == want {
			met++
		}
	}
	if p.Logical == "ANY" {
		return met > 0
	}
	return met == len(p.Conditions)
}

// stopRun stops all that is active; the workflow run is STOPPED once that has ended.
func (s *Server) stopRun(r *workflowRun) {
	r.body.Status = stateStopping
	for key, n := range r.nodes {
		if n.active && len(n.jobRuns) > 0 {
			s.stopJobRun(n.jobRuns[len(n.jobRuns)-1])
		}
		if c := s.crawlers[key.name]; key.kind == nodeCrawler && n.active && c != nil && c.state == crawlerRunning {
			s.stopCrawl(c)
		}
	}
	s.after(s.config.Latency.WorkflowRunStop, func() {
		r.stopDue = true
		s.advance(r)
	})
}

func (r *workflowRun) active() bool {
	for _, n := range r.nodes {
		if n.active {
			return true
		}
	}
	return false
}

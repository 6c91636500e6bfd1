package glue

import "time"

// pass takes a trigger through a state to another. The state is locked.
func (s *Server) pass(t *trigger, through, to string, d time.Duration) {
	t.state = through
	s.after(d, func() {
		if t.state == through { // else it is being deleted
			t.state, t.made = to, true
			s.scheduleNext(t)
		}
	})
}

// removeTrigger deletes a trigger after a while. The state is locked.
func (s *Server) removeTrigger(t *trigger) {
	t.state = triggerDeleting
	s.after(s.config.Latency.TriggerDelete, func() {
		delete(s.triggers, t.Name)
		delete(s.children[t.WorkflowName], t.Name)
		if len(s.children[t.WorkflowName]) == 0 {
			delete(s.children, t.WorkflowName)
		}
		s.dropTags("trigger", t.Name)
		close(t.gone)
	})
}

// startTrigger fires an ON_DEMAND trigger and activates a SCHEDULED or CONDITIONAL one. To start what is ACTIVATED
// changes nothing.
func (s *Server) startTrigger(in *nameInput) (*nameOutput, error) {
	t := s.triggers[in.Name]
	if t == nil {
		return nil, notFound("Trigger", in.Name)
	}
	switch {
	case t.Type == triggerEvent:
		return nil, invalid("Trigger Type EVENT cannot be started")
	case t.Type == triggerOnDemand && t.state == triggerDeleting:
		return nil, notAllowed(t)
	case t.Type == triggerOnDemand:
		return &nameOutput{in.Name}, s.fireOnDemand(t)
	case t.state == triggerActivated || t.state == triggerActivating:
	case t.state == triggerCreated || t.state == triggerDeactivated:
		s.pass(t, triggerActivating, triggerActivated, s.config.Latency.TriggerStart)
	default:
		return nil, notAllowed(t)
	}
	return &nameOutput{in.Name}, nil
}

func (s *Server) fireOnDemand(t *trigger) error {
	if t.WorkflowName == "" {
		s.fireAlone(t)
		return nil
	}
	w := s.workflows[t.WorkflowName]
	if w == nil {
		return notFound("workflow", t.WorkflowName)
	}
	run, err := s.newWorkflowRun(w, nil)
	if err == nil {
		s.begin(run)
	}
	return err
}

// fireAlone starts the jobs and crawlers of a trigger outside any workflow run. What cannot start is skipped.
func (s *Server) fireAlone(t *trigger) {
	for _, a := range t.Actions {
		if j := s.jobs[a.JobName]; j != nil {
			if r, err := s.newJobRun(j, a.start()); err == nil {
				r.body.TriggerName = t.Name
				s.launch(r)
			}
		}
		if c := s.crawlers[a.CrawlerName]; c != nil && c.state == crawlerReady {
			s.crawl(c, nil, nil)
		}
	}
}

// start is the action as the start of a job run.
func (a action) start() *startJobRunInput {
	return &startJobRunInput{
		JobName: a.JobName, Arguments: a.Arguments, Timeout: a.Timeout,
		SecurityConfiguration: a.SecurityConfiguration, NotificationProperty: a.NotificationProperty,
	}
}

func (s *Server) stopTrigger(in *nameInput) (*nameOutput, error) {
	t := s.triggers[in.Name]
	if t == nil {
		return nil, notFound("Trigger", in.Name)
	}
	switch t.state {
	case triggerDeactivated, triggerDeactivating:
	case triggerActivated:
		s.pass(t, triggerDeactivating, triggerDeactivated, s.config.Latency.TriggerStop)
	default:
		return nil, notAllowed(t)
	}
	return &nameOutput{in.Name}, nil
}

func (s *Server) getTrigger(in *nameInput) (*triggerOutput, error) {
	t := s.triggers[in.Name]
	if t == nil || s.config.Unknowns.HideCreatedTrigger && !t.made {
		return nil, notFound("Trigger", in.Name)
	}
	return &triggerOutput{t.body()}, nil
}

type getTriggersInput struct {
	pageInput        `check:"MaxResults:range=1:200"`
	DependentJobName string `check:"len=1:255 match=name"`
}

type getTriggersOutput struct {
	Triggers  []*triggerBody
	NextToken string `json:",omitempty"`
}

func (s *Server) getTriggers(in *getTriggersInput) (*getTriggersOutput, error) {
	list, next, err := page(s.dependent(in.DependentJobName), in.pageInput, triggersPerPage)
	out := &getTriggersOutput{Triggers: []*triggerBody{}, NextToken: next}
	for _, name := range list {
		out.Triggers = append(out.Triggers, s.triggers[name].body())
	}
	return out, err
}

// dependent returns the names of the triggers that start a job. If there is none, or no job is given, it returns all.
func (s *Server) dependent(job string) []string {
	all := names(s.triggers)
	var some []string
	for _, name := range all {
		for _, a := range s.triggers[name].Actions {
			if job != "" && a.JobName == job {
				some = append(some, name)
				break
			}
		}
	}
	if len(some) == 0 {
		return all
	}
	return some
}

type listTriggersInput struct {
	getTriggersInput
	Tags map[string]string `check:"len=0:50 key.len=1:128 each.len=0:256"`
}

type listTriggersOutput struct {
	TriggerNames []string
	NextToken    string `json:",omitempty"`
}

func (s *Server) listTriggers(in *listTriggersInput) (*listTriggersOutput, error) {
	list, next, err := page(s.withTags("trigger", s.dependent(in.DependentJobName), in.Tags), in.pageInput, triggersPerPage)
	return &listTriggersOutput{list, next}, err
}

type batchGetTriggersInput struct {
	TriggerNames []string `check:"required each.len=1:255 each.match=name"`
}

type batchGetTriggersOutput struct {
	Triggers         []*triggerBody
	TriggersNotFound []string
}

func (s *Server) batchGetTriggers(in *batchGetTriggersInput) (*batchGetTriggersOutput, error) {
	have, missing := found(s.triggers, in.TriggerNames)
	out := &batchGetTriggersOutput{Triggers: []*triggerBody{}, TriggersNotFound: missing}
	for _, t := range have {
		out.Triggers = append(out.Triggers, t.body())
	}
	return out, nil
}

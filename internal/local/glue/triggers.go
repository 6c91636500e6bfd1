package glue

import (
	"cmp"
	"fmt"
)

const triggersPerPage = 200

type createTriggerInput struct {
	Name            string `check:"required len=1:255 match=name"`
	WorkflowName    string `json:",omitempty" check:"len=1:255 match=name"`
	Type            string `check:"required one=trigger"`
	triggerUpdate   `check:"Actions:required"`
	StartOnCreation bool              `json:",omitempty"`
	Tags            map[string]string `json:",omitempty" check:"len=0:50 key.len=1:128 each.len=0:256"`
}

type trigger struct {
	createTriggerInput
	id     string
	given  string // the definition as it was sent, to compare
	state  string
	made   bool          // its creation has ended
	gone   chan struct{} // closed when deleted
	timers int           // generation of the schedule's timer
}

type triggerBody struct {
	Name         string
	WorkflowName string `json:",omitempty"`
	Id           string `json:",omitempty"`
	Type         string
	State        string
	triggerUpdate
}

func (t *trigger) body() *triggerBody {
	return &triggerBody{t.Name, t.WorkflowName, t.id, t.Type, t.state, t.triggerUpdate}
}

// modified is the conflict of two calls on one workflow.
func modified(workflow, while string) *apiError {
	return errorf(codeConcurrentModified, "Workflow %s was modified while %s", workflow, while)
}

// occupy blocks a workflow for the length of a trigger call. Another trigger call on it meanwhile is a conflict. The
// state is unlocked while the call takes its time; release ends it.
func (s *Server) occupy(workflow, while string) (release func(), err error) {
	if workflow == "" {
		return func() {}, nil
	}
	if s.busy[workflow] {
		return nil, modified(workflow, while)
	}
	s.busy[workflow] = true
	s.mu.Unlock()
	s.config.triggerCall()
	s.mu.Lock()
	return func() { delete(s.busy, workflow) }, nil
}

func (s *Server) createTrigger(in *createTriggerInput) (*nameOutput, error) {
	release, err := s.occupy(in.WorkflowName, "adding trigger "+in.Name)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := s.checkNewTrigger(in); err != nil {
		return nil, err
	}
	definition := *in
	definition.Tags = nil
	given := string(marshal(definition))
	if t := s.triggers[in.Name]; t != nil {
		if t.state == triggerDeleting {
			return nil, errorf(s.config.Unknowns.DeletingTriggerCode, "Trigger with name '%s' is being deleted", in.Name)
		}
		return &nameOutput{in.Name}, s.duplicate("Trigger", in.Name, t.given == given)
	}
	if err := s.checkTriggerPlace(in); err != nil {
		return nil, err
	}
	t := &trigger{createTriggerInput: *in, id: s.hex(32), given: given, gone: make(chan struct{})}
	s.triggers[in.Name] = t
	if s.children[in.WorkflowName] == nil {
		s.children[in.WorkflowName] = map[string]*trigger{}
	}
	s.children[in.WorkflowName][in.Name] = t
	s.setTags("trigger", in.Name, in.Tags)
	if in.StartOnCreation && (in.Type == triggerScheduled || in.Type == triggerConditional) {
		s.pass(t, triggerActivating, triggerActivated, s.config.Latency.TriggerCreate)
	} else {
		s.pass(t, triggerCreating, triggerCreated, s.config.Latency.TriggerCreate)
	}
	return &nameOutput{in.Name}, nil
}

func (s *Server) checkNewTrigger(in *createTriggerInput) error {
	if in.Type == triggerOnDemand && in.StartOnCreation {
		return invalid("StartOnCreation is not supported for ON_DEMAND triggers")
	}
	if in.Type == triggerEvent && in.WorkflowName == "" {
		return invalid("Trigger Type EVENT needs a workflow")
	}
	if err := checkTrigger(in.Type, &in.triggerUpdate); err != nil {
		return err
	}
	return checkTagKeys(in.Tags)
}

// checkTriggerPlace checks a new trigger against what exists: quota, workflow, jobs, crawlers.
func (s *Server) checkTriggerPlace(in *createTriggerInput) error {
	if exhausted(s.config.Quotas.Triggers, len(s.triggers)) {
		return errorf(codeResourceNumberLimit, "the limit of %d triggers is reached", s.config.Quotas.Triggers)
	}
	if in.WorkflowName != "" {
		if s.workflows[in.WorkflowName] == nil && !s.config.Unknowns.UncheckedWorkflow {
			return notFound("workflow", in.WorkflowName)
		}
		if first := s.startingTrigger(in.WorkflowName); first != nil && in.Type != triggerConditional {
			return invalid("Workflow %s already has the starting trigger %s", in.WorkflowName, first.Name)
		}
	}
	return s.checkTargets(&in.triggerUpdate)
}

// checkTargets checks that there are the jobs and crawlers that a definition names.
func (s *Server) checkTargets(u *triggerUpdate) error {
	if s.config.Unknowns.UncheckedActions {
		return nil
	}
	for _, a := range u.Actions {
		if a.JobName != "" && s.jobs[a.JobName] == nil {
			return notFound("Job", a.JobName)
		}
		if a.CrawlerName != "" && s.crawlers[a.CrawlerName] == nil {
			return notFound("Crawler", a.CrawlerName)
		}
	}
	return nil
}

// startingTrigger returns the workflow's trigger that is not CONDITIONAL and that counts.
func (s *Server) startingTrigger(workflow string) *trigger {
	for _, t := range s.children[workflow] {
		if t.Type != triggerConditional && (t.state != triggerDeleting || s.config.Unknowns.DeletingTriggerHolds) {
			return t
		}
	}
	return nil
}

type updateTriggerInput struct {
	Name          string       `check:"required len=1:255 match=name"`
	TriggerUpdate *namedUpdate `check:"required"`
}

// namedUpdate has a name that Glue does not use.
type namedUpdate struct {
	Name string `check:"len=1:255 match=name"`
	triggerUpdate
}

type triggerOutput struct{ Trigger *triggerBody }

func (s *Server) updateTrigger(in *updateTriggerInput) (*triggerOutput, error) {
	t, release, err := s.occupyTrigger(in.Name, "updating")
	if err != nil {
		return nil, err
	}
	defer release()
	if t == nil {
		return nil, notFound("Trigger", in.Name)
	}
	switch {
	case t.state == triggerActivated && s.config.Unknowns.RefuseActivatedUpdate:
		refused := notAllowed(t)
		refused.Code = cmp.Or(s.config.Unknowns.RefuseActivatedCode, refused.Code)
		return nil, refused
	case t.state != triggerActivated && t.state != triggerCreated && t.state != triggerDeactivated:
		return nil, notAllowed(t)
	}
	if err := checkTrigger(t.Type, &in.TriggerUpdate.triggerUpdate); err != nil {
		return nil, err
	}
	if err := s.checkTargets(&in.TriggerUpdate.triggerUpdate); err != nil {
		return nil, err
	}
	t.triggerUpdate = in.TriggerUpdate.triggerUpdate
	definition := t.createTriggerInput
	definition.Tags = nil
	t.given = string(marshal(definition))
	s.pass(t, triggerUpdating, t.state, s.config.Latency.TriggerUpdate)
	return &triggerOutput{t.body()}, nil
}

// occupyTrigger occupies the workflow of a trigger. The trigger is nil when it does not exist, or no longer.
func (s *Server) occupyTrigger(name, verb string) (*trigger, func(), error) {
	t := s.triggers[name]
	if t == nil {
		return nil, func() {}, nil
	}
	release, err := s.occupy(t.WorkflowName, fmt.Sprintf("%s trigger %s", verb, name))
	return s.triggers[name], release, err
}

func notAllowed(t *trigger) *apiError {
	return invalid("The operation is not allowed when trigger is in state: %s", t.state)
}

func (s *Server) deleteTrigger(in *nameInput) (*nameOutput, error) {
	t, release, err := s.occupyTrigger(in.Name, "deleting")
	if err != nil {
		return nil, err
	}
	defer release()
	if t != nil && t.state != triggerDeleting {
		s.removeTrigger(t)
	}
	return &nameOutput{in.Name}, nil
}

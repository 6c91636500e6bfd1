package glue

import (
	"maps"
	"slices"
)

const workflowRunsPerPage = 1000

// States of a workflow run besides RUNNING, STOPPING, STOPPED and ERROR.
const stateCompleted = "COMPLETED"

type workflowRunBody struct {
	Name                  string
	WorkflowRunId         string
	PreviousRunId         string            `json:",omitempty"`
	WorkflowRunProperties map[string]string `json:",omitempty"`
	StartedOn             timestamp
	CompletedOn           timestamp `json:",omitzero"`
	Status                string
	ErrorMessage          string `json:",omitempty"`
	Statistics            statistics
	Graph                 *graphBody `json:",omitempty"`
}

type statistics struct {
	TotalActions, TimeoutActions, FailedActions, StoppedActions, SucceededActions, RunningActions,
	ErroredActions, WaitingActions int
}

func (s *Server) workflowRunBody(r *workflowRun, graph bool) *workflowRunBody {
	b := r.body
	b.WorkflowRunProperties, b.Statistics = maps.Clone(r.body.WorkflowRunProperties), r.statistics()
	if graph {
		b.Graph = r.graph()
	}
	return &b
}

type runInput struct {
	Name  string `check:"required len=1:255 match=name"`
	RunId string `check:"required len=1:255 match=name"`
}

type runIDOutput struct{ RunId string }

type startWorkflowRunInput struct {
	Name          string            `check:"required len=1:255 match=name"`
	RunProperties map[string]string `check:"key.len=1:255 key.match=name"`
}

func (s *Server) startWorkflowRun(in *startWorkflowRunInput) (*runIDOutput, error) {
	w := s.workflows[in.Name]
	if w == nil {
		return nil, notFound("workflow", in.Name)
	}
	first := s.startingTrigger(in.Name)
	if first == nil {
		return nil, invalid("Workflow %s has no starting trigger", in.Name)
	}
	if first.Type == triggerScheduled && first.state != triggerActivated && s.config.Unknowns.StartNeedsActivated {
		return nil, notAllowed(first)
	}
	r, err := s.newWorkflowRun(w, in.RunProperties)
	if err != nil {
		return nil, err
	}
	s.begin(r)
	return &runIDOutput{r.body.WorkflowRunId}, nil
}

type emptyOutput struct{}

func (s *Server) stopWorkflowRun(in *runInput) (*emptyOutput, error) {
	r, err := s.findRun(in.Name, in.RunId)
	if err != nil {
		return nil, err
	}
	if r.body.Status != stateRunning {
		return nil, errorf(codeIllegalWorkflow, "Workflow run %s is in state %s and cannot be stopped", in.RunId, r.body.Status)
	}
	s.stopRun(r)
	return &emptyOutput{}, nil
}

type resumeWorkflowRunInput struct {
	Name    string   `check:"required len=1:255 match=name"`
	RunId   string   `check:"required len=1:255 match=name"`
	NodeIds []string `check:"required each.len=1:255 each.match=name"`
}

type resumeWorkflowRunOutput struct {
	RunId   string
	NodeIds []string
}

func (s *Server) resumeWorkflowRun(in *resumeWorkflowRunInput) (*resumeWorkflowRunOutput, error) {
	old, err := s.findRun(in.Name, in.RunId)
	if err != nil {
		return nil, err
	}
	if old.body.Status != stateCompleted {
		return nil, errorf(codeIllegalWorkflow, "Workflow run %s is in state %s and cannot be resumed", in.RunId, old.body.Status)
	}
	chosen, err := old.chosen(in.NodeIds)
	if err != nil {
		return nil, err
	}
	r, err := s.newWorkflowRun(s.workflows[in.Name], old.body.WorkflowRunProperties)
	if err != nil {
		return nil, err
	}
	s.resume(r, old, chosen)
	return &resumeWorkflowRunOutput{r.body.WorkflowRunId, in.NodeIds}, nil
}

func (s *Server) findRun(name, id string) (*workflowRun, error) {
	w := s.workflows[name]
	if w == nil {
		return nil, notFound("workflow", name)
	}
	at := slices.IndexFunc(w.runs, func(r *workflowRun) bool { return r.body.WorkflowRunId == id })
	if at < 0 {
		return nil, errorf(codeEntityNotFound, "Workflow run with id: %s of workflow %s not found", id, name)
	}
	return w.runs[at], nil
}

type getWorkflowRunInput struct {
	runInput
	IncludeGraph bool
}

type getWorkflowRunOutput struct{ Run *workflowRunBody }

func (s *Server) getWorkflowRun(in *getWorkflowRunInput) (*getWorkflowRunOutput, error) {
	r, err := s.findRun(in.Name, in.RunId)
	if err != nil {
		return nil, err
	}
	return &getWorkflowRunOutput{s.workflowRunBody(r, in.IncludeGraph)}, nil
}

type getWorkflowRunsInput struct {
	Name         string `check:"required len=1:255 match=name"`
	IncludeGraph bool
	thousandInput
}

type getWorkflowRunsOutput struct {
	Runs      []*workflowRunBody
	NextToken string `json:",omitempty"`
}

func (s *Server) getWorkflowRuns(in *getWorkflowRunsInput) (*getWorkflowRunsOutput, error) {
	w := s.workflows[in.Name]
	if w == nil {
		return nil, notFound("workflow", in.Name)
	}
	list, next, err := history(w.runs, in.pageInput, workflowRunsPerPage, func(r *workflowRun) string { return r.body.WorkflowRunId })
	out := &getWorkflowRunsOutput{Runs: []*workflowRunBody{}, NextToken: next}
	for _, r := range list {
		out.Runs = append(out.Runs, s.workflowRunBody(r, in.IncludeGraph))
	}
	return out, err
}

type runPropertiesOutput struct{ RunProperties map[string]string }

func (s *Server) getWorkflowRunProperties(in *runInput) (*runPropertiesOutput, error) {
	r, err := s.findRun(in.Name, in.RunId)
	if err != nil {
		return nil, err
	}
	return &runPropertiesOutput{maps.Clone(r.body.WorkflowRunProperties)}, nil
}

type putRunPropertiesInput struct {
	runInput
	RunProperties map[string]string `check:"required key.len=1:255 key.match=name"`
}

func (s *Server) putWorkflowRunProperties(in *putRunPropertiesInput) (*emptyOutput, error) {
	r, err := s.findRun(in.Name, in.RunId)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.body.WorkflowRunProperties, in.RunProperties)
	return &emptyOutput{}, nil
}

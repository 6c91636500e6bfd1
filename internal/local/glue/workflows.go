package glue

import "maps"

const workflowsPerPage = 25

type createWorkflowInput struct {
	Name                 string            `check:"required len=1:255 match=name"`
	Description          *string           `check:"len=0:120000"`
	DefaultRunProperties map[string]string `check:"key.len=1:255 key.match=name"`
	MaxConcurrentRuns    *int
	Tags                 map[string]string `check:"len=0:50 key.len=1:128 each.len=0:256"`

	blueprint *blueprintDetails // set by a blueprint run
}

type blueprintDetails struct {
	BlueprintName string
	RunId         string
}

type workflow struct {
	createWorkflowInput
	created, modified timestamp
	runs              []*workflowRun
}

type workflowBody struct {
	Name                 string
	Description          *string           `json:",omitempty"`
	DefaultRunProperties map[string]string `json:",omitempty"`
	CreatedOn            timestamp
	LastModifiedOn       timestamp
	LastRun              *workflowRunBody  `json:",omitempty"`
	Graph                *graphBody        `json:",omitempty"`
	MaxConcurrentRuns    *int              `json:",omitempty"`
	BlueprintDetails     *blueprintDetails `json:",omitempty"`
}

type nameOutput struct{ Name string }

func (s *Server) createWorkflow(in *createWorkflowInput) (*nameOutput, error) {
	if s.workflows[in.Name] != nil {
		return nil, errorf(codeAlreadyExists, "workflow with name: %s already exists", in.Name)
	}
	if exhausted(s.config.Quotas.Workflows, len(s.workflows)) {
		return nil, errorf(codeResourceNumberLimit, "the limit of %d workflows is reached", s.config.Quotas.Workflows)
	}
	if s.busy[in.Name] {
		return nil, modified(in.Name, "creating the workflow")
	}
	if err := checkWorkflow(in.MaxConcurrentRuns, in.Tags); err != nil {
		return nil, err
	}
	w := &workflow{createWorkflowInput: *in, created: s.now(), modified: s.now()}
	s.workflows[in.Name] = w
	s.setTags("workflow", in.Name, in.Tags)
	return &nameOutput{in.Name}, nil
}

func checkWorkflow(maxConcurrentRuns *int, tags map[string]string) error {
	if maxConcurrentRuns != nil && *maxConcurrentRuns < 1 {
		return invalid("MaxConcurrentRuns must be at least 1")
	}
	return checkTagKeys(tags)
}

type getWorkflowInput struct {
	Name         string `check:"required len=1:255 match=name"`
	IncludeGraph bool
}

type getWorkflowOutput struct{ Workflow *workflowBody }

func (s *Server) getWorkflow(in *getWorkflowInput) (*getWorkflowOutput, error) {
	w := s.workflows[in.Name]
	if w == nil {
		return nil, notFound("workflow", in.Name)
	}
	return &getWorkflowOutput{s.workflowBody(w, in.IncludeGraph)}, nil
}

func (s *Server) workflowBody(w *workflow, graph bool) *workflowBody {
	b := &workflowBody{
		Name: w.Name, Description: w.Description, DefaultRunProperties: maps.Clone(w.DefaultRunProperties),
		CreatedOn: w.created, LastModifiedOn: w.modified, MaxConcurrentRuns: w.MaxConcurrentRuns,
		BlueprintDetails: w.blueprint,
	}
	if n := len(w.runs); n > 0 {
		b.LastRun = s.workflowRunBody(w.runs[n-1], graph)
	}
	if graph {
		b.Graph = s.definitionGraph(w.Name)
	}
	return b
}

type updateWorkflowInput struct {
	Name                 string            `check:"required len=1:255 match=name"`
	Description          *string           `check:"len=0:120000"`
	DefaultRunProperties map[string]string `check:"key.len=1:255 key.match=name"`
	MaxConcurrentRuns    *int
}

func (s *Server) updateWorkflow(in *updateWorkflowInput) (*nameOutput, error) {
	w := s.workflows[in.Name]
	if w == nil {
		return nil, notFound("workflow", in.Name)
	}
	if s.busy[in.Name] {
		return nil, modified(in.Name, "updating the workflow")
	}
	if err := checkWorkflow(in.MaxConcurrentRuns, nil); err != nil {
		return nil, err
	}
	keep := s.config.Unknowns.UpdateKeepsOmitted
	if in.Description != nil || !keep {
		w.Description = in.Description
	}
	if in.DefaultRunProperties != nil || !keep {
		w.DefaultRunProperties = in.DefaultRunProperties
	}
	if in.MaxConcurrentRuns != nil || !keep {
		w.MaxConcurrentRuns = in.MaxConcurrentRuns
	}
	w.modified = s.now()
	return &nameOutput{in.Name}, nil
}

type nameInput struct {
	Name string `check:"required len=1:255 match=name"`
}

func (s *Server) deleteWorkflow(in *nameInput) (*nameOutput, error) {
	w := s.workflows[in.Name]
	if w == nil {
		if s.config.Unknowns.DeleteMissingFails {
			return nil, notFound("workflow", in.Name)
		}
		return &nameOutput{in.Name}, nil
	}
	if s.busy[in.Name] {
		return nil, modified(in.Name, "deleting the workflow")
	}
	if w.active() > 0 && !s.config.Unknowns.DeleteRunningWorkflow {
		return nil, errorf(codeConcurrentModified, "workflow %s has a workflow run in progress", in.Name)
	}
	if s.config.Unknowns.DeleteWorkflowTriggers {
		for _, name := range names(s.children[in.Name]) {
			s.removeTrigger(s.triggers[name])
		}
	}
	delete(s.workflows, in.Name)
	s.dropTags("workflow", in.Name)
	return &nameOutput{in.Name}, nil
}

type listWorkflowsOutput struct {
	Workflows []string
	NextToken string `json:",omitempty"`
}

type listWorkflowsInput struct {
	pageInput `check:"MaxResults:range=1:25"`
}

func (s *Server) listWorkflows(in *listWorkflowsInput) (*listWorkflowsOutput, error) {
	list, next, err := page(names(s.workflows), in.pageInput, workflowsPerPage)
	return &listWorkflowsOutput{list, next}, err
}

type batchGetWorkflowsInput struct {
	Names        []string `check:"required len=1:25 each.len=1:255 each.match=name"`
	IncludeGraph bool
}

type batchGetWorkflowsOutput struct {
	Workflows        []*workflowBody
	MissingWorkflows []string
}

func (s *Server) batchGetWorkflows(in *batchGetWorkflowsInput) (*batchGetWorkflowsOutput, error) {
	have, missing := found(s.workflows, in.Names)
	out := &batchGetWorkflowsOutput{Workflows: []*workflowBody{}, MissingWorkflows: missing}
	for _, w := range have {
		out.Workflows = append(out.Workflows, s.workflowBody(w, in.IncludeGraph))
	}
	return out, nil
}

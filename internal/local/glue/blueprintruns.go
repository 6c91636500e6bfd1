package glue

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/landfall/landfall/internal/local/glue/generator"
)

const blueprintRunsPerPage = 1000

// States of a blueprint run besides RUNNING, SUCCEEDED and FAILED.
const stateRollingBack = "ROLLING_BACK"

type blueprintRun struct{ body blueprintRunBody }

type blueprintRunBody struct {
	BlueprintName        string
	RunId                string
	WorkflowName         string `json:",omitempty"`
	State                string
	StartedOn            timestamp
	CompletedOn          timestamp `json:",omitzero"`
	ErrorMessage         string    `json:",omitempty"`
	RollbackErrorMessage string    `json:",omitempty"`
	Parameters           string    `json:",omitempty"`
	RoleArn              string
}

type startBlueprintRunInput struct {
	BlueprintName string `check:"required len=1:128 match=blueprint"`
	Parameters    string `check:"len=1:131072"`
	RoleArn       string `check:"required len=1:1024 match=role"`
}

func (s *Server) startBlueprintRun(in *startBlueprintRunInput) (*runIDOutput, error) {
	b := s.blueprints[in.BlueprintName]
	if b == nil {
		return nil, notFound("Blueprint", in.BlueprintName)
	}
	ready := b.body.Status == blueprintActive || b.body.Status == blueprintFailed && b.active != nil ||
		b.body.Status == blueprintUpdating && b.active != nil && s.config.Unknowns.StartWhileUpdating
	if !ready {
		return nil, errorf(codeIllegalBlueprint, "Blueprint %s is in state %s and cannot be run", in.BlueprintName, b.body.Status)
	}
	if exhausted(s.config.Quotas.BlueprintRuns, s.runningBlueprints()) {
		return nil, errorf(codeResourceNumberLimit, "the limit of %d blueprint runs at the same time is reached", s.config.Quotas.BlueprintRuns)
	}
	values, err := b.active.parameters.resolve(in.Parameters, s.config.Unknowns)
	if err != nil && !s.config.Unknowns.ParameterErrorsFailRun {
		return nil, err
	}
	r := &blueprintRun{blueprintRunBody{
		BlueprintName: in.BlueprintName, RunId: "br_" + s.hex(64), State: stateRunning, StartedOn: s.now(),
		Parameters: in.Parameters, RoleArn: in.RoleArn,
	}}
	b.runs = append(b.runs, r)
	def, suffix := b.active, s.hex(s.config.Unknowns.SuffixLength)
	s.start(func() {
		if err != nil {
			s.fail(r, nil, asAPIError(err).Message)
			return
		}
		s.runBlueprint(r, def, values, suffix)
	})
	return &runIDOutput{r.body.RunId}, nil
}

func (s *Server) runningBlueprints() int {
	n := 0
	for _, b := range s.blueprints {
		for _, r := range b.runs {
			if r.body.CompletedOn.IsZero() {
				n++
			}
		}
	}
	return n
}

// runBlueprint runs the layout generator and creates what it returned. The
// latency is that of the whole run: the generator's time is part of it.
func (s *Server) runBlueprint(r *blueprintRun, def *definition, values map[string]json.RawMessage, suffix string) {
	started := time.Now()
	layout, err := s.generate(def, values, suffix)
	if !s.sleep(s.ctx, max(0, s.config.Latency.BlueprintRun-time.Since(started))) || s.ctx.Err() != nil {
		return
	}
	if err != nil {
		s.fail(r, nil, err.Error())
		return
	}
	limit := s.config.Unknowns.HangAbove
	if limit > 0 && len(layout.Jobs)+len(layout.Crawlers)+len(layout.Triggers) > limit {
		return
	}
	created, err := s.createLayout(r, layout)
	if err != nil {
		s.fail(r, created, asAPIError(err).Message)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.body.State, r.body.CompletedOn, r.body.WorkflowName = stateSucceeded, s.now(), nameOf(layout.Workflow)
	s.config.Log.Info("blueprint run ended", "blueprint", r.body.BlueprintName, "run_id", r.body.RunId, "state", r.body.State)
}

func (s *Server) generate(def *definition, values map[string]json.RawMessage, suffix string) (*generator.Layout, error) {
	if def.configError != "" {
		return nil, errors.New(def.configError)
	}
	return s.layouts.Generate(def.blueprint, values, suffix)
}

// fail rolls a blueprint run back and ends it.
func (s *Server) fail(r *blueprintRun, created []entity, message string) {
	s.mu.Lock()
	r.body.ErrorMessage = message
	if len(created) > 0 {
		r.body.State = stateRollingBack
	}
	s.mu.Unlock()
	left := s.rollBack(created)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.body.State, r.body.CompletedOn, r.body.RollbackErrorMessage = stateFailed, s.now(), left
	s.config.Log.Warn("blueprint run ended", "blueprint", r.body.BlueprintName, "run_id", r.body.RunId, "state", r.body.State, "error", message)
}

type getBlueprintRunInput struct {
	BlueprintName string `check:"required len=1:128 match=blueprint"`
	RunId         string `check:"required len=1:255 match=name"`
}

type getBlueprintRunOutput struct{ BlueprintRun blueprintRunBody }

func (s *Server) getBlueprintRun(in *getBlueprintRunInput) (*getBlueprintRunOutput, error) {
	b := s.blueprints[in.BlueprintName]
	if b == nil {
		return nil, notFound("Blueprint", in.BlueprintName)
	}
	at := slices.IndexFunc(b.runs, func(r *blueprintRun) bool { return r.body.RunId == in.RunId })
	if at < 0 {
		return nil, errorf(codeEntityNotFound, "Blueprint run with id: %s of blueprint %s not found", in.RunId, in.BlueprintName)
	}
	return &getBlueprintRunOutput{b.runs[at].body}, nil
}

type getBlueprintRunsInput struct {
	BlueprintName string `check:"required len=1:255 match=name"`
	thousandInput
}

type getBlueprintRunsOutput struct {
	BlueprintRuns []blueprintRunBody
	NextToken     string `json:",omitempty"`
}

func (s *Server) getBlueprintRuns(in *getBlueprintRunsInput) (*getBlueprintRunsOutput, error) {
	b := s.blueprints[in.BlueprintName]
	if b == nil {
		return nil, notFound("Blueprint", in.BlueprintName)
	}
	list, next, err := history(b.runs, in.pageInput, blueprintRunsPerPage, func(r *blueprintRun) string { return r.body.RunId })
	out := &getBlueprintRunsOutput{BlueprintRuns: []blueprintRunBody{}, NextToken: next}
	for _, r := range list {
		out.BlueprintRuns = append(out.BlueprintRuns, r.body)
	}
	return out, err
}

package glue

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Runner runs one job run to its end. A nil error means SUCCEEDED; an error's text becomes the ErrorMessage of a
// FAILED job run. ctx ends when the job run is stopped, exceeds its timeout, or the server is closed; Run returns
// then soon.
type Runner interface {
	Run(ctx context.Context, run JobRun) error
}

// JobRun is what a Runner needs to know of one job run.
type JobRun struct {
	ID, JobName                                string
	WorkflowName, WorkflowRunID                string // empty outside a workflow run
	CommandName, ScriptLocation, PythonVersion string
	GlueVersion, Role                          string
	Arguments                                  map[string]string // with the defaults and those Glue injects
	Attempt                                    int               // 0 for the first
	NumberOfWorkers                            int
	WorkerType                                 string
	Timeout                                    time.Duration
}

// Call is one answered API call. The calls a blueprint run makes itself have the operation BlueprintRun/<operation>.
type Call struct {
	Operation string
	RequestID string
	Request   string // name of the entity, or the number of entities of a batch
	ErrorCode string // empty on success
	Start     time.Time
	Duration  time.Duration
}

// Fault is an injected failure of one call. Calls of a blueprint run cannot be dropped: Drop fails them.
type Fault struct {
	Code    string // as __type; default InternalServiceException
	Message string
	After   bool // the call has its effect before it fails
	Drop    bool // the connection is closed without an answer
}

func (f *Fault) err() *apiError {
	code, message := f.Code, f.Message
	if code == "" {
		code = codeInternalService
	}
	if message == "" {
		message = "injected fault"
	}
	return &apiError{Code: code, Message: message}
}

// fault counts the call and asks for its fault.
func (s *Server) fault(operation string) *Fault {
	s.hooks.Lock()
	s.calls[operation]++
	n := s.calls[operation]
	s.hooks.Unlock()
	if s.config.Fault == nil {
		return nil
	}
	return s.config.Fault(operation, n)
}

// Calls counts the calls so far by operation, refused ones included. Those that blueprint runs made are counted as
// BlueprintRun/<operation>.
func (s *Server) Calls() map[string]int {
	s.hooks.Lock()
	defer s.hooks.Unlock()
	return maps.Clone(s.calls)
}

// summary names what a request is about.
func summary(body []byte) string {
	var names struct {
		Name, JobName, BlueprintName, ResourceArn   string
		RunId                                       string
		Names, JobNames, TriggerNames, CrawlerNames []string
	}
	if json.Unmarshal(body, &names) != nil {
		return ""
	}
	for _, list := range [][]string{names.Names, names.JobNames, names.TriggerNames, names.CrawlerNames} {
		if len(list) > 0 {
			return fmt.Sprintf("%d names", len(list))
		}
	}
	for _, name := range []string{names.Name, names.JobName, names.BlueprintName, names.ResourceArn} {
		if name != "" && names.RunId != "" {
			return name + " " + names.RunId
		}
		if name != "" {
			return name
		}
	}
	return ""
}

package glue

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
)

// States of a job run.
const (
	stateStarting  = "STARTING"
	stateRunning   = "RUNNING"
	stateStopping  = "STOPPING"
	stateStopped   = "STOPPED"
	stateSucceeded = "SUCCEEDED"
	stateFailed    = "FAILED"
	stateTimeout   = "TIMEOUT"
	stateError     = "ERROR"
	stateWaiting   = "WAITING"
)

// jobRun is one attempt at running a job.
type jobRun struct {
	body     jobRunBody
	job      *job
	jobState jobFields // the job as it was when the job run started
	workflow *workflowRun
	node     *runNode
	first    string // id of the first attempt
	stop     context.CancelFunc
	stopping bool
}

type jobRunBody struct {
	Id                    string
	Attempt               int
	PreviousRunId         string `json:",omitempty"`
	TriggerName           string `json:",omitempty"`
	JobName               string
	JobMode               string `json:",omitempty"`
	JobRunQueuingEnabled  bool
	StartedOn             timestamp
	LastModifiedOn        timestamp
	CompletedOn           timestamp `json:",omitzero"`
	JobRunState           string
	Arguments             map[string]string `json:",omitempty"`
	ErrorMessage          string            `json:",omitempty"`
	PredecessorRuns       []predecessor     `json:",omitempty"`
	AllocatedCapacity     int
	ExecutionTime         int
	Timeout               *int     `json:",omitempty"`
	MaxCapacity           *float64 `json:",omitempty"`
	WorkerType            string   `json:",omitempty"`
	NumberOfWorkers       *int     `json:",omitempty"`
	SecurityConfiguration *string  `json:",omitempty"`
	LogGroupName          string
	NotificationProperty  *notification `json:",omitempty"`
	GlueVersion           *string       `json:",omitempty"`
	ExecutionClass        string        `json:",omitempty"`
	MaintenanceWindow     *string       `json:",omitempty"`
}

type predecessor struct {
	JobName string
	RunId   string
}

func (r *jobRun) ended() bool {
	switch r.body.JobRunState {
	case stateStopped, stateSucceeded, stateFailed, stateTimeout, stateError:
		return true
	}
	return false
}

func (j *job) active() int {
	n := 0
	for _, r := range j.runs {
		if !r.ended() {
			n++
		}
	}
	return n
}

// startJobRunInput overrides the job's definition for one job run.
type startJobRunInput struct {
	JobName               string `check:"required len=1:255 match=name"`
	JobRunId              string `check:"len=1:255 match=name"`
	JobRunQueuingEnabled  *bool
	Arguments             map[string]string
	AllocatedCapacity     int
	Timeout               *int `check:"range=1:"`
	MaxCapacity           *float64
	SecurityConfiguration *string `check:"len=1:255 match=name"`
	NotificationProperty  *notification
	WorkerType            string `check:"one=worker"`
	NumberOfWorkers       *int
	ExecutionClass        string `check:"one=execution"`

	ExecutionRoleSessionPolicy *string `check:"len=2:2048"`
}

type startJobRunOutput struct{ JobRunId string }

func (s *Server) startJobRun(in *startJobRunInput) (*startJobRunOutput, error) {
	j := s.jobs[in.JobName]
	if j == nil {
		return nil, notFound("Job", in.JobName)
	}
	if in.WorkerType != "" || in.NumberOfWorkers != nil || in.MaxCapacity != nil {
		err := checkCapacity(j.fields.Command.Name, in.WorkerType, in.NumberOfWorkers, in.MaxCapacity, in.AllocatedCapacity)
		if err != nil {
			return nil, err
		}
	}
	r, err := s.newJobRun(j, in)
	if err != nil {
		return nil, err
	}
	s.launch(r)
	return &startJobRunOutput{r.body.Id}, nil
}

// newJobRun makes a job run that has not started yet, if the job and the account may have one more.
func (s *Server) newJobRun(j *job, in *startJobRunInput) (*jobRun, error) {
	if j.active() >= j.fields.ExecutionProperty.MaxConcurrentRuns {
		return nil, errorf(codeConcurrentRuns, "Concurrent runs exceeded for %s", j.name)
	}
	if exhausted(s.config.Quotas.JobRuns, s.activeRuns) {
		return nil, errorf(codeResourceNumberLimit, "the limit of %d job runs at the same time is reached", s.config.Quotas.JobRuns)
	}
	f := j.fields
	if in.WorkerType != "" || in.NumberOfWorkers != nil || in.MaxCapacity != nil || in.AllocatedCapacity != 0 {
		f.WorkerType, f.NumberOfWorkers = in.WorkerType, in.NumberOfWorkers
		f.MaxCapacity = capacity(f.Command.Name, in.WorkerType, in.NumberOfWorkers, in.MaxCapacity, in.AllocatedCapacity)
		f.AllocatedCapacity = int(*f.MaxCapacity)
	}
	f.Timeout = cmp.Or(in.Timeout, f.Timeout)
	f.SecurityConfiguration = cmp.Or(in.SecurityConfiguration, f.SecurityConfiguration)
	f.NotificationProperty = cmp.Or(in.NotificationProperty, f.NotificationProperty)
	f.JobRunQueuingEnabled = cmp.Or(in.JobRunQueuingEnabled, f.JobRunQueuingEnabled)
	f.ExecutionClass = cmp.Or(in.ExecutionClass, f.ExecutionClass)
	id := "jr_" + s.hex(64)
	r := s.attempt(j, f, id, 0)
	r.body.Arguments, r.body.PreviousRunId = maps.Clone(in.Arguments), in.JobRunId
	return r, nil
}

// attempt makes the n-th attempt of the job run with the id.
func (s *Server) attempt(j *job, f jobFields, first string, n int) *jobRun {
	id := first
	if n > 0 {
		id += "_attempt_" + strconv.Itoa(n)
	}
	now := s.now()
	r := &jobRun{job: j, jobState: f, first: first, body: jobRunBody{
		Id: id, Attempt: n, JobName: j.name, JobMode: f.JobMode, JobRunQueuingEnabled: *f.JobRunQueuingEnabled,
		StartedOn: now, LastModifiedOn: now, JobRunState: stateStarting,
		AllocatedCapacity: f.AllocatedCapacity, Timeout: f.Timeout, MaxCapacity: f.MaxCapacity,
		WorkerType: f.WorkerType, NumberOfWorkers: f.NumberOfWorkers, SecurityConfiguration: f.SecurityConfiguration,
		LogGroupName: "/aws-glue/jobs", NotificationProperty: f.NotificationProperty, GlueVersion: f.GlueVersion,
		ExecutionClass: f.ExecutionClass, MaintenanceWindow: f.MaintenanceWindow,
	}}
	if f.Command.Name == commandShell {
		r.body.LogGroupName = "/aws-glue/python-jobs"
	}
	j.runs = append(j.runs, r)
	return r
}

type getJobRunInput struct {
	JobName              string `check:"required len=1:255 match=name"`
	RunId                string `check:"required len=1:255 match=name"`
	PredecessorsIncluded bool
}

type getJobRunOutput struct{ JobRun jobRunBody }

func (s *Server) getJobRun(in *getJobRunInput) (*getJobRunOutput, error) {
	r, err := s.findJobRun(in.JobName, in.RunId)
	if err != nil {
		return nil, err
	}
	body := r.body
	if !in.PredecessorsIncluded {
		body.PredecessorRuns = nil
	}
	return &getJobRunOutput{body}, nil
}

func (s *Server) findJobRun(name, id string) (*jobRun, error) {
	j := s.jobs[name]
	if j == nil {
		return nil, notFound("Job", name)
	}
	at := slices.IndexFunc(j.runs, func(r *jobRun) bool { return r.body.Id == id })
	if at < 0 {
		return nil, errorf(codeEntityNotFound, "Job run with id: %s of job %s not found", id, name)
	}
	return j.runs[at], nil
}

type getJobRunsInput struct {
	JobName   string `check:"required len=1:255 match=name"`
	pageInput `check:"MaxResults:range=1:200"`
}

type getJobRunsOutput struct {
	JobRuns   []jobRunBody
	NextToken string `json:",omitempty"`
}

func (s *Server) getJobRuns(in *getJobRunsInput) (*getJobRunsOutput, error) {
	j := s.jobs[in.JobName]
	if j == nil {
		return nil, notFound("Job", in.JobName)
	}
	list, next, err := history(j.runs, in.pageInput, jobRunsPerPage, func(r *jobRun) string { return r.body.Id })
	out := &getJobRunsOutput{JobRuns: []jobRunBody{}, NextToken: next}
	for _, r := range list {
		body := r.body
		body.PredecessorRuns = nil
		out.JobRuns = append(out.JobRuns, body)
	}
	return out, err
}

type batchStopJobRunInput struct {
	JobName   string   `check:"required len=1:255 match=name"`
	JobRunIds []string `check:"required len=1:25 each.len=1:255 each.match=name"`
}

type stopped struct{ JobName, JobRunId string }

type stopError struct {
	stopped
	ErrorDetail errorDetail
}

type errorDetail struct{ ErrorCode, ErrorMessage string }

type batchStopJobRunOutput struct {
	SuccessfulSubmissions []stopped
	Errors                []stopError
}

func (s *Server) batchStopJobRun(in *batchStopJobRunInput) (*batchStopJobRunOutput, error) {
	out := &batchStopJobRunOutput{SuccessfulSubmissions: []stopped{}, Errors: []stopError{}}
	for _, id := range in.JobRunIds {
		about := stopped{in.JobName, id}
		r, err := s.findJobRun(in.JobName, id)
		if err == nil && r.ended() {
			err = invalid("Job run %s is in state %s and cannot be stopped", id, r.body.JobRunState)
		}
		if err != nil {
			e := asAPIError(err)
			out.Errors = append(out.Errors, stopError{about, errorDetail{e.Code, e.Message}})
			continue
		}
		s.stopJobRun(r)
		out.SuccessfulSubmissions = append(out.SuccessfulSubmissions, about)
	}
	return out, nil
}

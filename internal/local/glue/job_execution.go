package glue

import (
	"context"
	"errors"
	"maps"
	"time"
)

// errTimeout is why a job run's context ended when its Timeout passed.
var errTimeout = errors.New("job run exceeded its timeout")

// launch starts a job run. The state is locked.
func (s *Server) launch(r *jobRun) {
	ctx, cancel := context.WithCancel(s.ctx)
	r.stop = cancel
	s.activeRuns++
	if *r.jobState.JobRunQueuingEnabled {
		r.body.JobRunState = stateWaiting
	}
	s.start(func() {
		defer cancel()
		s.execute(ctx, r)
	})
}

// execute takes a job run from STARTING to its end.
func (s *Server) execute(ctx context.Context, r *jobRun) {
	err := ctx.Err()
	if s.sleep(ctx, s.config.Latency.JobRunStart) {
		select {
		case s.slots <- struct{}{}:
			err = s.run(ctx, r)
			<-s.slots
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended(r, err)
}

// run executes a job run in its slot.
func (s *Server) run(ctx context.Context, r *jobRun) error {
	s.mu.Lock()
	if r.stopping {
		s.mu.Unlock()
		return context.Canceled
	}
	r.body.JobRunState, r.body.LastModifiedOn = stateRunning, s.now()
	request := s.jobRunRequest(r)
	s.mu.Unlock()

	start := time.Now()
	if request.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, request.Timeout, errTimeout)
		defer cancel()
	}
	var err error
	if s.config.Runner != nil {
		err = s.config.Runner.Run(ctx, request)
	} else if !s.sleep(ctx, s.config.Latency.JobRun) {
		err = ctx.Err()
	}
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		err = errTimeout
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.body.ExecutionTime = int(time.Since(start).Round(time.Second).Seconds())
	return err
}

// jobRunRequest is the job run as the Runner gets it. Arguments: the job's defaults, over them those of the start,
// over them those that cannot be overridden, and what Glue injects.
func (s *Server) jobRunRequest(r *jobRun) JobRun {
	f := r.jobState
	q := JobRun{
		ID: r.body.Id, JobName: r.body.JobName, CommandName: f.Command.Name, Role: f.Role,
		Attempt: r.body.Attempt, WorkerType: f.WorkerType,
		ScriptLocation: value(f.Command.ScriptLocation), PythonVersion: value(f.Command.PythonVersion),
		GlueVersion: value(f.GlueVersion), NumberOfWorkers: value(f.NumberOfWorkers),
		Timeout:   time.Duration(value(f.Timeout)) * time.Minute,
		Arguments: map[string]string{},
	}
	maps.Copy(q.Arguments, f.DefaultArguments)
	maps.Copy(q.Arguments, r.body.Arguments)
	maps.Copy(q.Arguments, f.NonOverridableArguments)
	maps.Copy(q.Arguments, map[string]string{
		"--JOB_NAME": r.body.JobName, "--JOB_ID": r.job.id, "--JOB_RUN_ID": r.body.Id,
	})
	if w := r.workflow; w != nil {
		q.WorkflowName, q.WorkflowRunID = w.body.Name, w.body.WorkflowRunId
	}
	return q
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// ended closes a job run and starts the next attempt of a failed one. The state is locked.
func (s *Server) ended(r *jobRun, err error) {
	s.activeRuns--
	now := s.now()
	r.body.CompletedOn, r.body.LastModifiedOn = now, now
	switch {
	case r.stopping || s.closed:
		r.body.JobRunState = stateStopped
	case err == nil:
		r.body.JobRunState = stateSucceeded
	case errors.Is(err, errTimeout):
		r.body.JobRunState, r.body.ErrorMessage = stateTimeout, "Job run exceeded its timeout"
	default:
		r.body.JobRunState, r.body.ErrorMessage = stateFailed, err.Error()
	}
	s.config.Log.Info("job run ended", "job", r.body.JobName, "job_run_id", r.body.Id, "state", r.body.JobRunState, "error", r.body.ErrorMessage)
	if r.body.JobRunState == stateFailed && r.body.Attempt < r.jobState.MaxRetries {
		s.retry(r)
		return
	}
	if r.workflow != nil {
		s.nodeEnded(r.workflow, r.node, r.body.JobRunState)
	}
}

// retry launches the next attempt. Job runs that reached their timeout are not restarted.
func (s *Server) retry(r *jobRun) {
	next := s.attempt(r.job, r.jobState, r.first, r.body.Attempt+1)
	next.body.PreviousRunId, next.body.TriggerName = r.body.Id, r.body.TriggerName
	next.body.Arguments, next.body.PredecessorRuns = r.body.Arguments, r.body.PredecessorRuns
	next.workflow, next.node = r.workflow, r.node
	if r.node != nil {
		r.node.jobRuns = append(r.node.jobRuns, next)
	}
	s.launch(next)
}

// stopJobRun asks a job run to end. The state is locked.
func (s *Server) stopJobRun(r *jobRun) {
	if r.ended() || r.stopping {
		return
	}
	r.stopping = true
	r.body.JobRunState, r.body.LastModifiedOn = stateStopping, s.now()
	r.stop()
}

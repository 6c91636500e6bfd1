package deployed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/landfall/landfall/internal/reconcile"
)

// Progress is how far an execution has come.
type Progress struct {
	// State is the state that was entered last; a state inside the Map counts as ApplyChanges.
	State string
	// Locked is the catalog that another execution works on, and that execution; nil when nothing is waited for.
	Locked *reconcile.Locked
	// Applied and Total count the changes of the Map; Total is 0 before it.
	Applied, Total int
	// Elapsed is the time since the execution's start, Mapped that since the first look at the Map.
	Elapsed, Mapped time.Duration
}

// Left is an estimate of the time that the remaining changes take, 0 when there is nothing to go by.
func (p Progress) Left() time.Duration {
	if p.Applied == 0 || p.Applied >= p.Total || p.Mapped < 2*time.Second {
		return 0
	}
	return p.Mapped / time.Duration(p.Applied) * time.Duration(p.Total-p.Applied)
}

// Ended is how an execution has ended.
type Ended struct {
	// Execution is its name.
	Execution string
	// Status is Step Functions': SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
	Status string
	// Error and Cause are those of an execution that has not succeeded.
	Error, Cause string
	Took         time.Duration
}

// Follow shows an execution's progress until it ends. The execution goes on when the context ends.
func (s *Stack) Follow(ctx context.Context, arn string, show func(Progress)) (Ended, error) {
	f := follower{stack: s, arn: arn}
	for {
		out, err := s.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			return Ended{}, fmt.Errorf("describe execution %s: %w", ExecutionName(arn), err)
		}
		if out.Status != types.ExecutionStatusRunning && out.Status != types.ExecutionStatusPendingRedrive {
			return Ended{
				Execution: ExecutionName(arn), Status: string(out.Status), Error: aws.ToString(out.Error), Cause: aws.ToString(out.Cause),
				Took: aws.ToTime(out.StopDate).Sub(aws.ToTime(out.StartDate)),
			}, nil
		}
		if err := f.look(ctx, aws.ToTime(out.StartDate)); err != nil {
			return Ended{}, err
		}
		show(f.progress)
		if err := pause(ctx, poll); err != nil {
			return Ended{}, err
		}
	}
}

type follower struct {
	stack    *Stack
	arn      string
	progress Progress
	mapped   time.Time
	// waited is the event by which the execution began to wait for another one.
	waited int64
}

func (f *follower) look(ctx context.Context, started time.Time) error {
	f.progress.Elapsed = max(0, time.Since(started))
	// The newest events first: the history of a long execution must not be read whole each second.
	out, err := f.stack.sfn.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &f.arn, ReverseOrder: true, MaxResults: 100, IncludeExecutionData: new(false),
	})
	if err != nil {
		return fmt.Errorf("get the execution's history: %w", err)
	}
	var newest int64
	for _, e := range out.Events {
		if e.StateEnteredEventDetails != nil && e.Id > newest {
			newest, f.progress.State = e.Id, aws.ToString(e.StateEnteredEventDetails.Name)
		}
	}
	if f.progress.State != waitState {
		f.progress.Locked = nil
	} else if newest != f.waited {
		if f.progress.Locked, err = f.locked(ctx); err != nil {
			return err
		}
		f.waited = newest
	}
	return f.lookAtMap(ctx)
}

// waitState is the state in which another execution is waited for.
const waitState = "Wait for the catalog"

// locked is what the execution waits for, as LoadCatalog told it.
func (f *follower) locked(ctx context.Context) (*reconcile.Locked, error) {
	out, err := f.stack.sfn.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &f.arn, ReverseOrder: true, MaxResults: 10})
	if err != nil {
		return nil, fmt.Errorf("get the execution's history: %w", err)
	}
	var newest int64
	var state reconcile.State
	for _, e := range out.Events {
		if d := e.StateEnteredEventDetails; d != nil && aws.ToString(d.Name) == waitState && e.Id > newest {
			newest, state = e.Id, reconcile.State{}
			_ = json.Unmarshal([]byte(aws.ToString(d.Input)), &state) // what cannot be read is not told
		}
	}
	return state.Locked, nil
}

// lookAtMap counts the changes by their outcomes in S3: an item of the Map may be several changes.
func (f *follower) lookAtMap(ctx context.Context) error {
	out, err := f.stack.sfn.ListMapRuns(ctx, &sfn.ListMapRunsInput{ExecutionArn: &f.arn})
	if err != nil {
		return fmt.Errorf("list the execution's Map runs: %w", err)
	}
	if len(out.MapRuns) == 0 {
		return nil
	}
	if f.mapped.IsZero() {
		f.mapped = aws.ToTime(out.MapRuns[0].StartDate)
		if f.progress.Total, err = f.toApply(ctx); err != nil {
			return err
		}
	}
	f.progress.Mapped = max(0, time.Since(f.mapped))
	if stopped := out.MapRuns[0].StopDate; stopped != nil && !stopped.IsZero() {
		return nil
	}
	f.progress.State = mapState
	f.progress.Applied, err = f.stack.count(ctx, "executions/"+ExecutionName(f.arn)+"/outcomes/")
	return err
}

// mapState is the state that applies the changes.
const mapState = "ApplyChanges"

// toApply is how many changes the execution has planned, as it told its Map.
func (f *follower) toApply(ctx context.Context) (int, error) {
	pages := sfn.NewGetExecutionHistoryPaginator(f.stack.sfn, &sfn.GetExecutionHistoryInput{ExecutionArn: &f.arn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("get the execution's history: %w", err)
		}
		for _, e := range page.Events {
			if e.StateEnteredEventDetails == nil || aws.ToString(e.StateEnteredEventDetails.Name) != mapState {
				continue
			}
			var state struct{ Plan struct{ ToApply int } }
			if err := json.Unmarshal([]byte(aws.ToString(e.StateEnteredEventDetails.Input)), &state); err != nil {
				return 0, fmt.Errorf("read the input of %s: %w", mapState, err)
			}
			return state.Plan.ToApply, nil
		}
	}
	return 0, nil
}

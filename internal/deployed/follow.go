package deployed

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/reconcile"
)

// Progress is how far an execution has come.
type Progress struct {
	// State is the state that was entered last; ApplyChanges while the Map runs.
	State string
	// Entered are the states that were entered since the last Progress, in order.
	Entered []StateEntered
	// Locked is the catalog that the execution waits for, and the execution that holds its lock; nil when it does not wait.
	Locked *reconcile.Locked
	// Applied and Total count the changes of the Map; Total is 0 before it.
	Applied, Total int
	// Elapsed is the time since the execution's start, Mapped that since the Map's.
	Elapsed, Mapped time.Duration
}

// StateEntered is a state that an execution has entered, and how long after its start.
type StateEntered struct {
	State string
	After time.Duration
}

// Left estimates the time that the remaining changes take. It is 0 before the first of them has ended.
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

// Follow calls show about once a second with an execution's progress, until the execution ends or the context does. The
// end of the context does not stop the execution.
func (s *Stack) Follow(ctx context.Context, arn string, show func(Progress)) (Ended, error) {
	f := follower{stack: s, arn: arn}
	for {
		out, err := s.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			return Ended{}, fmt.Errorf("describe execution %s: %w", ExecutionName(arn), err)
		}
		if out.Status != types.ExecutionStatusRunning && out.Status != types.ExecutionStatusPendingRedrive {
			if err := f.pollStates(ctx, aws.ToTime(out.StartDate)); err != nil {
				return Ended{}, err
			}
			show(f.progress)
			return Ended{
				Execution: ExecutionName(arn), Status: string(out.Status), Error: aws.ToString(out.Error), Cause: aws.ToString(out.Cause),
				Took: aws.ToTime(out.StopDate).Sub(aws.ToTime(out.StartDate)),
			}, nil
		}
		if err := f.poll(ctx, aws.ToTime(out.StartDate)); err != nil {
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
	// waitEvent is the ID of the event that entered waitState last.
	waitEvent int64
	// seen is the ID of the last event that entered a state.
	seen int64
}

func (f *follower) poll(ctx context.Context, started time.Time) error {
	if err := f.pollStates(ctx, started); err != nil {
		return err
	}
	return f.pollMap(ctx)
}

// pollStates reads the events since the last call, newest first: the history of a long execution must not be read whole
// each second. Of more than a hundred the oldest are left out.
func (f *follower) pollStates(ctx context.Context, started time.Time) error {
	f.progress.Elapsed, f.progress.Entered = max(0, time.Since(started)), nil
	out, err := f.stack.sfn.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &f.arn, ReverseOrder: true, MaxResults: 100, IncludeExecutionData: new(false),
	})
	if err != nil {
		return fmt.Errorf("get the execution's history: %w", err)
	}
	slices.SortFunc(out.Events, func(a, b types.HistoryEvent) int { return cmp.Compare(a.Id, b.Id) })
	for _, e := range out.Events {
		if e.StateEnteredEventDetails == nil || e.Id <= f.seen {
			continue
		}
		f.seen, f.progress.State = e.Id, aws.ToString(e.StateEnteredEventDetails.Name)
		f.progress.Entered = append(f.progress.Entered, StateEntered{f.progress.State, max(0, aws.ToTime(e.Timestamp).Sub(started))})
	}
	if f.progress.State != waitState {
		f.progress.Locked = nil
	} else if f.seen != f.waitEvent {
		if f.progress.Locked, err = f.locked(ctx); err != nil {
			return err
		}
		f.waitEvent = f.seen
	}
	return nil
}

// waitState is the state that waits for another execution of the same catalog.
const waitState = "Wait for the catalog"

// locked returns the lock that the execution waits for, from the output of LoadCatalog.
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
			_ = json.Unmarshal([]byte(aws.ToString(d.Input)), &state) // what cannot be read is not shown
		}
	}
	return state.Locked, nil
}

// pollMap counts the changes by their outcomes in S3, because an item of the Map may be several changes.
func (f *follower) pollMap(ctx context.Context) error {
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
	outcomes, err := f.stack.artifacts.List(ctx, keys.Outcomes(ExecutionName(f.arn)))
	f.progress.Applied = len(outcomes)
	return err
}

// mapState is the state that applies the changes.
const mapState = "ApplyChanges"

// toApply returns how many changes the Map was given.
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

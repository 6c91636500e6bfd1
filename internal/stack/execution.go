package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// How often an execution is looked at, and how long its start is waited for
// after an upload: EventBridge usually takes a second.
const (
	poll       = time.Second
	startLimit = 60 * time.Second
	// clocks is how far the clocks of this machine and of AWS may be apart.
	clocks = 5 * time.Minute
)

// Start starts an execution with the input.
func (s *Stack) Start(ctx context.Context, input any) (arn string, err error) {
	body, err := json.Marshal(input)
	if err != nil {
		return "", fmt.Errorf("encode the execution's input: %w", err)
	}
	out, err := s.sfn.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &s.StateMachineARN, Input: new(string(body))})
	if err != nil {
		return "", fmt.Errorf("start the state machine %s: %w", s.StateMachineARN, err)
	}
	return aws.ToString(out.ExecutionArn), nil
}

// Executions are the ARNs of the state machine's last executions.
func (s *Stack) Executions(ctx context.Context) (map[string]bool, error) {
	out, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, e := range out {
		seen[aws.ToString(e.ExecutionArn)] = true
	}
	return seen, nil
}

func (s *Stack) list(ctx context.Context) ([]types.ExecutionListItem, error) {
	out, err := s.sfn.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &s.StateMachineARN, MaxResults: 50})
	if err != nil {
		return nil, fmt.Errorf("list executions: %w", err)
	}
	return out.Executions, nil
}

// StartedBy waits for the execution that an upload of the catalog starts: one
// that is not among those from before, for the catalog's key, and for the
// version where the input names one.
func (s *Stack) StartedBy(ctx context.Context, name, version string, before map[string]bool) (arn string, err error) {
	since := time.Now().Add(-clocks)
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); {
		executions, err := s.list(ctx)
		if err != nil {
			return "", err
		}
		for _, e := range executions {
			arn := aws.ToString(e.ExecutionArn)
			if before[arn] || aws.ToTime(e.StartDate).Before(since) {
				continue
			}
			mine, err := s.isFor(ctx, arn, CatalogKey(name), version)
			if mine || err != nil {
				return arn, err
			}
			before[arn] = true
		}
		if err := pause(ctx, poll/2); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the catalog was uploaded, but no execution has started in %s: see the rule CatalogUploaded and its dead-letter queue UndeliveredUploads in stack %s", startLimit, s.Name)
}

func (s *Stack) isFor(ctx context.Context, arn, key, version string) (bool, error) {
	out, err := s.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return false, fmt.Errorf("describe execution: %w", err)
	}
	var input struct{ Catalog, Version string }
	if json.Unmarshal([]byte(aws.ToString(out.Input)), &input) != nil {
		return false, nil
	}
	return input.Catalog == key && (input.Version == "" || version == "" || input.Version == version), nil
}

// Progress is how far an execution has come.
type Progress struct {
	// State is the state that was entered last; a state inside the Map counts as ApplyChanges.
	State string
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

// ExecutionName is the last part of an execution's ARN.
func ExecutionName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

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
	return f.lookAtMap(ctx)
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

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

package deployed

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/landfall/landfall/internal/keys"
)

// How often an execution is polled, and how long an upload may take to start
// one: EventBridge usually takes a second.
const (
	poll       = time.Second
	startLimit = 60 * time.Second
	// maxClockSkew is how far the clocks of this machine and of AWS may be apart.
	maxClockSkew = 5 * time.Minute
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

// Executions returns the ARNs of the state machine's last executions.
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
// that is not in before, for the catalog's key, and for the version where the
// input names one. It gives up after a minute.
func (s *Stack) StartedBy(ctx context.Context, name, version string, before map[string]bool) (arn string, err error) {
	since := time.Now().Add(-maxClockSkew)
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
			matches, err := s.isFor(ctx, arn, keys.Catalog(name), version)
			if matches || err != nil {
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

// isFor reports whether the execution's input names the catalog's key and version.
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

// ExecutionName is the last part of an execution's ARN.
func ExecutionName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Package sfn is Step Functions behind the interface that reconcile declares. It
// is the only importer of its SDK among the deployed code.
package sfn

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Client is Step Functions in one account and Region.
type Client struct{ api *sfn.Client }

// New makes a client.
func New(config aws.Config) *Client { return &Client{sfn.NewFromConfig(config)} }

// Running implements reconcile.Executions.
func (c *Client) Running(ctx context.Context, executionARN string) (bool, error) {
	out, err := c.api.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &executionARN})
	if _, gone := errors.AsType[*types.ExecutionDoesNotExist](err); gone {
		return false, nil
	}
	if _, foreign := errors.AsType[*types.InvalidArn](err); foreign {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe execution %s: %w", executionARN, err)
	}
	return out.Status == types.ExecutionStatusRunning || out.Status == types.ExecutionStatusPendingRedrive, nil
}

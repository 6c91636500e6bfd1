// Package deployed is a deployed Landfall stack as its users see it: it takes
// catalogs, starts and follows executions, and reads their reports. It works
// the same on AWS and on the local endpoint.
package deployed

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/s3"
)

// DefaultName is the stack's name unless it was deployed under another.
const DefaultName = "Landfall"

// Stack is one deployed stack.
type Stack struct {
	// Name, and what the stack's outputs say of it.
	Name            string
	ArtifactsBucket string
	RawBucket       string
	StateMachineARN string
	// Config is how AWS is reached.
	Config aws.Config

	artifacts *s3.Bucket
	sfn       *sfn.Client
}

// Open finds the stack by the SDK's default configuration: environment,
// profile, AWS_ENDPOINT_URL.
func Open(ctx context.Context, name string) (*Stack, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if c.Region == "" {
		return nil, errors.New("no AWS Region is set: set AWS_REGION, or a profile with a region")
	}
	return Find(ctx, c, name)
}

// Find reads the outputs of the stack.
func Find(ctx context.Context, c aws.Config, name string) (*Stack, error) {
	out, err := cloudformation.NewFromConfig(c).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return nil, notFound(c, name, err)
	}
	outputs := map[string]string{}
	for _, s := range out.Stacks {
		for _, o := range s.Outputs {
			outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	s := &Stack{
		Name: name, Config: c,
		ArtifactsBucket: outputs["ArtifactsBucket"], RawBucket: outputs["RawBucket"], StateMachineARN: outputs["StateMachineArn"],
		artifacts: s3.New(c, outputs["ArtifactsBucket"]), sfn: sfn.NewFromConfig(c),
	}
	if s.ArtifactsBucket == "" || s.RawBucket == "" || s.StateMachineARN == "" {
		return nil, fmt.Errorf("stack %q in %s is not a stack of Landfall, or its deployment has not ended: it lacks the outputs ArtifactsBucket, RawBucket and StateMachineArn", name, c.Region)
	}
	return s, nil
}

func notFound(c aws.Config, name string, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("reach AWS in %s: %w", c.Region, err)
	}
	if api.ErrorCode() == "ValidationError" {
		return fmt.Errorf("there is no stack %q in %s: deploy it (cd infra && cdk deploy), or name it with --stack, or choose the Region with AWS_REGION", name, c.Region)
	}
	return fmt.Errorf("describe stack %q in %s: %s: %s", name, c.Region, api.ErrorCode(), api.ErrorMessage())
}

// Get reads an object of the artifacts bucket. A missing one is s3.ErrNotFound.
func (s *Stack) Get(ctx context.Context, key string) ([]byte, error) {
	return s.artifacts.Get(ctx, key)
}

// Upload puts a catalog where its upload starts an execution, and returns the
// version that S3 gave it; empty in a bucket without versions.
func (s *Stack) Upload(ctx context.Context, name string, body []byte) (version string, err error) {
	return s.artifacts.PutVersion(ctx, keys.Catalog(name), body, "application/json")
}

// PutDraft puts a catalog where a dry run can read it and nothing is started, and returns its key.
func (s *Stack) PutDraft(ctx context.Context, name string, body []byte) (key string, err error) {
	key = keys.Draft(uuid.NewString(), name)
	return key, s.artifacts.Put(ctx, key, body, "application/json")
}

// DeleteDraft deletes a draft.
func (s *Stack) DeleteDraft(ctx context.Context, key string) error {
	return s.artifacts.Delete(ctx, key)
}

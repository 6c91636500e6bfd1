// Package deployed is a deployed Landfall stack as its users see it: it takes
// catalogs, starts and follows executions, and reads what these report. It
// works the same on AWS and on the local endpoint.
package deployed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/landfall/landfall/internal/reconcile"
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

	s3  *s3.Client
	sfn *sfn.Client
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
		s3:  Objects(c),
		sfn: sfn.NewFromConfig(c),
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

// ErrNoObject is returned for an object that does not exist.
var ErrNoObject = errors.New("there is no such object")

// Get reads an object of the artifacts bucket.
func (s *Stack) Get(ctx context.Context, key string) ([]byte, error) {
	out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.ArtifactsBucket, Key: &key})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, fmt.Errorf("get s3://%s/%s: %w", s.ArtifactsBucket, key, ErrNoObject)
	}
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", s.ArtifactsBucket, key, err)
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func (s *Stack) getJSON(ctx context.Context, key string, v any) error {
	data, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode s3://%s/%s: %w", s.ArtifactsBucket, key, err)
	}
	return nil
}

// count is how many objects of the artifacts bucket are under a prefix.
func (s *Stack) count(ctx context.Context, prefix string) (n int, err error) {
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &s.ArtifactsBucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("list s3://%s/%s: %w", s.ArtifactsBucket, prefix, err)
		}
		n += len(page.Contents)
	}
	return n, nil
}

// CatalogKey is where a catalog of this name is kept.
func CatalogKey(name string) string { return "catalogs/" + name + ".json" }

// Upload puts a catalog where its upload starts an execution, and returns the
// version that S3 gave it; empty in a bucket without versions.
func (s *Stack) Upload(ctx context.Context, name string, body []byte) (version string, err error) {
	key := CatalogKey(name)
	out, err := s.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.ArtifactsBucket, Key: &key, Body: bytes.NewReader(body), ContentType: new("application/json"),
	})
	if err != nil {
		return "", fmt.Errorf("upload s3://%s/%s: %w", s.ArtifactsBucket, key, err)
	}
	return aws.ToString(out.VersionId), nil
}

// PutDraft puts a catalog where a dry run can read it and nothing is started, and returns its key.
func (s *Stack) PutDraft(ctx context.Context, name string, body []byte) (key string, err error) {
	key = reconcile.DraftsPrefix + uuid.NewString() + "/" + name
	_, err = s.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.ArtifactsBucket, Key: &key, Body: bytes.NewReader(body), ContentType: new("application/json"),
	})
	if err != nil {
		return "", fmt.Errorf("put s3://%s/%s: %w", s.ArtifactsBucket, key, err)
	}
	return key, nil
}

// DeleteDraft removes a draft.
func (s *Stack) DeleteDraft(ctx context.Context, key string) error {
	_, err := s.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.ArtifactsBucket, Key: &key})
	return err
}

// Objects is a client of S3 that works on AWS and on an endpoint of one address,
// and does not speak of checksums that an object does not have.
func Objects(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = c.BaseEndpoint != nil
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

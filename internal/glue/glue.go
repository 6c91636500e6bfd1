// Package glue is AWS Glue behind the interfaces that reconcile declares. It is
// the only importer of the Glue SDK among the deployed code.
package glue

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/reconcile"
)

// Client is Glue in one account and Region.
type Client struct {
	api *glue.Client
	// owner is the partition, Region and account, because tags are read by ARN.
	owner arn.ARN
	rate  *rateLimiter
}

// New makes a client that repeats throttled and overlapping calls, and calls
// less often once Glue throttles. The partition and account of identity, any
// ARN of the account, are needed by Tags and SetTags only.
func New(config aws.Config, identity arn.ARN) *Client {
	c := &Client{
		owner: arn.ARN{Partition: identity.Partition, Service: "glue", Region: config.Region, AccountID: identity.AccountID},
		rate:  newRateLimiter(),
	}
	c.api = glue.NewFromConfig(config, Retry(maxAttempts), func(o *glue.Options) {
		o.APIOptions = append(o.APIOptions, c.rate.middleware, plainBody)
	})
	return c
}

const maxAttempts = 8

// wrap says what was attempted on what, and translates Glue's error codes.
func wrap(err error, operation, name string) error {
	if err == nil {
		return nil
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("%s %q: %w", operation, name, err)
	}
	var kind error
	if isThrottling(err) {
		return fmt.Errorf("%s %q: %w: %w", operation, name, reconcile.ErrBusy, err)
	}
	switch api.ErrorCode() {
	case "EntityNotFoundException":
		kind = reconcile.ErrNotFound
	case "AlreadyExistsException", "IdempotentParameterMismatchException":
		// Which of the two Glue answers for a taken name depends on the configuration.
		kind = reconcile.ErrAlreadyExists
	case "ConcurrentModificationException", "IllegalBlueprintStateException", "CrawlerRunningException", "SchedulerTransitioningException",
		"ConcurrentRunsExceededException":
		kind = reconcile.ErrBusy
	case "ResourceNumberLimitExceededException":
		return &refusal{fmt.Sprintf("%s %q: %s. Raise the quota in Service Quotas, or land fewer tables in this account and Region", operation, name, api.ErrorMessage()), err}
	case "AccessDeniedException":
		return &refusal{fmt.Sprintf("%s %q: %s: %s", operation, name, api.ErrorCode(), api.ErrorMessage()), errors.Join(reconcile.ErrForbidden, err)}
	case "InvalidInputException", "ValidationException", "GlueEncryptionException", "IllegalWorkflowStateException":
		return &refusal{fmt.Sprintf("%s %q: %s: %s", operation, name, api.ErrorCode(), api.ErrorMessage()), err}
	default:
		return fmt.Errorf("%s %q: %w", operation, name, err)
	}
	return fmt.Errorf("%s %q: %w: %w", operation, name, kind, err)
}

// refusal is an answer that asking again does not change. It keeps Glue's own words without the SDK's wrapping.
type refusal struct {
	message string
	cause   error
}

func (e *refusal) Error() string   { return e.message }
func (e *refusal) Unwrap() []error { return []error{reconcile.ErrRefused, e.cause} }

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

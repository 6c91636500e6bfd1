// Package lambda starts a use case as an AWS Lambda function. It is the only
// importer of aws-lambda-go.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/reconcile"
)

// Start serves the handler until Lambda ends the process. Step Functions sees
// an error under the type that Type gives it.
func Start[In, Out any](handler func(context.Context, In) (Out, error)) {
	lambda.Start(func(ctx context.Context, in In) (Out, error) {
		out, err := handler(ctx, in)
		if err == nil {
			return out, nil
		}
		slog.Error("task failed", "type", Type(err), "error", err)
		// aws-lambda-go names an error by its outermost Go type unless it gets exactly this value.
		return out, messages.InvokeResponse_Error{Type: Type(err), Message: err.Error()}
	})
}

// Type names an error for Step Functions: the first ErrorType in the chain,
// Unavailable for what AWS may answer better on another try, else Internal.
func Type(err error) string {
	if typed, ok := errors.AsType[interface {
		error
		ErrorType() string
	}](err); ok {
		return typed.ErrorType()
	}
	if errors.Is(err, reconcile.ErrBusy) || transient(err) {
		return reconcile.Unavailable
	}
	return reconcile.Internal
}

// transientCodes are Glue's answers that mean "ask again", beyond those the SDK knows.
var transientCodes = map[string]bool{"OperationTimeoutException": true, "InternalServiceException": true, "ConcurrentModificationException": true}

func transient(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && (transientCodes[api.ErrorCode()] || api.ErrorFault() == smithy.FaultServer) {
		return true
	}
	return retry.NewStandard().IsErrorRetryable(err)
}

// Environment reads the variables that the stack gives a function. It collects
// the names of absent variables, so that all are reported at once.
type Environment struct{ missing []string }

// Get returns the variable. An absent one is collected.
func (e *Environment) Get(name string) string {
	v, ok := os.LookupEnv(name)
	if !ok {
		e.missing = append(e.missing, name)
	}
	return v
}

// Number returns the variable as a number. An absent one, and one that is no number, is collected.
func (e *Environment) Number(name string) float64 {
	n, err := strconv.ParseFloat(e.Get(name), 64)
	if _, set := os.LookupEnv(name); set && err != nil {
		e.missing = append(e.missing, name+" (no number)")
	}
	return n
}

// Missing returns the names of the variables that were collected, in the order in which they were read.
func (e *Environment) Missing() []string { return e.missing }

// Must ends the process when a variable is missing: the function was not deployed by this stack.
func (e *Environment) Must() {
	if len(e.missing) > 0 {
		slog.Error("environment incomplete", "missing", fmt.Sprint(e.missing))
		os.Exit(1)
	}
}

// Setup gives a function its logger and its AWS configuration.
func Setup(ctx context.Context) (*slog.Logger, aws.Config) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(log)
	limitMemory()
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Error("aws configuration", "error", err)
		os.Exit(1)
	}
	return log, c
}

// limitMemory lets the garbage collector work harder, rather than Lambda kill
// the function, when memory gets scarce.
func limitMemory() {
	if megabytes, err := strconv.ParseInt(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 10, 64); err == nil {
		const share = 85 // percent; the rest is for what Go does not count
		debug.SetMemoryLimit(megabytes << 20 / 100 * share)
	}
}

// Command report is the Report Task.
package main

import (
	"context"
	"os"

	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	bucket, stack := env.Get("ARTIFACTS_BUCKET"), env.Get("STACK_NAME")
	env.Must()
	log, config := lambda.Setup(context.Background())
	objects := s3.New(config, bucket)
	task := &report.Task{
		Objects: objects, Locks: reconcile.Locks{Objects: objects}, Bucket: bucket, Now: lambda.Now, Log: log,
		Metrics: &lambda.Metrics{Out: os.Stdout, Stack: stack, Now: lambda.Now},
	}
	lambda.Start(func(ctx context.Context, in report.Input) (report.Result, error) {
		return task.Report(ctx, in)
	})
}

// Command report is the Report Task.
package main

import (
	"context"
	"time"

	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	bucket := env.Get("ARTIFACTS_BUCKET")
	env.Must()
	log, config := lambda.Setup(context.Background())
	r := &reconcile.Reconciler{Objects: s3.New(config, bucket), Now: time.Now, Log: log}
	lambda.Start(func(ctx context.Context, in reconcile.ReportInput) (reconcile.Result, error) {
		return r.Report(ctx, bucket, in)
	})
}

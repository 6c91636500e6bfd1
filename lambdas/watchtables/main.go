// Command watchtables counts failed job runs and finds tables that did not land. It is no Task of the state
// machine: EventBridge calls it (docs/adr/0004-a-function-beside-the-state-machine.md).
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	settings := reconcile.WatchSettings{
		Bucket:     env.Get("ARTIFACTS_BUCKET"),
		Deployment: catalog.Deployment{GlueExecutionRole: env.Get("JOB_ROLE_ARN"), DestinationBucketName: env.Get("RAW_BUCKET")},
	}
	after, stack := env.Get("STALE_AFTER"), env.Get("STACK_NAME")
	env.Must()
	log, config := lambda.Setup(context.Background())
	identity, err := arn.Parse(settings.Deployment.GlueExecutionRole)
	if err == nil {
		settings.StaleAfter, err = time.ParseDuration(after)
	}
	if err != nil {
		log.Error("JOB_ROLE_ARN or STALE_AFTER is malformed", "error", err)
		os.Exit(1)
	}
	r := &reconcile.Reconciler{
		Objects: s3.New(config, settings.Bucket), Watched: glue.New(config, identity), Now: lambda.Now, Log: log,
		Metrics: &lambda.Metrics{Out: os.Stdout, Stack: stack, Now: lambda.Now},
	}
	lambda.Start(func(ctx context.Context, in reconcile.WatchInput) (reconcile.WatchResult, error) {
		return r.WatchTables(ctx, settings, in)
	})
}

// Command watchtables counts failed job runs and finds tables that did not land. It is not a Task of the state
// machine: EventBridge calls it (docs/adr/0004-watchtables-runs-outside-the-state-machine.md).
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/watch"
)

func main() {
	var env lambda.Environment
	settings := watch.Settings{
		Bucket:        env.Get("ARTIFACTS_BUCKET"),
		StackDefaults: catalog.StackDefaults{GlueExecutionRole: env.Get("JOB_ROLE_ARN"), DestinationBucketName: env.Get("RAW_BUCKET")},
	}
	after, stack := env.Get("STALE_AFTER"), env.Get("STACK_NAME")
	env.Must()
	log, config := lambda.Setup(context.Background())
	identity, err := arn.Parse(settings.StackDefaults.GlueExecutionRole)
	if err == nil {
		settings.StaleAfter, err = time.ParseDuration(after)
	}
	if err != nil {
		log.Error("JOB_ROLE_ARN or STALE_AFTER is malformed", "error", err)
		os.Exit(1)
	}
	w := &watch.Watcher{
		Objects: s3.New(config, settings.Bucket), History: glue.New(config, identity), Now: lambda.Now, Log: log,
		Metrics: &lambda.Metrics{Out: os.Stdout, Stack: stack, Now: lambda.Now},
	}
	lambda.Start(func(ctx context.Context, in watch.Input) (watch.Result, error) {
		return w.WatchTables(ctx, settings, in)
	})
}

// Command loadcatalog is the LoadCatalog Task.
package main

import (
	"context"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile/loadcatalog"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/sfn"
)

func main() {
	var env lambda.Environment
	bucket := env.Get("ARTIFACTS_BUCKET")
	task := &loadcatalog.Task{
		StackDefaults: catalog.StackDefaults{GlueExecutionRole: env.Get("JOB_ROLE_ARN"), DestinationBucketName: env.Get("RAW_BUCKET")},
		BlueprintName: env.Get("BLUEPRINT_NAME"),
	}
	env.Must()
	log, config := lambda.Setup(context.Background())
	task.Objects, task.Executions, task.Now, task.Log = s3.New(config, bucket), sfn.New(config), lambda.Now, log
	lambda.Start(task.LoadCatalog)
}

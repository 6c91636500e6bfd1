// Command loadcatalog is the LoadCatalog Task.
package main

import (
	"context"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/sfn"
)

func main() {
	var env lambda.Environment
	bucket := env.Get("ARTIFACTS_BUCKET")
	settings := reconcile.LoadSettings{
		StackDefaults: catalog.StackDefaults{GlueExecutionRole: env.Get("JOB_ROLE_ARN"), DestinationBucketName: env.Get("RAW_BUCKET")},
		BlueprintName: env.Get("BLUEPRINT_NAME"),
	}
	env.Must()
	log, config := lambda.Setup(context.Background())
	r := &reconcile.Reconciler{Objects: s3.New(config, bucket), Executions: sfn.New(config), Now: lambda.Now, Log: log}
	lambda.Start(func(ctx context.Context, in reconcile.LoadCatalogInput) (reconcile.State, error) {
		return r.LoadCatalog(ctx, settings, in)
	})
}

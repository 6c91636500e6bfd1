// Command registerblueprint is the RegisterBlueprint Task.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	settings := reconcile.BlueprintSettings{
		Bucket:    env.Get("ARTIFACTS_BUCKET"),
		Blueprint: plan.Blueprint{Name: env.Get("BLUEPRINT_NAME"), Key: reconcile.BlueprintKey, Version: env.Get("LAYOUT_VERSION")},
	}
	publish := env.Get("PUBLISH")
	env.Must()
	log, config := lambda.Setup(context.Background())
	if err := json.Unmarshal([]byte(publish), &settings.Publish); err != nil {
		log.Error("PUBLISH is not a JSON list", "error", err)
		os.Exit(1)
	}
	r := &reconcile.Reconciler{
		Objects: s3.New(config, settings.Bucket), Blueprints: glue.New(config, arn.ARN{}), Now: lambda.Now, Log: log,
	}
	lambda.Start(func(ctx context.Context, in reconcile.State) (reconcile.BlueprintState, error) {
		return r.RegisterBlueprint(ctx, settings, in)
	})
}

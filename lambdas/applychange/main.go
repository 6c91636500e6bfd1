// Command applychange is the ApplyChange Task.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	bucket := env.Get("ARTIFACTS_BUCKET")
	settings := reconcile.ApplySettings{RoleARN: env.Get("BLUEPRINT_ROLE_ARN")}
	env.Must()
	log, config := lambda.Setup(context.Background())
	identity, err := arn.Parse(settings.RoleARN)
	if err != nil {
		log.Error("BLUEPRINT_ROLE_ARN is not an ARN", "error", err)
		os.Exit(1)
	}
	client := glue.New(config, identity)
	r := &reconcile.Reconciler{
		Objects: s3.New(config, bucket), Blueprints: client, Workflows: client, Entities: client, Now: lambda.Now, Sleep: lambda.Sleep, Log: log,
	}
	lambda.Start(func(ctx context.Context, in reconcile.ApplyInput) (reconcile.ApplyInput, error) {
		client.SetRate(in.CallsPerSecond)
		return r.ApplyChange(ctx, settings, in)
	})
}

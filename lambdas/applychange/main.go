// Command applychange is the ApplyChange Task.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/reconcile/applychange"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	bucket := env.Get("ARTIFACTS_BUCKET")
	role := env.Get("BLUEPRINT_ROLE_ARN")
	env.Must()
	log, config := lambda.Setup(context.Background())
	identity, err := arn.Parse(role)
	if err != nil {
		log.Error("BLUEPRINT_ROLE_ARN is not an ARN", "error", err)
		os.Exit(1)
	}
	client := glue.New(config, identity)
	task := &applychange.Task{
		Objects: s3.New(config, bucket), Blueprints: client, Workflows: client, Entities: client, Triggers: client, Tags: client,
		RoleARN: role, Now: lambda.Now, Sleep: lambda.Sleep, Log: log,
	}
	lambda.Start(func(ctx context.Context, in applychange.Input) (applychange.Input, error) {
		client.SetRate(in.CallsPerSecond)
		return task.ApplyChange(ctx, in)
	})
}

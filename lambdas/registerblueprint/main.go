// Command registerblueprint is the RegisterBlueprint Task.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile/registerblueprint"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	task := &registerblueprint.Task{
		Bucket:    env.Get("ARTIFACTS_BUCKET"),
		Blueprint: plan.Blueprint{Name: env.Get("BLUEPRINT_NAME"), Key: keys.Blueprint, Version: env.Get("LAYOUT_VERSION")},
	}
	publish := env.Get("PUBLISH")
	env.Must()
	log, config := lambda.Setup(context.Background())
	if err := json.Unmarshal([]byte(publish), &task.Publish); err != nil {
		log.Error("PUBLISH is not a JSON list", "error", err)
		os.Exit(1)
	}
	task.Objects, task.Blueprints, task.Now, task.Log = s3.New(config, task.Bucket), glue.New(config, arn.ARN{}), lambda.Now, log
	lambda.Start(task.RegisterBlueprint)
}

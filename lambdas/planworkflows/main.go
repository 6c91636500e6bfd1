// Command planworkflows is the PlanWorkflows Task.
package main

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/prerequisites"
	"github.com/landfall/landfall/internal/reconcile/planworkflows"
	"github.com/landfall/landfall/internal/reconcile/preflight"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	task := &planworkflows.Task{
		Stack: plan.Stack{
			ArtifactsBucket: env.Get("ARTIFACTS_BUCKET"),
			Blueprint:       plan.Blueprint{Name: env.Get("BLUEPRINT_NAME"), Key: keys.Blueprint, Version: env.Get("LAYOUT_VERSION")},
			PythonModules:   strings.FieldsFunc(env.Get("PYTHON_MODULES"), func(r rune) bool { return r == ',' }),
		},
		Concurrency: int(env.Number("CONCURRENCY")), CallsPerSecond: env.Number("GLUE_CALLS_PER_SECOND"),
	}
	role := env.Get("JOB_ROLE_ARN")
	env.Must()
	log, config := lambda.Setup(context.Background())
	identity, err := arn.Parse(role)
	if err != nil {
		log.Error("JOB_ROLE_ARN is not an ARN", "error", err)
		os.Exit(1)
	}
	task.AccountID = identity.AccountID
	client, bucket := glue.New(config, identity), s3.New(config, task.Stack.ArtifactsBucket)
	client.SetRate(task.CallsPerSecond)
	task.Objects, task.Workflows, task.Entities, task.Runs, task.Log = bucket, client, client, client, log
	task.Preflight = &preflight.Checks{Account: prerequisites.New(config), Connections: client, Buckets: bucket, Log: log}
	lambda.Start(task.PlanWorkflows)
}

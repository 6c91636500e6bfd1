// Command planworkflows is the PlanWorkflows Task.
package main

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/prerequisites"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/preflight"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	settings := reconcile.PlanSettings{
		Stack: plan.Stack{
			ArtifactsBucket: env.Get("ARTIFACTS_BUCKET"),
			Blueprint:       plan.Blueprint{Name: env.Get("BLUEPRINT_NAME"), Key: reconcile.BlueprintKey, Version: env.Get("LAYOUT_VERSION")},
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
	settings.AccountID = identity.AccountID
	client, bucket := glue.New(config, identity), s3.New(config, settings.ArtifactsBucket)
	client.SetRate(settings.CallsPerSecond)
	r := &reconcile.Reconciler{
		Objects: bucket, Blueprints: client, Workflows: client, Entities: client, Now: lambda.Now, Log: log,
		Preflight: &preflight.Checks{Account: prerequisites.New(config), Connections: client, Buckets: bucket, Log: log},
	}
	lambda.Start(func(ctx context.Context, in reconcile.State) (reconcile.PlanState, error) {
		return r.PlanWorkflows(ctx, settings, in)
	})
}

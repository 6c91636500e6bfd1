// Command planworkflows is the PlanWorkflows Task.
package main

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/s3"
)

func main() {
	var env lambda.Environment
	deployment := plan.Deployment{
		ArtifactsBucket: env.Get("ARTIFACTS_BUCKET"), LayoutVersion: env.Get("LAYOUT_VERSION"),
		PythonModules: strings.FieldsFunc(env.Get("PYTHON_MODULES"), func(r rune) bool { return r == ',' }),
	}
	env.Must()
	log, config := lambda.Setup(context.Background())
	r := &reconcile.Reconciler{
		Objects: s3.New(config, deployment.ArtifactsBucket), Workflows: glue.New(config, arn.ARN{}), Now: time.Now, Log: log,
	}
	lambda.Start(func(ctx context.Context, in reconcile.State) (reconcile.PlanState, error) {
		return r.PlanWorkflows(ctx, deployment, in)
	})
}

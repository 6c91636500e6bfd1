package landandcheck_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/bundle"
	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local/glue"
)

// run registers the blueprint with the local Glue and runs it.
func run(t *testing.T, parameters map[string]any) (*sdk.Client, *types.BlueprintRun) {
	t.Helper()
	archive, err := bundle.BlueprintZIP("blueprint")
	if err != nil {
		t.Fatal(err)
	}
	python, err := filepath.Abs("../../build/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	server := glue.New(glue.Config{Python: python, Objects: func(context.Context, string, string) ([]byte, error) { return archive, nil }})
	front := httptest.NewServer(server)
	t.Cleanup(func() { front.Close(); server.Close() })
	api := sdk.NewFromConfig(aws.Config{Region: "eu-west-1", BaseEndpoint: &front.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")})
	ctx, name := t.Context(), "landfall-land-and-check"
	if _, err := api.CreateBlueprint(ctx, &sdk.CreateBlueprintInput{Name: &name, BlueprintLocation: new("s3://b/blueprints/land-and-check.zip")}); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := api.GetBlueprint(ctx, &sdk.GetBlueprintInput{Name: &name})
		if err != nil || b.Blueprint.Status == types.BlueprintStatusFailed {
			t.Fatalf("registered %+v, %v", b, err)
		}
		if b.Blueprint.Status == types.BlueprintStatusActive {
			break
		}
		time.Sleep(time.Millisecond)
	}
	body, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	started, err := api.StartBlueprintRun(ctx, &sdk.StartBlueprintRunInput{BlueprintName: &name, RoleArn: new("arn:aws:iam::123456789012:role/b"), Parameters: new(string(body))})
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := api.GetBlueprintRun(ctx, &sdk.GetBlueprintRunInput{BlueprintName: &name, RunId: started.RunId})
		if err != nil {
			t.Fatal(err)
		}
		if r.BlueprintRun.CompletedOn != nil {
			return api, r.BlueprintRun
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func parameters(more map[string]any) map[string]any {
	p := map[string]any{
		"WorkflowName": "w", "Owner": "s3://artifacts/catalogs/c.json", "SourceTable": "hr.locations", "SecretName": "landfall/hr",
		"GlueExecutionRole": "job", "DestinationBucketName": "raw", "ScriptLocation": "s3://artifacts/jobs/land_table.py",
		"ExtraPyFiles": "s3://artifacts/jobs/landing.zip", "PythonModules": "s3://artifacts/wheels/duckdb.whl",
	}
	maps.Copy(p, more)
	return p
}

func TestTheCheckStartsWhenTheTableHasLanded(t *testing.T) {
	api, r := run(t, parameters(map[string]any{"MinimumRows": 100, "JobScheduleType": "Cron"}))
	if r.State != types.BlueprintRunStateSucceeded {
		t.Fatalf("%s: %s", r.State, aws.ToString(r.ErrorMessage))
	}
	out, err := api.GetWorkflow(t.Context(), &sdk.GetWorkflowInput{Name: new("w"), IncludeGraph: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, node := range out.Workflow.Graph.Nodes {
		if node.TriggerDetails != nil && node.TriggerDetails.Trigger != nil {
			tr := node.TriggerDetails.Trigger
			line := fmt.Sprintf("%s %s", tr.Type, aws.ToString(tr.Schedule))
			if tr.Predicate != nil {
				line += fmt.Sprintf("after %s %s", withoutSuffix(tr.Predicate.Conditions[0].JobName), tr.Predicate.Conditions[0].State)
			}
			got = append(got, line+" starts "+withoutSuffix(tr.Actions[0].JobName))
		}
	}
	slices.Sort(got)
	want := []string{"CONDITIONAL after w_land SUCCEEDED starts w_check", "SCHEDULED cron(10 21 * * ? *) starts w_land"}
	if !slices.Equal(got, want) {
		t.Errorf("triggers %q, want %q", got, want)
	}
	if p := out.Workflow.DefaultRunProperties; p["landfall:owner"] == "" || p["landfall:table"] != "hr.locations" {
		t.Errorf("run properties %v: Landfall would not know the workflow again", p)
	}
	jobs, err := api.GetJobs(t.Context(), &sdk.GetJobsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs.Jobs {
		if strings.Contains(*j.Name, "_check") && (j.DefaultArguments["--minimum_rows"] != "100" || *j.Command.ScriptLocation != "s3://artifacts/jobs/check_batch.py") {
			t.Errorf("check: %+v", j)
		}
	}
}

func withoutSuffix(name *string) string {
	s := aws.ToString(name)
	return s[:strings.LastIndex(s, "_")]
}

func TestAWrongParameterFailsTheRunWithItsName(t *testing.T) {
	_, r := run(t, parameters(map[string]any{"MinimumRows": -1}))
	if r.State != types.BlueprintRunStateFailed || !strings.Contains(aws.ToString(r.ErrorMessage), "MinimumRows is -1; want 0 or more") {
		t.Errorf("%s: %s", r.State, aws.ToString(r.ErrorMessage))
	}
}

func TestTheCatalogIsGood(t *testing.T) {
	body, err := os.ReadFile("catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Parse("checked", body, catalog.StackDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Blueprint != "blueprints/land-and-check.zip" || c.Tables[0].BlueprintParameters["MinimumRows"] == nil {
		t.Errorf("%+v", c)
	}
}

package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"
)

// TestGlueIsServedFromBothSides: workflows from here, the Glue Data Catalog from moto, nothing else.
func TestGlueIsServedFromBothSides(t *testing.T) {
	e := endpoint(t)
	client := glue.NewFromConfig(config(e))
	if _, err := client.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: new("hr")}}); err != nil {
		t.Fatal(err)
	}
	if out, err := cli(t, e.URL(), "glue", "get-databases", "--query", "DatabaseList[].Name"); err != nil || out != "hr" {
		t.Errorf("get-databases = %q, %v", out, err)
	}
	if _, err := client.CreateWorkflow(t.Context(), &glue.CreateWorkflowInput{Name: new("both")}); err != nil {
		t.Fatal(err)
	}
	if out, err := cli(t, e.URL(), "glue", "list-workflows", "--query", "Workflows"); err != nil || out != "both" {
		t.Errorf("list-workflows = %q, %v", out, err)
	}
	_, err := client.CreateDevEndpoint(t.Context(), &glue.CreateDevEndpointInput{EndpointName: new("d"), RoleArn: new("arn:aws:iam::123456789012:role/r")})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "UnknownOperationException" || !strings.Contains(api.ErrorMessage(), "CreateDevEndpoint") {
		t.Errorf("an operation that is not served: %v", err)
	}
}

// TestConnections: "DeleteCrawler, DeleteConnection: do throw EN"; moto has neither call.
func TestConnections(t *testing.T) {
	e := endpoint(t)
	client := glue.NewFromConfig(config(e))
	input := &types.ConnectionInput{Name: new("vpc"), ConnectionType: types.ConnectionTypeNetwork, ConnectionProperties: map[string]string{}}
	if _, err := client.CreateConnection(t.Context(), &glue.CreateConnectionInput{ConnectionInput: input}); err != nil {
		t.Fatal(err)
	}
	input.Description = new("moved")
	if _, err := client.UpdateConnection(t.Context(), &glue.UpdateConnectionInput{Name: new("vpc"), ConnectionInput: input}); err != nil {
		t.Fatal(err)
	}
	if out, err := client.GetConnection(t.Context(), &glue.GetConnectionInput{Name: new("vpc")}); err != nil || value(out.Connection.Description) != "moved" {
		t.Errorf("after the update: %v, %v", out, err)
	}
	if _, err := client.DeleteConnection(t.Context(), &glue.DeleteConnectionInput{ConnectionName: new("vpc")}); err != nil {
		t.Fatal(err)
	}
	_, gone := client.DeleteConnection(t.Context(), &glue.DeleteConnectionInput{ConnectionName: new("vpc")})
	_, never := client.UpdateConnection(t.Context(), &glue.UpdateConnectionInput{Name: new("never"), ConnectionInput: input})
	for _, err := range []error{gone, never} {
		if _, ok := errors.AsType[*types.EntityNotFoundException](err); !ok {
			t.Errorf("a connection that is not there: %v", err)
		}
	}
}

// TestOperationThatMotoLacks answers at once and by name, not with a page that SDKs try again.
func TestOperationThatMotoLacks(t *testing.T) {
	e := endpoint(t)
	for service, args := range map[string][]string{
		"BatchDeleteConnection":  {"glue", "batch-delete-connection", "--connection-name-list", "a"},
		"ValidateResourcePolicy": {"secretsmanager", "validate-resource-policy", "--resource-policy", "{}"},
		"EstimateTemplateCost":   {"cloudformation", "estimate-template-cost", "--template-body", "{}"},
	} {
		out, err := cli(t, e.URL(), args...)
		if err == nil || !strings.Contains(out, "UnknownOperationException") || !strings.Contains(out, service+" is not served by the local endpoint") {
			t.Errorf("%s: %q, %v", service, out, err)
		}
	}
}

// TestJobRun runs a script from S3 that talks back to the endpoint.
func TestJobRun(t *testing.T) {
	e := endpoint(t)
	objects := bucket(t, e, "jobs")
	put(t, objects, "jobs", "script.py", `
import sys, boto3
boto3.client("s3").put_object(Bucket="jobs", Key="out.txt", Body=" ".join(sys.argv[1:]).encode())
sys.exit("as far as " + sys.argv[sys.argv.index("--source_table") + 1])
`)
	client := glue.NewFromConfig(config(e))
	_, err := client.CreateJob(t.Context(), &glue.CreateJobInput{
		Name: new("j"), Role: new("arn:aws:iam::123456789012:role/r"), GlueVersion: new("5.1"), NumberOfWorkers: new(int32(2)), WorkerType: types.WorkerTypeG1x,
		Command:          &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://jobs/script.py"), PythonVersion: new("3")},
		DefaultArguments: map[string]string{"--source_table": "hr.employees"},
	})
	if err != nil {
		t.Fatal(err)
	}
	started, err := client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: new("j")})
	if err != nil {
		t.Fatal(err)
	}
	var run *types.JobRun
	await(t, "the end of the job run", func() bool {
		out, err := client.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: new("j"), RunId: started.JobRunId})
		if err != nil {
			t.Fatal(err)
		}
		run = out.JobRun
		return run.JobRunState != types.JobRunStateStarting && run.JobRunState != types.JobRunStateRunning
	})
	if run.JobRunState != types.JobRunStateFailed || value(run.ErrorMessage) != "as far as hr.employees" {
		t.Errorf("job run is %s with %q", run.JobRunState, value(run.ErrorMessage))
	}
	written, err := getObject(t.Context(), objects, "jobs", "out.txt")
	if err != nil || !strings.Contains(string(written), "--JOB_RUN_ID "+value(started.JobRunId)) {
		t.Errorf("the job wrote %q, %v", written, err)
	}
	log, err := os.ReadFile(filepath.Join(e.Dir(), "jobs", value(started.JobRunId)+".log"))
	if err != nil || !strings.Contains(string(log), "as far as") {
		t.Errorf("job log %q, %v", log, err)
	}
}

// TestServiceQuotasOfGlue: the plan asks them for room.
func TestServiceQuotasOfGlue(t *testing.T) {
	e := endpoint(t)
	out, err := cli(t, e.URL(), "service-quotas", "list-service-quotas", "--service-code", "glue", "--query", "Quotas[?QuotaCode=='L-611FDDE4'].Value")
	if err != nil || out != "2000" {
		t.Errorf("the quota of jobs = %q, %v", out, err)
	}
}

func TestMissingObjectIsToldInOneLine(t *testing.T) {
	_, err := endpoint(t).readObject(t.Context(), "nobody", "x.py")
	if err == nil || err.Error() != "NoSuchBucket: The specified bucket does not exist" {
		t.Errorf("error %v", err)
	}
}

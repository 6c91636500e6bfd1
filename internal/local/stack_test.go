package local

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"
)

// changeSet is the one name the CDK uses for the change sets of every stack.
const changeSet = "cdk-deploy-change-set"

// deploy does the calls of cdk deploy: find an old change set, delete it, make one, wait, execute.
func deploy(t *testing.T, client *cloudformation.Client, stack, template string, kind types.ChangeSetType) map[string]string {
	t.Helper()
	ctx := t.Context()
	_, err := client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: new(changeSet)})
	if _, ok := errors.AsType[*types.ChangeSetNotFoundException](err); !ok && kind == types.ChangeSetTypeCreate {
		t.Fatalf("change set of a new stack: %v, want ChangeSetNotFoundException", err)
	}
	if _, err := client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &stack, ChangeSetName: new(changeSet)}); err != nil {
		t.Fatal(err)
	}
	created, err := client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: new(changeSet), ChangeSetType: kind, TemplateBody: &template,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		t.Fatal(err)
	}
	described, err := client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: new(changeSet)})
	if err != nil || value(described.ChangeSetId) != value(created.Id) || value(described.StackName) != stack {
		t.Fatalf("described change set %s of %s, %v; want %s of %s", value(described.ChangeSetId), value(described.StackName), err, value(created.Id), stack)
	}
	if _, err := client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &stack, ChangeSetName: new(changeSet)}); err != nil {
		t.Fatal(err)
	}
	stacks, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		t.Fatal(err)
	}
	if status := stacks.Stacks[0].StackStatus; status != types.StackStatus(kind)+"_COMPLETE" {
		t.Fatalf("stack %s is %s", stack, status)
	}
	outputs := map[string]string{}
	for _, output := range stacks.Stacks[0].Outputs {
		outputs[value(output.OutputKey)] = value(output.OutputValue)
	}
	return outputs
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// executions lists input → status of every ended execution; it waits until there are n.
func executions(t *testing.T, client *sfn.Client, machine string, n int) map[string]string {
	t.Helper()
	var found map[string]string
	await(t, "the end of the executions", func() bool {
		found = map[string]string{}
		list, err := client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &machine})
		if err != nil {
			t.Fatal(err)
		}
		for _, execution := range list.Executions {
			d, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: execution.ExecutionArn})
			if err != nil {
				t.Fatal(err)
			}
			if d.Status == sfntypes.ExecutionStatusRunning {
				return false
			}
			found[value(d.Input)] = string(d.Status) + " " + value(d.Output) + value(d.Cause)
		}
		return len(list.Executions) >= n
	})
	return found
}

func TestStack(t *testing.T) {
	e := endpoint(t)
	objects := bucket(t, e, "assets")
	put(t, objects, "assets", "code.zip", string(functionZip(t, "one")))
	put(t, objects, "assets", "definition.asl.json", read(t, "testdata/definition.asl.json"))
	template := read(t, "testdata/stack.json")
	client := cloudformation.NewFromConfig(config(e))
	deploy(t, client, "Other", `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}`, types.ChangeSetTypeCreate)
	stack := deploy(t, client, "Stack", template, types.ChangeSetTypeCreate)
	want := []string{"Bucket", "CustomBucket", "Function", "Machine", "QuietBucket", "Topic"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(stack))); diff != "" {
		t.Fatalf("outputs (-want +got):\n%s", diff)
	}
	t.Run("Template", func(t *testing.T) {
		// The CDK compares the deployed template to decide whether there is anything to deploy.
		got, err := client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: new("Stack")})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(value(got.TemplateBody), `DefinitionSubstitutions`) {
			t.Errorf("the template comes back changed: %s", value(got.TemplateBody))
		}
	})
	t.Run("Versioning", func(t *testing.T) {
		got, err := objects.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: new(stack["Bucket"])})
		if err != nil || got.Status != s3types.BucketVersioningStatusEnabled {
			t.Errorf("versioning = %v, %v", got, err)
		}
	})
	t.Run("Function", func(t *testing.T) {
		a := invoke(t, lambda.NewFromConfig(config(e)), stack["Function"])
		if !slices.Contains(a.Env, "ARTIFACTS_BUCKET="+stack["Bucket"]) || !slices.Contains(a.Env, "VERSION=1") {
			t.Errorf("environment %v", a.Env)
		}
	})
	t.Run("Executions", func(t *testing.T) { testExecutions(t, e, stack) })
	t.Run("Uploads", func(t *testing.T) { testUploads(t, e, objects, stack) })
	t.Run("Update", func(t *testing.T) {
		changed := strings.NewReplacer(`"VERSION": "1"`, `"VERSION": "2"`, "catalogs/*.json", "new/*.json").Replace(template)
		if got := deploy(t, client, "Stack", changed, types.ChangeSetTypeUpdate); !maps.Equal(got, stack) {
			t.Errorf("the update changed the outputs:\n%s", cmp.Diff(stack, got))
		}
		if a := invoke(t, lambda.NewFromConfig(config(e)), stack["Function"]); !slices.Contains(a.Env, "VERSION=2") {
			t.Errorf("environment after the update: %v", a.Env)
		}
		before := executions(t, sfn.NewFromConfig(config(e)), stack["Machine"], 0)
		put(t, objects, stack["Bucket"], "catalogs/late.json", "{}") // the old rule
		put(t, objects, stack["Bucket"], "new/hr.json", "{}")
		after := executions(t, sfn.NewFromConfig(config(e)), stack["Machine"], len(before)+1)
		if _, old := after[`{"Do":"catalogs/late.json"}`]; old || len(after) != len(before)+1 {
			t.Errorf("executions after the update of the rule: %v", after)
		}
	})
}

// testExecutions: Task states reach the deployed function, and an execution without a name gets one.
func testExecutions(t *testing.T, e *Endpoint, stack map[string]string) {
	client := sfn.NewFromConfig(config(e))
	machine := stack["Machine"]
	names := map[string]bool{}
	for _, input := range []string{`{"Do":"a"}`, `{"Do":"b"}`, `{"Do":"fail"}`} {
		out, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Input: &input})
		if err != nil {
			t.Fatal(err)
		}
		names[value(out.ExecutionArn)] = true
	}
	if len(names) != 3 {
		t.Errorf("executions %v", names)
	}
	got := executions(t, client, machine, 3)
	for input, want := range map[string]string{
		`{"Do":"a"}`:    `"bucket": "` + stack["Bucket"] + `"`,
		`{"Do":"b"}`:    "SUCCEEDED",
		`{"Do":"fail"}`: "FAILED ${AWS::Region} is not a substitution",
	} {
		if !strings.Contains(got[input], want) {
			t.Errorf("execution of %s: %s, want %q", input, got[input], want)
		}
	}
}

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/statemachine"
)

// layout is a small layout, which refuses one table.
const layout = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    if user_params["SourceTable"] == "hr.raises":
        raise ValueError("no layout for " + user_params["SourceTable"])
    tags = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    job = Job(Name=name + "_land", Role=user_params["GlueExecutionRole"], Tags=tags, NumberOfWorkers=user_params["NumberOfWorkers"],
        WorkerType=user_params["WorkerType"], GlueVersion="5.1", Command={
            "Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"})
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=[job], Crawlers=[]), OnSchedule=schedule, Tags=tags, DefaultRunProperties=tags)
`

// testStack is the real state machine with the real functions in a stack of CloudFormation, on a local endpoint of its own.
type testStack struct {
	config aws.Config
	s3     *s3.Client
	glue   *glue.Client
	// artifacts is the artifacts bucket.
	artifacts string
}

const (
	testBucket = "landfall-artifacts"
	testRaw    = "landfall-raw"
	testRole   = "arn:aws:iam::123456789012:role/landing"
)

// deployStack also points the SDK's default configuration at the endpoint.
func deployStack(t *testing.T, config localglue.Config) *testStack {
	t.Helper()
	endpoint, err := local.Start(t.Context(), local.Config{Addr: "127.0.0.1:0", Root: "../..", Dir: t.TempDir(), Glue: config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint.URL(), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": local.DefaultRegion,
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "NO_COLOR": "", "CLICOLOR_FORCE": "", "LANDFALL_STACK": "",
	} {
		t.Setenv(name, value)
	}
	c := aws.Config{Region: local.DefaultRegion, BaseEndpoint: new(endpoint.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	d := &testStack{config: c, artifacts: testBucket, glue: glue.NewFromConfig(c), s3: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })}
	_, err = d.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: new("assets"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: local.DefaultRegion},
	})
	if err != nil {
		t.Fatal(err)
	}
	// moto's CloudFormation makes no secrets; the plan asks whether this one exists.
	if _, err := secretsmanager.NewFromConfig(c).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: new("s"), SecretString: new("{}")}); err != nil {
		t.Fatal(err)
	}
	d.put(t, "assets", "blueprint.zip", blueprintZIP(t))
	template := d.template(t)
	_, err = cloudformation.NewFromConfig(c).CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: new("Landfall"), TemplateBody: &template})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *testStack) put(t *testing.T, bucket, key string, body []byte) {
	t.Helper()
	if _, err := d.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

var functionPlaceholder = regexp.MustCompile(`\$\{(\w+)Function\}`)

// template is a stack with what the CLI and the state machine need of the real one, under the same outputs.
func (d *testStack) template(t *testing.T) string {
	t.Helper()
	type object = map[string]any
	ref := func(name string) object { return object{"Ref": name} }
	arn := func(name string) object { return object{"Fn::GetAtt": []string{name, "Arn"}} }
	bucket := func(name string) object {
		return object{"Type": "AWS::S3::Bucket", "Properties": object{
			"BucketName": name, "NotificationConfiguration": object{"EventBridgeConfiguration": object{"EventBridgeEnabled": true}},
		}}
	}
	assume := object{"Version": "2012-10-17", "Statement": []object{{"Effect": "Allow", "Principal": object{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}}
	resources := object{
		"Artifacts": bucket(testBucket), "Raw": bucket(testRaw), "Topic": object{"Type": "AWS::SNS::Topic", "Properties": object{}},
		"Role": object{"Type": "AWS::IAM::Role", "Properties": object{"RoleName": "landing", "AssumeRolePolicyDocument": assume}},
		"Rule": object{"Type": "AWS::Events::Rule", "Properties": object{
			"EventPattern": object{"source": []string{"aws.s3"}, "detail-type": []string{"Object Created"}, "detail": object{
				"bucket": object{"name": []string{testBucket}}, "object": object{"key": []object{{"wildcard": "catalogs/*.json"}}},
			}},
			"Targets": []object{{"Id": "T0", "Arn": ref("Machine"), "RoleArn": arn("Role"), "InputTransformer": object{
				"InputPathsMap": object{"key": "$.detail.object.key"}, "InputTemplate": `{"catalog":<key>}`,
			}}},
		}},
	}
	substitutions := object{"ArtifactsBucket": testBucket, "TopicArn": ref("Topic")}
	for _, m := range functionPlaceholder.FindAllStringSubmatch(statemachine.Definition, -1) {
		name := strings.ToLower(m[1])
		if resources[name] == nil {
			d.put(t, "assets", name+".zip", functionZIP(t, name))
			resources[name] = object{"Type": "AWS::Lambda::Function", "Properties": object{
				"Code": object{"S3Bucket": "assets", "S3Key": name + ".zip"}, "Handler": "bootstrap", "Runtime": "provided.al2023",
				"Role": arn("Role"), "Timeout": 60, "Environment": object{"Variables": functionEnvironment},
			}}
		}
		substitutions[m[1]+"Function"] = arn(name)
	}
	resources["Machine"] = object{"Type": "AWS::StepFunctions::StateMachine", "Properties": object{
		"DefinitionString": statemachine.Definition, "DefinitionSubstitutions": substitutions, "RoleArn": arn("Role"),
	}}
	data, err := json.Marshal(object{"Resources": resources, "Outputs": object{
		"ArtifactsBucket": object{"Value": ref("Artifacts")}, "RawBucket": object{"Value": ref("Raw")}, "StateMachineArn": object{"Value": ref("Machine")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var functionEnvironment = map[string]string{
	"ARTIFACTS_BUCKET": testBucket, "RAW_BUCKET": testRaw, "JOB_ROLE_ARN": testRole, "BLUEPRINT_ROLE_ARN": testRole,
	"BLUEPRINT_NAME": "landfall", "LAYOUT_VERSION": "1", "PYTHON_MODULES": "wheels/a.whl", "STACK_NAME": "Landfall",
	"CONCURRENCY": "100", "GLUE_CALLS_PER_SECOND": "50", "STALE_AFTER": "6h",
	"PUBLISH": `[{"from":"s3://assets/blueprint.zip","to":"blueprints/landfall.zip"}]`,
}

// blueprintZIP is the layout with a parameter for everything that the planner sends.
func blueprintZIP(t *testing.T) []byte {
	t.Helper()
	spec := map[string]map[string]string{}
	for _, p := range catalog.Parameters() {
		spec[p.Name] = map[string]string{"type": p.Type}
	}
	config, err := json.Marshal(map[string]any{"layoutGenerator": "layout.generate_layout", "parameterSpec": spec})
	if err != nil {
		t.Fatal(err)
	}
	return zipOf(t, 0o644, map[string][]byte{"blueprint.cfg": config, "layout.py": []byte(layout)})
}

// functionZIP is one of lambdas/ as it is deployed.
func functionZIP(t *testing.T, name string) []byte {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-o", binary, "../../lambdas/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	body, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	return zipOf(t, 0o755, map[string][]byte{"bootstrap": body})
}

func zipOf(t *testing.T, mode os.FileMode, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, body := range files {
		header := &zip.FileHeader{Name: name, Method: zip.Store}
		header.SetMode(mode)
		w, err := z.CreateHeader(header)
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

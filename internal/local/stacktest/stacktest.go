// Package stacktest deploys the real state machine with the real functions for tests: on a local endpoint of the test's
// own, as a stack of CloudFormation with what the command and the state machine need of infra's stack.
package stacktest

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/landfall/landfall/internal/bundle"
	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/local"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/statemachine"
)

// What the stack is made of. Secret is the only one that exists for tables.
const (
	Name            = "Landfall"
	ArtifactsBucket = "landfall-artifacts"
	RawBucket       = "landfall-raw"
	Secret          = "s"
	assetsBucket    = "assets"
	role            = "arn:aws:iam::" + local.AccountID + ":role/landing"
)

// Layout is a small layout, which refuses one table.
const Layout = `
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

// Config says how a stack is deployed.
type Config struct {
	// Root is the working copy.
	Root string
	Glue localglue.Config
	// Blueprint is the ZIP that RegisterBlueprint publishes; nil for Layout's.
	Blueprint []byte
	// Uploads makes the upload of a catalog start an execution.
	Uploads bool
}

// Stack is a deployed stack. It goes with its test.
type Stack struct {
	// Config reaches the endpoint.
	Config         aws.Config
	S3             *sdk.Client
	Glue           *glue.Client
	Artifacts, Raw *s3.Bucket
	// StateMachineARN, TopicARN and FunctionARNs, by the function's name, are what was deployed.
	StateMachineARN, TopicARN string
	FunctionARNs              map[string]string
}

// Deploy deploys a stack.
func Deploy(t *testing.T, c Config) *Stack {
	t.Helper()
	endpoint, err := local.Start(t.Context(), local.Config{Addr: "127.0.0.1:0", Root: c.Root, Dir: t.TempDir(), Glue: c.Glue})
	check(t, err)
	t.Cleanup(func() { _ = endpoint.Close() })
	config := endpoint.AWSConfig()
	s := &Stack{
		Config: config, Glue: glue.NewFromConfig(config), S3: sdk.NewFromConfig(config, func(o *sdk.Options) { o.UsePathStyle = true }),
		Artifacts: s3.New(config, ArtifactsBucket), Raw: s3.New(config, RawBucket), FunctionARNs: map[string]string{},
	}
	_, err = s.S3.CreateBucket(t.Context(), &sdk.CreateBucketInput{
		Bucket: new(assetsBucket), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: local.DefaultRegion},
	})
	check(t, err)
	// moto's CloudFormation makes no secrets; the plan asks whether this one exists.
	_, err = secretsmanager.NewFromConfig(config).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: new(Secret), SecretString: new("{}")})
	check(t, err)
	if c.Blueprint == nil {
		c.Blueprint = blueprintZIP(t)
	}
	assets := s3.New(config, assetsBucket)
	check(t, assets.Put(t.Context(), "blueprint.zip", c.Blueprint, "application/zip"))
	for _, name := range statemachine.Functions() {
		zip, err := functionZIP(c.Root, name)
		check(t, err)
		check(t, assets.Put(t.Context(), name+".zip", zip, "application/zip"))
	}
	s.create(t, template(t, c.Uploads))
	return s
}

// create creates the stack from the template and reads its outputs.
func (s *Stack) create(t *testing.T, template string) {
	t.Helper()
	api := cloudformation.NewFromConfig(s.Config)
	_, err := api.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: new(Name), TemplateBody: &template})
	check(t, err)
	described, err := api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: new(Name)})
	check(t, err)
	outputs := map[string]string{}
	for _, o := range described.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	s.StateMachineARN, s.TopicARN = outputs["StateMachineArn"], outputs["TopicArn"]
	for _, name := range statemachine.Functions() {
		s.FunctionARNs[name] = outputs[name]
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// built holds the functions' ZIPs: a test binary compiles each once.
var built sync.Map // name → func() ([]byte, error)

func functionZIP(root, name string) ([]byte, error) {
	once, _ := built.LoadOrStore(name, sync.OnceValues(func() ([]byte, error) {
		// Not a test's context: the ZIP serves later tests too.
		return bundle.FunctionZIP(context.Background(), root, statemachine.Folder(name), bundle.Target{})
	}))
	return once.(func() ([]byte, error))()
}

// blueprintZIP is Layout with a parameter for everything that the planner sends.
func blueprintZIP(t *testing.T) []byte {
	t.Helper()
	spec := map[string]map[string]string{}
	for _, p := range catalog.Parameters() {
		spec[p.Name] = map[string]string{"type": p.Type}
	}
	config, err := json.Marshal(map[string]any{"layoutGenerator": "layout.generate_layout", "parameterSpec": spec})
	check(t, err)
	zip, err := bundle.ZIP(map[string][]byte{"blueprint.cfg": config, "layout.py": []byte(Layout)}, 0o644)
	check(t, err)
	return zip
}

// environment has every variable of every function.
var environment = map[string]string{
	"ARTIFACTS_BUCKET": ArtifactsBucket, "RAW_BUCKET": RawBucket, "JOB_ROLE_ARN": role, "BLUEPRINT_ROLE_ARN": role,
	"BLUEPRINT_NAME": "landfall", "LAYOUT_VERSION": "1", "PYTHON_MODULES": keys.Wheels + "a.whl", "STACK_NAME": Name,
	"CONCURRENCY": "100", "GLUE_CALLS_PER_SECOND": "50", "STALE_AFTER": "6h",
	"PUBLISH": `[{"from":"s3://` + assetsBucket + `/blueprint.zip","to":"` + keys.Blueprint + `"}]`,
}

// template is the stack's template. Its outputs are infra's, and the functions' ARNs.
func template(t *testing.T, uploads bool) string {
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
		"Artifacts": bucket(ArtifactsBucket), "Raw": bucket(RawBucket), "Topic": object{"Type": "AWS::SNS::Topic", "Properties": object{}},
		"Role": object{"Type": "AWS::IAM::Role", "Properties": object{"RoleName": "landing", "AssumeRolePolicyDocument": assume}},
	}
	if uploads {
		resources["Rule"] = object{"Type": "AWS::Events::Rule", "Properties": object{
			"EventPattern": object{"source": []string{"aws.s3"}, "detail-type": []string{"Object Created"}, "detail": object{
				"bucket": object{"name": []string{ArtifactsBucket}}, "object": object{"key": []object{{"wildcard": keys.Catalog("*")}}},
			}},
			"Targets": []object{{"Id": "T0", "Arn": ref("Machine"), "RoleArn": arn("Role"), "InputTransformer": object{
				"InputPathsMap": object{"key": "$.detail.object.key"}, "InputTemplate": `{"catalog":<key>}`,
			}}},
		}}
	}
	outputs := object{
		"ArtifactsBucket": object{"Value": ref("Artifacts")}, "RawBucket": object{"Value": ref("Raw")},
		"StateMachineArn": object{"Value": ref("Machine")}, "TopicArn": object{"Value": ref("Topic")},
	}
	for _, name := range statemachine.Functions() {
		resources[name] = object{"Type": "AWS::Lambda::Function", "Properties": object{
			"Code": object{"S3Bucket": assetsBucket, "S3Key": name + ".zip"}, "Handler": bundle.Bootstrap, "Runtime": "provided.al2023",
			"Role": arn("Role"), "Timeout": 60, "Environment": object{"Variables": environment},
		}}
		outputs[name] = object{"Value": arn(name)}
	}
	substitutions := object{"ArtifactsBucket": ArtifactsBucket, "TopicArn": ref("Topic")}
	for _, task := range statemachine.Tasks() {
		substitutions[statemachine.FunctionPlaceholder(task)] = arn(task)
	}
	resources["Machine"] = object{"Type": "AWS::StepFunctions::StateMachine", "Properties": object{
		"DefinitionString": statemachine.Definition, "DefinitionSubstitutions": substitutions, "RoleArn": arn("Role"),
	}}
	data, err := json.Marshal(object{"Resources": resources, "Outputs": outputs})
	check(t, err)
	return string(data)
}

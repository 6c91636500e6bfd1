package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/statemachine"
)

const blueprintName = "landfall"

// landing is the landing stack while it is put together. Constructs take the
// Stack in it as their scope: jsii does not know a Go struct that embeds one.
type landing struct {
	awscdk.Stack
	built          *artifacts
	artifacts, raw awss3.Bucket
	assets         []awss3assets.Asset
	blueprintRole  awsiam.Role
	jobRole        awsiam.Role
	functions      map[string]awslambda.Function // by Task
	machine        awsstepfunctions.StateMachine
	topic          awssns.Topic
	undelivered    awssqs.Queue // uploads that started nothing
	alarms         []interfacesawscloudwatch.IAlarmRef
}

// newLandingStack is everything that lands tables, but the database.
func newLandingStack(scope constructs.Construct, id string, built *artifacts, props *awscdk.StackProps) awscdk.Stack {
	l := &landing{Stack: awscdk.NewStack(scope, &id, props), built: built, functions: map[string]awslambda.Function{}}
	l.buckets()
	l.publications()
	l.roles()
	l.tasks()
	l.notices()
	l.stateMachine()
	l.uploadRule()
	l.watch()
	l.alarm()
	l.dashboard()
	l.outputs()
	suppress(l)
	return l.Stack
}

func (l *landing) buckets() {
	l.artifacts = l.bucket("Artifacts", 90)
	l.raw = l.bucket("Raw", 30)
	// EventBridge is switched on by the property itself: the construct's flag would add a custom resource.
	l.artifacts.Node().DefaultChild().(awss3.CfnBucket).SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		EventBridgeConfiguration: &awss3.CfnBucket_EventBridgeConfigurationProperty{EventBridgeEnabled: new(true)},
	})
}

// bucket is private, TLS-only, versioned and kept when the stack goes. Encryption
// is S3's own: it costs nothing, and readers of the lake need no key permission.
func (l *landing) bucket(id string, noncurrentDays float64) awss3.Bucket {
	return awss3.NewBucket(l.Stack, &id, &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		EnforceSSL:        new(true),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Versioned:         new(true),
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(new(7.0)),
			NoncurrentVersionExpiration:         awscdk.Duration_Days(&noncurrentDays),
		}},
	})
}

// publications are the assets that RegisterBlueprint copies to their stable keys.
func (l *landing) publications() {
	for _, f := range l.built.files {
		l.assets = append(l.assets, awss3assets.NewAsset(l.Stack, new(f.id+"Asset"), &awss3assets.AssetProps{Path: new(f.path)}))
	}
}

// publish is the PUBLISH variable: what to copy where.
func (l *landing) publish() string {
	type assetCopy struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	var list []assetCopy
	for i, f := range l.built.files {
		list = append(list, assetCopy{*l.assets[i].S3ObjectUrl(), f.key})
	}
	data, err := json.Marshal(list)
	if err != nil {
		panic(err) // two strings always marshal
	}
	return string(data)
}

func (l *landing) tasks() {
	bucket, layout := *l.artifacts.BucketName(), l.built.layoutVersion
	l.task(functionInput{name: "LoadCatalog", memoryMiB: 512, timeout: seconds(60), statements: l.loadCatalogMay(), environment: map[string]string{
		"ARTIFACTS_BUCKET": bucket, "RAW_BUCKET": *l.raw.BucketName(), "JOB_ROLE_ARN": *l.jobRole.RoleArn(), "BLUEPRINT_NAME": blueprintName,
	}})
	l.task(functionInput{name: "RegisterBlueprint", memoryMiB: 256, timeout: seconds(60), statements: l.registerBlueprintMay(), environment: map[string]string{
		"ARTIFACTS_BUCKET": bucket, "BLUEPRINT_NAME": blueprintName, "LAYOUT_VERSION": layout, "PUBLISH": l.publish(),
	}})
	l.task(functionInput{name: "PlanWorkflows", memoryMiB: 256, timeout: seconds(300), statements: l.planWorkflowsMay(), environment: map[string]string{
		"ARTIFACTS_BUCKET": bucket, "BLUEPRINT_NAME": blueprintName, "LAYOUT_VERSION": layout, "PYTHON_MODULES": l.built.modules(),
		"JOB_ROLE_ARN": *l.jobRole.RoleArn(), "CONCURRENCY": l.setting("concurrency", "100"), "GLUE_CALLS_PER_SECOND": l.setting("glueCallsPerSecond", "50"),
	}})
	l.task(functionInput{name: "ApplyChange", memoryMiB: 256, timeout: seconds(300), statements: l.applyChangeMay(), environment: map[string]string{
		"ARTIFACTS_BUCKET": bucket, "BLUEPRINT_ROLE_ARN": *l.blueprintRole.RoleArn(),
	}})
	l.task(functionInput{name: "Report", memoryMiB: 256, timeout: seconds(300), statements: l.reportMay(), environment: map[string]string{
		"ARTIFACTS_BUCKET": bucket, "STACK_NAME": *l.StackName(),
	}})
}

func (l *landing) task(in functionInput) { l.functions[in.name] = newFunction(l.Stack, l.built, in) }

// setting is a number given as -c <key>=<n>, where it is given.
func (l *landing) setting(key, otherwise string) string {
	if v, ok := l.Node().TryGetContext(&key).(string); ok && v != "" {
		return v
	}
	return otherwise
}

func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(&n) }

func (l *landing) stateMachine() {
	logs := awslogs.NewLogGroup(l.Stack, new("StateMachineLogs"), &awslogs.LogGroupProps{
		LogGroupName: new("/aws/vendedlogs/states/" + *l.StackName()),
		Retention:    awslogs.RetentionDays_THREE_MONTHS, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	substitutions := map[string]*string{"ArtifactsBucket": l.artifacts.BucketName(), "TopicArn": l.topic.TopicArn()}
	for _, task := range statemachine.Tasks() {
		substitutions[statemachine.FunctionPlaceholder(task)] = l.functions[task].FunctionArn()
	}
	l.machine = awsstepfunctions.NewStateMachine(l.Stack, new("Landing"), &awsstepfunctions.StateMachineProps{
		// A name of our own: the role names the machine, and would otherwise wait for it while it waits for the role.
		StateMachineName:        new(l.machineName()),
		Comment:                 new("Landfall: keeps one Glue workflow per table in sync with the catalog"),
		DefinitionBody:          awsstepfunctions.DefinitionBody_FromString(&statemachine.Definition),
		DefinitionSubstitutions: &substitutions,
		StateMachineType:        awsstepfunctions.StateMachineType_STANDARD,
		TracingEnabled:          new(true),
		// Without execution data: a catalog's content does not belong in a log.
		Logs: &awsstepfunctions.LogOptions{Destination: logs, Level: awsstepfunctions.LogLevel_ALL, IncludeExecutionData: new(false)},
	})
	for _, s := range l.stateMachineMay() {
		l.machine.AddToRolePolicy(s)
	}
}

func (l *landing) machineName() string { return *l.StackName() + "-landing" }

// uploadRule starts the state machine with the key of the catalog that was uploaded.
func (l *landing) uploadRule() {
	l.undelivered = awssqs.NewQueue(l.Stack, new("UndeliveredUploads"), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: new(true), RetentionPeriod: awscdk.Duration_Days(new(14.0)),
	})
	rule := awsevents.NewRule(l.Stack, new("CatalogUploaded"), &awsevents.RuleProps{
		Description: new("Landfall: a catalog was uploaded"),
		EventPattern: &awsevents.EventPattern{
			Source: &[]*string{new("aws.s3")}, DetailType: &[]*string{new("Object Created")},
			Detail: &map[string]any{
				"bucket": map[string]any{"name": []any{l.artifacts.BucketName()}},
				"object": map[string]any{"key": []any{map[string]any{"wildcard": keys.Catalog("*")}}},
			},
		},
	})
	rule.AddTarget(awseventstargets.NewSfnStateMachine(l.machine, &awseventstargets.SfnStateMachineProps{
		Input:           awsevents.RuleTargetInput_FromObject(map[string]any{"catalog": awsevents.EventField_FromPath(new("$.detail.object.key"))}),
		DeadLetterQueue: l.undelivered,
	}))
}

func (l *landing) outputs() {
	for _, o := range []struct{ id, value, description string }{
		{"ArtifactsBucket", *l.artifacts.BucketName(), "Upload catalogs to " + keys.Catalog("<name>") + " here"},
		{"RawBucket", *l.raw.BucketName(), "Tables land here"},
		{"StateMachineArn", *l.machine.StateMachineArn(), "Start it with {}, {\"catalog\": \"catalogs/hr.json\"} or {\"dryRun\": true}"},
		{"JobRoleArn", *l.jobRole.RoleArn(), "Role of the Glue jobs, where a catalog names none"},
		{"TopicArn", *l.topic.TopicArn(), "Subscribe to it for notices of changes, failures and alarms"},
		{"Dashboard", "https://" + *l.Region() + ".console.aws.amazon.com/cloudwatch/home?region=" + *l.Region() + "#dashboards/dashboard/" + *l.StackName(), "Executions and tables at a glance"},
		{"BlueprintName", blueprintName, "The Glue blueprint of every workflow"},
		{"Console", "https://" + *l.Region() + ".console.aws.amazon.com/states/home?region=" + *l.Region() + "#/statemachines/view/" + *l.machine.StateMachineArn(), "The state machine in the console"},
	} {
		awscdk.NewCfnOutput(l.Stack, &o.id, &awscdk.CfnOutputProps{Value: &o.value, Description: &o.description})
	}
}

package main

import (
	"cmp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
)

// functionInput is what differs between functions.
type functionInput struct {
	name        string // one of statemachine.Functions
	description string // the Task by default
	memoryMiB   float64
	timeout     awscdk.Duration
	environment map[string]string
	statements  []awsiam.PolicyStatement
}

// newFunction is the only place that spells runtime, architecture and logging.
// The role is the function's own and may write to its own log group alone.
func newFunction(scope constructs.Construct, a *artifacts, in functionInput) awslambda.Function {
	description := new(cmp.Or(in.description, "Landfall: the "+in.name+" Task"))
	logs := awslogs.NewLogGroup(scope, new(in.name+"Logs"), &awslogs.LogGroupProps{
		Retention: awslogs.RetentionDays_THREE_MONTHS, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	role := awsiam.NewRole(scope, new(in.name+"Role"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(new("lambda.amazonaws.com"), nil),
		Description: description,
	})
	statements := append(in.statements, allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, *logs.LogGroupArn()))
	for _, s := range statements {
		role.AddToPolicy(s)
	}
	architecture := awslambda.Architecture_ARM_64()
	if a.architecture == "x86_64" {
		architecture = awslambda.Architecture_X86_64()
	}
	variables := map[string]*string{}
	for k, v := range in.environment {
		variables[k] = &v
	}
	return awslambda.NewFunction(scope, new(in.name), &awslambda.FunctionProps{
		Description:  description,
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: architecture,
		Handler:      new("bootstrap"),
		Code:         awslambda.Code_FromAsset(new(a.functions[in.name]), nil),
		MemorySize:   &in.memoryMiB,
		Timeout:      in.timeout,
		Role:         role,
		LogGroup:     logs,
		Environment:  &variables,
	})
}

func allow(actions []string, resources ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: pointers(actions), Resources: pointers(resources)})
}

func pointers(list []string) *[]*string {
	out := make([]*string, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return &out
}

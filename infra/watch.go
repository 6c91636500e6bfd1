package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/landfall/landfall/internal/keys"
)

// watch lets EventBridge call watchtables every hour and when a Glue job run has
// failed. It is not part of the state machine (ADR 0004).
func (l *landing) watch() {
	l.task(functionInput{
		name: "WatchTables", description: "Landfall: checks for failed job runs and tables that did not land",
		memoryMiB: 512, timeout: seconds(300), statements: l.watchTablesMay(), environment: map[string]string{
			"ARTIFACTS_BUCKET": *l.artifacts.BucketName(), "RAW_BUCKET": *l.raw.BucketName(), "JOB_ROLE_ARN": *l.jobRole.RoleArn(),
			"STACK_NAME": *l.StackName(), "STALE_AFTER": l.built.staleAfter,
		},
	})
	target := awseventstargets.NewLambdaFunction(l.functions["WatchTables"], nil)
	hourly := awsevents.NewRule(l.Stack, new("EveryHour"), &awsevents.RuleProps{
		Description: new("Landfall: check for tables that did not land"),
		Schedule:    awsevents.Schedule_Rate(awscdk.Duration_Hours(new(1.0))),
	})
	hourly.AddTarget(target)
	failed := awsevents.NewRule(l.Stack, new("JobRunFailed"), &awsevents.RuleProps{
		Description: new("Landfall: a Glue job run failed; the function ignores jobs that are not Landfall's"),
		EventPattern: &awsevents.EventPattern{
			Source: &[]*string{new("aws.glue")}, DetailType: &[]*string{new("Glue Job State Change")},
			Detail: &map[string]any{"state": []string{"FAILED", "TIMEOUT"}},
		},
	})
	failed.AddTarget(target)
}

func (l *landing) watchTablesMay() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		l.list(),
		allow([]string{"s3:GetObject"}, l.artifact(keys.Catalogs+"*")),
		allow([]string{"glue:BatchGetWorkflows", "glue:GetWorkflowRuns"}, l.glue("workflow/*")),
		allow([]string{"glue:GetTags"}, l.glue("job/*")),
	}
}

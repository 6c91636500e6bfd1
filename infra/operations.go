package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// notices is the topic that executions and alarms write to. A topic's policy
// replaces the default one, so the alarms of this account are let in by name.
func (l *landing) notices() {
	l.topic = awssns.NewTopic(l.Stack, new("Notices"), &awssns.TopicProps{
		DisplayName: new("Landfall"), EnforceSSL: new(true),
	})
	alarms := awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        new("Alarms"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(new("cloudwatch.amazonaws.com"), nil)},
		Actions:    pointers([]string{"sns:Publish"}),
		Resources:  &[]*string{l.topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": l.Account()}},
	})
	l.topic.AddToResourcePolicy(alarms)
	cdknag.NagSuppressions_AddResourceSuppressions(l.topic, &[]*cdknag.NagPackSuppression{
		{Id: new("AwsSolutions-SNS2"), Reason: new("Encrypted on disk by SNS itself. CloudWatch alarms cannot write under the free key alias/aws/sns, and a key of your own has a monthly fee; the messages hold table names and error texts, no data.")},
	}, nil)
}

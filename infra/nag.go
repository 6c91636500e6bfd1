package main

import (
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// suppress names the findings of cdk-nag that are meant, each with its reason.
func suppress(l *landing) {
	cdknag.NagSuppressions_AddStackSuppressions(l.Stack, &[]*cdknag.NagPackSuppression{
		{Id: new("AwsSolutions-S1"), Reason: new("Server access logs are the account's choice: CloudTrail data events cover both buckets, and a log bucket per stack would outlive it.")},
		{Id: new("AwsSolutions-SQS3"), Reason: new("The queue is itself the dead-letter queue of the EventBridge rule's target.")},
		{Id: new("AwsSolutions-IAM5"), Reason: new("Prefixes of the stack's own buckets and names of workflows, triggers, jobs, crawlers and secrets that only the catalogs know; * as a resource only where IAM knows no finer. The IAM test lists each.")},
	}, new(true))
}

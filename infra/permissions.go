package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/statemachine"
)

// glue is the ARN of something in Glue, in this account and Region.
func (l *landing) glue(resource string) string {
	return *l.FormatArn(&awscdk.ArnComponents{
		Service: new("glue"), Resource: &resource, ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}

func (l *landing) artifact(pattern string) string { return *l.artifacts.ArnForObjects(&pattern) }

// list may see the keys of the artifacts bucket. There is no condition on the
// prefix: S3 answers a GET of a missing object with "access denied" unless the
// caller may list the bucket, and AWS does not say what a condition means there.
func (l *landing) list() awsiam.PolicyStatement {
	return allow([]string{"s3:ListBucket"}, *l.artifacts.BucketArn())
}

// blueprints are the shipped one and the users' own, whose names begin with its name.
func (l *landing) blueprints() []string {
	return []string{l.glue("blueprint/" + blueprintName), l.glue("blueprint/" + blueprintName + "-*")}
}

// arn is the ARN of something of this account and Region whose type a colon ends.
func (l *landing) arn(service, kind, name string) string {
	return *l.FormatArn(&awscdk.ArnComponents{Service: &service, Resource: &kind, ResourceName: &name, ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
}

func (l *landing) loadCatalogMay() []awsiam.PolicyStatement {
	locks := l.artifact(keys.Locks + "*")
	return []awsiam.PolicyStatement{
		l.list(),
		allow([]string{"s3:GetObject"}, l.artifact(keys.Catalogs+"*"), l.artifact(keys.Blueprints+"*"), locks),
		allow([]string{"s3:PutObject"}, l.artifact(keys.Executions+"*"), locks),
		// Whether the holder of a lock still runs.
		allow([]string{"states:DescribeExecution"}, l.arn("states", "execution", l.machineName()+":*")),
	}
}

func (l *landing) registerBlueprintMay() []awsiam.PolicyStatement {
	var sources []string
	for _, a := range l.assets {
		sources = append(sources, *a.Bucket().ArnForObjects(a.S3ObjectKey()))
	}
	published := []string{l.artifact(keys.Blueprints + "*"), l.artifact(keys.Jobs + "*"), l.artifact(keys.Wheels + "*")}
	return []awsiam.PolicyStatement{
		allow([]string{"glue:GetBlueprint", "glue:GetBlueprintRuns", "glue:CreateBlueprint", "glue:UpdateBlueprint"}, l.blueprints()...),
		allow([]string{"s3:GetObject"}, append(sources, published...)...),
		allow([]string{"s3:PutObject"}, published...),
		// Without it S3 answers a missing object with "access denied".
		l.list(),
	}
}

func (l *landing) planWorkflowsMay() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		// Listings know no resource, and Service Quotas knows none of Glue's.
		allow([]string{"glue:ListWorkflows", "glue:ListJobs", "glue:ListTriggers", "glue:ListCrawlers", "servicequotas:ListServiceQuotas"}, "*"),
		allow([]string{"glue:BatchGetWorkflows", "glue:GetTags"}, l.glue("workflow/*")),
		allow([]string{"glue:BatchGetJobs", "glue:GetTags"}, l.glue("job/*")),
		allow([]string{"glue:BatchGetTriggers", "glue:GetTags"}, l.glue("trigger/*")),
		allow([]string{"glue:GetTags"}, l.glue("crawler/*")),
		allow([]string{"glue:GetBlueprintRun"}, l.blueprints()...),
		l.list(),
		allow([]string{"s3:GetObject", "s3:PutObject"}, l.artifact(keys.Executions+"*")),
		// What tables need is the catalogs' choice.
		allow([]string{"glue:GetConnection"}, l.glue("catalog"), l.glue("connection/*")),
		allow([]string{"iam:GetRole"}, *l.FormatArn(&awscdk.ArnComponents{Service: new("iam"), Region: new(""), Resource: new("role"), ResourceName: new("*")})),
		allow([]string{"secretsmanager:DescribeSecret"}, l.arn("secretsmanager", "secret", "*")),
		allow([]string{"s3:GetBucketLocation"}, "arn:"+*l.Partition()+":s3:::*"),
	}
}

func (l *landing) applyChangeMay() []awsiam.PolicyStatement {
	pass := func(roles ...string) awsiam.PolicyStatement {
		s := allow([]string{"iam:PassRole"}, roles...)
		s.AddCondition(new("StringEquals"), map[string]any{"iam:PassedToService": "glue.amazonaws.com"})
		return s
	}
	tags := []string{"glue:GetTags", "glue:TagResource", "glue:UntagResource"}
	return []awsiam.PolicyStatement{
		allow([]string{"glue:StartBlueprintRun", "glue:GetBlueprintRun"}, l.blueprints()...),
		allow(append([]string{"glue:BatchGetWorkflows", "glue:UpdateWorkflow", "glue:DeleteWorkflow", "glue:StopWorkflowRun"}, tags...), l.glue("workflow/*")),
		allow(append([]string{"glue:BatchGetTriggers", "glue:CreateTrigger", "glue:UpdateTrigger", "glue:StartTrigger", "glue:StopTrigger", "glue:DeleteTrigger"}, tags...), l.glue("trigger/*")),
		allow(append([]string{"glue:BatchGetJobs", "glue:CreateJob", "glue:UpdateJob", "glue:DeleteJob"}, tags...), l.glue("job/*")),
		allow(append([]string{"glue:BatchGetCrawlers", "glue:CreateCrawler", "glue:UpdateCrawler", "glue:DeleteCrawler"}, tags...), l.glue("crawler/*")),
		allow([]string{"s3:PutObject"}, l.artifact(keys.Executions+"*")),
		l.list(),
		allow([]string{"s3:GetObject"}, l.artifact(keys.Locks+"*")),
		// The job's role is passed when a job is updated.
		pass(*l.blueprintRole.RoleArn(), *l.jobRole.RoleArn()),
	}
}

func (l *landing) reportMay() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		l.list(),
		allow([]string{"s3:GetObject"}, l.artifact(keys.Executions+"*"), l.artifact(keys.Locks+"*")),
		allow([]string{"s3:PutObject"}, l.artifact(keys.Reports+"*")),
		allow([]string{"s3:DeleteObject"}, l.artifact(keys.Locks+"*")),
	}
}

// stateMachineMay is what a definition given as text cannot imply: calling the
// functions, and running a Distributed Map, which starts executions of its own machine.
func (l *landing) stateMachineMay() []awsiam.PolicyStatement {
	var functions []string
	for _, task := range statemachine.Tasks() {
		functions = append(functions, *l.functions[task].FunctionArn())
	}
	name := l.machineName()
	machine := *l.FormatArn(&awscdk.ArnComponents{Service: new("states"), Resource: new("stateMachine"), ResourceName: &name, ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	execution := *l.FormatArn(&awscdk.ArnComponents{Service: new("states"), Resource: new("execution"), ResourceName: new(name + "/*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	return []awsiam.PolicyStatement{
		allow([]string{"lambda:InvokeFunction"}, functions...),
		allow([]string{"sns:Publish"}, *l.topic.TopicArn()),
		allow([]string{"states:StartExecution"}, machine),
		allow([]string{"states:DescribeExecution", "states:StopExecution"}, execution),
		allow([]string{"s3:GetObject"}, l.artifact(keys.Executions+"*")),
		allow([]string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, l.artifact(keys.MapRuns+"*")),
	}
}

// roles are those that Glue itself takes: to run the blueprint, and to run the jobs.
func (l *landing) roles() {
	glue := awsiam.NewServicePrincipal(new("glue.amazonaws.com"), nil)
	l.jobRole = awsiam.NewRole(l.Stack, new("JobRole"), &awsiam.RoleProps{AssumedBy: glue, Description: new("Landfall: the Glue jobs that land tables")})
	for _, s := range l.jobMay() {
		l.jobRole.AddToPolicy(s)
	}
	l.blueprintRole = awsiam.NewRole(l.Stack, new("BlueprintRole"), &awsiam.RoleProps{AssumedBy: glue, Description: new("Landfall: runs of the blueprint, which create workflows")})
	for _, s := range l.blueprintMay() {
		l.blueprintRole.AddToPolicy(s)
	}
}

// blueprintMay is what a blueprint run creates, and deletes when it rolls back.
func (l *landing) blueprintMay() []awsiam.PolicyStatement {
	pass := allow([]string{"iam:PassRole"}, *l.jobRole.RoleArn())
	pass.AddCondition(new("StringEquals"), map[string]any{"iam:PassedToService": "glue.amazonaws.com"})
	return []awsiam.PolicyStatement{
		allow([]string{"glue:CreateWorkflow", "glue:GetWorkflow", "glue:DeleteWorkflow", "glue:TagResource"}, l.glue("workflow/*")),
		allow([]string{"glue:CreateJob", "glue:GetJob", "glue:DeleteJob", "glue:TagResource"}, l.glue("job/*")),
		allow([]string{"glue:CreateTrigger", "glue:GetTrigger", "glue:DeleteTrigger", "glue:TagResource"}, l.glue("trigger/*")),
		allow([]string{"glue:CreateCrawler", "glue:GetCrawler", "glue:DeleteCrawler", "glue:TagResource"}, l.glue("crawler/*")),
		pass,
	}
}

func (l *landing) jobMay() []awsiam.PolicyStatement {
	partition := *l.Partition()
	arn := func(service, resource string) string {
		return "arn:" + partition + ":" + service + ":" + *l.Region() + ":" + *l.Account() + ":" + resource
	}
	metrics := allow([]string{"cloudwatch:PutMetricData"}, "*") // knows no resource, so the namespace bounds it
	metrics.AddCondition(new("StringEquals"), map[string]any{"cloudwatch:namespace": "Glue"})
	tag := allow([]string{"ec2:CreateTags", "ec2:DeleteTags"}, arn("ec2", "network-interface/*"))
	tag.AddCondition(new("ForAllValues:StringEquals"), map[string]any{"aws:TagKeys": []string{"aws-glue-service-resource"}})
	return []awsiam.PolicyStatement{
		// Which secrets are read is the catalogs' choice.
		allow([]string{"secretsmanager:GetSecretValue"}, arn("secretsmanager", "secret:*")),
		allow([]string{"s3:GetObject"}, l.artifact(keys.Jobs+"*"), l.artifact(keys.Wheels+"*")),
		allow([]string{"s3:ListBucket"}, *l.raw.BucketArn()),
		allow([]string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}, *l.raw.ArnForObjects(new("*"))),
		allow([]string{
			"glue:CreateDatabase", "glue:GetTable", "glue:CreateTable", "glue:UpdateTable",
			"glue:GetPartitions", "glue:BatchCreatePartition", "glue:BatchUpdatePartition", "glue:BatchDeletePartition",
		}, l.glue("catalog"), l.glue("database/*"), l.glue("table/*")),
		allow([]string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}, arn("logs", "log-group:/aws-glue/*")),
		metrics,
		allow([]string{"glue:GetConnection"}, l.glue("catalog"), l.glue("connection/*")),
		// The network interface of a NETWORK connection; describing knows no resource.
		allow([]string{"ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints", "ec2:DescribeRouteTables", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcAttribute"}, "*"),
		allow([]string{"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"}, arn("ec2", "network-interface/*"), arn("ec2", "subnet/*"), arn("ec2", "security-group/*")),
		tag,
	}
}

package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"

	"github.com/landfall/landfall/internal/telemetry"
)

// alarmInput is one alarm: it rises when the metric reaches 1 within the period.
type alarmInput struct {
	id          string
	metric      awscloudwatch.IMetric
	description string // what happened, and what to do
	// ignoreMissingData keeps the alarm's state while there is no data; else no data means OK.
	ignoreMissingData bool
	// notifyOnOK sends a message also when the alarm ends.
	notifyOnOK bool
}

// alarm makes the alarms and sends them to the topic.
func (l *landing) alarm() {
	for _, in := range []alarmInput{
		{
			id: "ExecutionFailed", metric: l.machine.MetricFailed(&awscloudwatch.MetricOptions{Period: minutes(5)}),
			description: "An execution failed. Its cause, in the Step Functions console, says why and names the report. Fix that and start the state machine again; finished tables stay finished.",
		},
		{
			id: "TablesFailed", metric: l.metric(telemetry.MetricFailed, "Maximum", minutes(5)),
			description: "An execution could not bring every table's workflow in sync; the others are in sync. The report says for each table what to do.",
		},
		{
			id: "TablesStale", metric: l.metric(telemetry.MetricStale, "Maximum", minutes(60)), ignoreMissingData: true, notifyOnOK: true,
			description: "Tables have not landed for " + strings.TrimSuffix(l.built.staleAfter, "h") + " hours after they were due. The dashboard names them. Check in the Glue console whether the workflow started, and what its last job run reported.",
		},
		{
			id: "JobsFailed", metric: l.metric(telemetry.MetricJobFailed, "Sum", minutes(5)),
			description: "Job runs failed. The dashboard names the tables and their error messages. The next workflow run lands what the failed one did not; nothing is lost or doubled.",
		},
		{
			id: "UploadsUndelivered", metric: l.undelivered.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{Period: minutes(5), Statistic: new("Maximum")}), notifyOnOK: true,
			description: "A catalog was uploaded and could not start the state machine. Start it by hand with {}, then purge the queue.",
		},
		{
			id: "WatchFailed", metric: l.functions["WatchTables"].MetricErrors(&awscloudwatch.MetricOptions{Period: minutes(60)}), notifyOnOK: true,
			description: "The function that checks for stale tables and failed job runs fails, so the alarms TablesStale and JobsFailed are not reliable. Its log says why.",
		},
	} {
		l.newAlarm(in)
		// By ARN: the local endpoint's CloudFormation has no attributes of alarms.
		arn := l.FormatArn(&awscdk.ArnComponents{Service: new("cloudwatch"), Resource: new("alarm"), ResourceName: new(l.alarmName(in.id)), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
		l.alarms = append(l.alarms, awscloudwatch.Alarm_FromAlarmArn(l.Stack, new(in.id+"Named"), arn))
	}
}

func (l *landing) alarmName(id string) string { return *l.StackName() + "-" + id }

func (l *landing) newAlarm(in alarmInput) {
	missing := awscloudwatch.TreatMissingData_NOT_BREACHING
	if in.ignoreMissingData {
		missing = awscloudwatch.TreatMissingData_IGNORE
	}
	alarm := awscloudwatch.NewAlarm(l.Stack, new(in.id+"Alarm"), &awscloudwatch.AlarmProps{
		AlarmName: new(l.alarmName(in.id)), AlarmDescription: new("Landfall: " + in.description), Metric: in.metric,
		Threshold: new(1.0), EvaluationPeriods: new(1.0),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD, TreatMissingData: missing,
	})
	action := awscloudwatchactions.NewSnsAction(l.topic)
	alarm.AddAlarmAction(action)
	if in.notifyOnOK {
		alarm.AddOkAction(action)
	}
}

// metric is one of the metrics that the functions write to their logs.
func (l *landing) metric(name, statistic string, period awscdk.Duration) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: new(telemetry.Namespace), MetricName: &name, DimensionsMap: &map[string]*string{telemetry.StackDimension: l.StackName()},
		Statistic: &statistic, Period: period,
	})
}

func minutes(n float64) awscdk.Duration { return awscdk.Duration_Minutes(&n) }

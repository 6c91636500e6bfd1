package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/telemetry"
)

// dashboard shows, from top to bottom: whether something is wrong, since when,
// and with which table. It reads only the functions' metrics and logs.
func (l *landing) dashboard() {
	row := func(widgets ...awscloudwatch.IWidget) *[]awscloudwatch.IWidget { return &widgets }
	awscloudwatch.NewDashboard(l.Stack, new("Overview"), &awscloudwatch.DashboardProps{
		DashboardName: l.StackName(), DefaultInterval: awscdk.Duration_Days(new(3.0)),
		Widgets: &[]*[]awscloudwatch.IWidget{
			row(l.links()),
			row(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{Title: new("Alarms"), Alarms: &l.alarms, Width: new(24.0), Height: new(3.0)})),
			row(l.graph("Stale tables, and tables with a schedule", "table", l.metric(telemetry.MetricStale, "Maximum", minutes(60)), l.metric(telemetry.MetricScheduled, "Maximum", minutes(60))),
				l.jobFailures(),
				l.graph("Executions", "execution", l.machine.MetricStarted(nil), l.machine.MetricSucceeded(nil), l.machine.MetricFailed(nil), l.machine.MetricAborted(nil))),
			row(l.logs("Stale tables, checked every hour", "WatchTables", telemetry.TableStale, "fields @timestamp, table, due, hours_late, workflow", "sort @timestamp desc", "dedup table", "limit 50")),
			row(l.logs("Failed job runs", "WatchTables", telemetry.JobRunFailed, "fields @timestamp, table, state, error, job_run", "sort @timestamp desc", "limit 50")),
			row(l.logs("Tables whose workflow is not in sync", "ApplyChange", telemetry.ChangeFailed, "fields @timestamp, table, action, error, workflow", "sort @timestamp desc", "limit 50")),
			row(l.changes(), l.graph("How long an execution took", "seconds", l.metric(telemetry.MetricExecution, "Maximum", minutes(60))),
				l.graph("How long one change took", "seconds", l.metric(telemetry.MetricChange, "p50", minutes(60)), l.metric(telemetry.MetricChange, "p95", minutes(60)), l.metric(telemetry.MetricChange, "Maximum", minutes(60)))),
			row(l.perFunction("Function errors", "Errors", "Sum"), l.perFunction("Longest invocation, milliseconds", "Duration", "Maximum"), l.perFunction("Throttled invocations", "Throttles", "Sum")),
		},
	})
}

func (l *landing) links() awscloudwatch.IWidget {
	console := "https://" + *l.Region() + ".console.aws.amazon.com/"
	region := "region=" + *l.Region()
	return awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{
		Width: new(24.0), Height: new(2.0), Background: awscloudwatch.TextWidgetBackground_TRANSPARENT,
		Markdown: new("**Landfall** · [state machine](" + console + "states/home?" + region + "#/statemachines/view/" + *l.machine.StateMachineArn() + ")" +
			" · [reports](" + console + "s3/buckets/" + *l.artifacts.BucketName() + "?prefix=" + keys.Reports + "&" + region + ")" +
			" · [workflows](" + console + "glue/home?" + region + "#etl:tab=workflows)" +
			" · After a failed execution: read its cause, fix it, start the state machine again. After a failed job run: the next one lands what it did not."),
	})
}

func (l *landing) graph(title, axis string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: &title, Width: new(8.0), Height: new(6.0), Left: &metrics,
		LeftYAxis: &awscloudwatch.YAxisProps{Min: new(0.0), Label: &axis, ShowUnits: new(false)},
	})
}

// jobFailures has a line for each table whose job runs failed.
func (l *landing) jobFailures() awscloudwatch.IWidget {
	search := fmt.Sprintf(`SEARCH('{%s,%s,%s} MetricName="%s" %[2]s="%[5]s"', 'Sum')`,
		telemetry.Namespace, telemetry.StackDimension, telemetry.TableDimension, telemetry.MetricJobFailed, *l.StackName())
	return l.graph("Job failures by table", "job run", awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: &search, Label: new(""), Period: minutes(60), UsingMetrics: &map[string]awscloudwatch.IMetric{},
	}))
}

func (l *landing) changes() awscloudwatch.IWidget {
	var metrics []awscloudwatch.IMetric
	for _, name := range []string{
		telemetry.MetricCreated, telemetry.MetricUpdated, telemetry.MetricDeleted, telemetry.MetricFailed, telemetry.MetricConflicts, telemetry.MetricOrphans,
	} {
		metrics = append(metrics, l.metric(name, "Sum", minutes(60)))
	}
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: new("What executions did to tables"), Width: new(8.0), Height: new(6.0), Left: &metrics, View: awscloudwatch.GraphWidgetView_BAR, Stacked: new(false),
		SetPeriodToTimeRange: new(true),
	})
}

func (l *landing) perFunction(title, metric, statistic string) awscloudwatch.IWidget {
	var metrics []awscloudwatch.IMetric
	for _, id := range slices.Sorted(maps.Keys(l.functions)) {
		metrics = append(metrics, l.functions[id].Metric(&metric, &awscloudwatch.MetricOptions{Statistic: &statistic, Label: new(id), Period: minutes(5)}))
	}
	return l.graph(title, "", metrics...)
}

// logs is a query for the lines with the message in the log of one function, whose lines are JSON.
func (l *landing) logs(title, function, message string, lines ...string) awscloudwatch.IWidget {
	lines = append([]string{fmt.Sprintf("filter msg = %q", message)}, lines...)
	return awscloudwatch.NewLogQueryWidget(&awscloudwatch.LogQueryWidgetProps{
		Title: &title, Width: new(24.0), Height: new(5.0), LogGroupNames: &[]*string{l.functions[function].LogGroup().LogGroupName()},
		QueryLines: pointers(lines), View: awscloudwatch.LogQueryVisualizationType_TABLE,
	})
}

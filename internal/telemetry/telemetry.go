// Package telemetry names what the functions measure and log, for the functions
// that write it and for the alarms and the dashboard that read it. It imports nothing.
package telemetry

// Namespace holds Landfall's metrics in CloudWatch. Every metric has the
// dimension Stack, so that two stacks of an account do not mix.
const (
	Namespace      = "Landfall"
	StackDimension = "Stack"
	// TableDimension splits JobFailures by table.
	TableDimension = "Table"
)

// Names of the metrics.
const (
	MetricCreated    = "TablesCreated"
	MetricUpdated    = "TablesUpdated"
	MetricDeleted    = "TablesDeleted"
	MetricUnchanged  = "TablesUnchanged"
	MetricOrphans    = "TablesOrphaned"
	MetricConflicts  = "TablesInConflict"
	MetricFailed     = "TablesFailed" // in conflict or failed
	MetricExecution  = "ExecutionSeconds"
	MetricChange     = "ChangeSeconds"
	MetricScheduled  = "TablesScheduled"
	MetricStale      = "TablesStale"
	MetricUnreadable = "CatalogsUnreadable"
	MetricJobFailed  = "JobFailures"
)

// Messages of log lines that the dashboard searches for.
const (
	TableStale   = "table stale"
	JobRunFailed = "job run failed"
	ChangeFailed = "change failed"
)

// Measurement is metrics that were taken at one moment.
type Measurement struct {
	// Counts and Seconds are the metrics by name; a metric of seconds may have several values.
	Counts  map[string]int
	Seconds map[string][]float64
	// Dimension is the property that becomes an extra CloudWatch dimension. It may be empty.
	Dimension string
	// Properties say what it is about. They can be searched and are not counted.
	Properties map[string]any
}

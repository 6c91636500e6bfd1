// Package telemetry names what the functions measure and log, as the alarms and
// the dashboard of the stack read it. It imports nothing, so both sides may use it.
package telemetry

// Measurement is metrics that were taken at one moment.
type Measurement struct {
	// Counts and Seconds are the metrics by name; a metric of seconds may have several values.
	Counts  map[string]int
	Seconds map[string][]float64
	// By names one of Properties by whose values the metrics are told apart, besides their sum. It may be empty.
	By string
	// Properties say what it is about. They are searched, not counted.
	Properties map[string]any
}

// Names of the metrics. The alarms and the dashboard of the stack use them.
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

package reconcile

// Metrics takes measurements. That one is lost stops nothing, so there is no error.
type Metrics interface {
	Emit(m Measurement)
}

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

// measure emits what an execution did. A dry run did nothing.
func (r *Reconciler) measure(in ReportInput, result Result, reports []*CatalogReport) {
	if result.DryRun || r.Metrics == nil {
		return
	}
	catalogs, changes := []string{}, []float64{}
	for _, report := range reports {
		catalogs = append(catalogs, report.Catalog)
		for _, row := range report.Tables {
			if row.Seconds > 0 {
				changes = append(changes, row.Seconds)
			}
		}
	}
	c := result.Counts
	r.Metrics.Emit(Measurement{
		Counts: map[string]int{
			MetricCreated: c.Created, MetricUpdated: c.Updated, MetricDeleted: c.Deleted, MetricUnchanged: c.Unchanged,
			MetricOrphans: c.Orphans, MetricConflicts: c.Conflicts, MetricFailed: c.Failed + c.Conflicts,
		},
		Seconds: map[string][]float64{
			MetricExecution: {r.Now().Sub(in.StartedAt).Seconds()}, MetricChange: changes,
		},
		Properties: map[string]any{
			"execution": in.Execution, "catalogs": catalogs, "status": result.Status, "error": result.Error, "reports": result.Reports,
		},
	})
}

package report

import "github.com/landfall/landfall/internal/telemetry"

// measure emits what an execution did. A dry run did nothing.
func (t *Task) measure(in Input, result Result, reports []*CatalogReport) {
	if result.DryRun {
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
	t.Metrics.Emit(telemetry.Measurement{
		Counts: map[string]int{
			telemetry.MetricCreated: c.Created, telemetry.MetricUpdated: c.Updated, telemetry.MetricDeleted: c.Deleted, telemetry.MetricUnchanged: c.Unchanged,
			telemetry.MetricOrphans: c.Orphans, telemetry.MetricConflicts: c.Conflicts, telemetry.MetricFailed: c.Failed + c.Conflicts,
		},
		Seconds: map[string][]float64{
			telemetry.MetricExecution: {t.Now().Sub(in.StartedAt).Seconds()}, telemetry.MetricChange: changes,
		},
		Properties: map[string]any{
			"execution": in.Execution, "catalogs": catalogs, "status": result.Status, "error": result.Error, "reports": result.Reports,
		},
	})
}

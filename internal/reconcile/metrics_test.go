package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type kept struct{ all []Measurement }

func (k *kept) Emit(m Measurement) { k.all = append(k.all, m) }

func TestAnExecutionIsMeasuredAndADryRunIsNot(t *testing.T) {
	started := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	result := Result{Status: "Failed", Error: TablesFailed, Counts: Counts{Created: 2, Unchanged: 5, Orphans: 1, Conflicts: 1, Failed: 3}, Reports: []string{"s3://b/r"}}
	reports := []*CatalogReport{{Catalog: "hr", Tables: []Row{{Seconds: 21}, {}, {Seconds: 25}}}}
	k := &kept{}
	r := &Reconciler{Metrics: k, Now: func() time.Time { return started.Add(90 * time.Second) }}
	r.measure(ReportInput{Execution: "e", StartedAt: started}, result, reports)
	want := []Measurement{{
		Counts: map[string]int{
			MetricCreated: 2, MetricUpdated: 0, MetricDeleted: 0, MetricUnchanged: 5, MetricOrphans: 1, MetricConflicts: 1,
			// The alarm rises for a table in conflict, too: it is not in step.
			MetricFailed: 4,
		},
		Seconds:    map[string][]float64{MetricExecution: {90}, MetricChange: {21, 25}},
		Properties: map[string]any{"execution": "e", "catalogs": []string{"hr"}, "status": "Failed", "error": TablesFailed, "reports": []string{"s3://b/r"}},
	}}
	if diff := cmp.Diff(want, k.all); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
	result.DryRun, k.all = true, nil
	r.measure(ReportInput{StartedAt: started}, result, reports)
	if len(k.all) != 0 {
		t.Errorf("a dry run, which did nothing, was measured: %+v", k.all)
	}
}

package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/telemetry"
)

type kept struct{ all []telemetry.Measurement }

func (k *kept) Emit(m telemetry.Measurement) { k.all = append(k.all, m) }

func TestAnExecutionIsMeasuredAndADryRunIsNot(t *testing.T) {
	started := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	result := Result{Status: "Failed", Error: reconcile.TablesFailed, Counts: Counts{Created: 2, Unchanged: 5, Orphans: 1, Conflicts: 1, Failed: 3}, Reports: []string{"s3://b/r"}}
	reports := []*CatalogReport{{Catalog: "hr", Tables: []Row{{Seconds: 21}, {}, {Seconds: 25}}}}
	k := &kept{}
	r := &Task{Metrics: k, Now: func() time.Time { return started.Add(90 * time.Second) }}
	r.measure(Input{Execution: "e", StartedAt: started}, result, reports)
	want := []telemetry.Measurement{{
		Counts: map[string]int{
			telemetry.MetricCreated: 2, telemetry.MetricUpdated: 0, telemetry.MetricDeleted: 0, telemetry.MetricUnchanged: 5, telemetry.MetricOrphans: 1, telemetry.MetricConflicts: 1,
			// A table in conflict is not in sync and raises the alarm, too.
			telemetry.MetricFailed: 4,
		},
		Seconds:    map[string][]float64{telemetry.MetricExecution: {90}, telemetry.MetricChange: {21, 25}},
		Properties: map[string]any{"execution": "e", "catalogs": []string{"hr"}, "status": "Failed", "error": reconcile.TablesFailed, "reports": []string{"s3://b/r"}},
	}}
	if diff := cmp.Diff(want, k.all); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
	result.DryRun, k.all = true, nil
	r.measure(Input{StartedAt: started}, result, reports)
	if len(k.all) != 0 {
		t.Errorf("a dry run, which did nothing, was measured: %+v", k.all)
	}
}

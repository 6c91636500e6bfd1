package lambda_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/telemetry"
)

func emitted(t *testing.T, m telemetry.Measurement) []string {
	t.Helper()
	var out bytes.Buffer
	metrics := &lambda.Metrics{Out: &out, Stack: "Landfall", Now: func() time.Time { return time.UnixMilli(1700000000123) }}
	metrics.Emit(m)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestMeasurementIsOneLineOfTheEmbeddedMetricFormat(t *testing.T) {
	got := emitted(t, telemetry.Measurement{
		Counts: map[string]int{"JobFailures": 1}, Seconds: map[string][]float64{"ChangeSeconds": {1.5, 2}, "None": {}}, Dimension: "Table",
		Properties: map[string]any{"Table": "hr.a", "job": "w_land"},
	})
	want := `{"ChangeSeconds":[1.5,2],"JobFailures":1,"Stack":"Landfall","Table":"hr.a",` +
		`"_aws":{"CloudWatchMetrics":[{"Dimensions":[["Stack"],["Stack","Table"]],"Metrics":[{"Name":"JobFailures","Unit":"Count"},{"Name":"ChangeSeconds","Unit":"Seconds"}],"Namespace":"Landfall"}],"Timestamp":1700000000123},` +
		`"job":"w_land"}`
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// CloudWatch drops a document with more than 100 values of a metric.
func TestMoreValuesThanADocumentTakesGoIntoFurtherOnes(t *testing.T) {
	values := make([]float64, 250)
	lines := emitted(t, telemetry.Measurement{Counts: map[string]int{"TablesCreated": 250}, Seconds: map[string][]float64{"ChangeSeconds": values}})
	total, counted := 0, 0
	for _, line := range lines {
		var document struct {
			ChangeSeconds []float64
			TablesCreated int
		}
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			t.Fatal(err)
		}
		if len(document.ChangeSeconds) > 100 {
			t.Errorf("%d values in a document", len(document.ChangeSeconds))
		}
		total += len(document.ChangeSeconds)
		counted += document.TablesCreated
	}
	if total != len(values) || counted != 250 {
		t.Errorf("%d values and a count of %d arrived, want 250 and 250", total, counted)
	}
}

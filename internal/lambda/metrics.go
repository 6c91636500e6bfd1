package lambda

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/landfall/landfall/internal/telemetry"
)

// maxValues is how many values one document may have for a metric.
const maxValues = 100

// Metrics writes measurements in CloudWatch's embedded metric format: a line of
// JSON on a function's standard output that CloudWatch Logs turns into metrics.
// No call is made and no permission is needed.
//
// The format: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Metrics struct {
	Out io.Writer
	// Stack is a dimension of every metric, so that two stacks of an account do not mix.
	Stack string
	Now   func() time.Time
}

// Emit implements the Metrics of report and watch.
func (m *Metrics) Emit(of telemetry.Measurement) {
	document := map[string]any{}
	maps.Copy(document, of.Properties)
	document[telemetry.StackDimension] = m.Stack
	metrics := []map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(of.Counts)) {
		metrics = append(metrics, map[string]string{"Name": name, "Unit": "Count"})
		document[name] = of.Counts[name]
	}
	// A document takes a bounded number of values; what is left goes into further ones.
	rest := map[string][]float64{}
	for _, name := range slices.Sorted(maps.Keys(of.Seconds)) {
		values := of.Seconds[name]
		if len(values) == 0 {
			continue
		}
		metrics = append(metrics, map[string]string{"Name": name, "Unit": "Seconds"})
		document[name] = values[:min(len(values), maxValues)]
		if len(values) > maxValues {
			rest[name] = values[maxValues:]
		}
	}
	dimensions := [][]string{{telemetry.StackDimension}}
	if of.Dimension != "" {
		dimensions = append(dimensions, []string{telemetry.StackDimension, of.Dimension})
	}
	document["_aws"] = map[string]any{
		"Timestamp":         m.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{"Namespace": telemetry.Namespace, "Dimensions": dimensions, "Metrics": metrics}},
	}
	m.write(document)
	if len(rest) > 0 {
		m.Emit(telemetry.Measurement{Seconds: rest, Dimension: of.Dimension, Properties: of.Properties})
	}
}

func (m *Metrics) write(document map[string]any) {
	line, err := json.Marshal(document)
	if err == nil {
		// One write: lines of a log must not be interleaved.
		_, err = m.Out.Write(append(line, '\n'))
	}
	if err != nil {
		slog.Warn("metrics lost", "error", err)
	}
}

package benchdeploy_test

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/local/benchdeploy"
)

// The counts of a small run are exact; its times mean nothing.
func TestRunCountsWhatADeploymentTook(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	var samples []benchdeploy.Sample
	config := benchdeploy.Config{Root: root, Sizes: []int{2}, Factor: 50, CallLatency: time.Millisecond, Progress: io.Discard}
	if err := benchdeploy.Run(t.Context(), config, func(s benchdeploy.Sample) { samples = append(samples, s) }); err != nil {
		t.Fatal(err)
	}
	var names []string
	runs := map[string]int{benchdeploy.FirstDeploy: 2, benchdeploy.OneChanged: 1, benchdeploy.LayoutChanged: 2}
	for _, s := range samples {
		names = append(names, s.Scenario)
		if s.BlueprintRuns != runs[s.Scenario] || (s.Children > 0) != (runs[s.Scenario] > 0) {
			t.Errorf("%s: %d blueprint runs and %d children of the Map, want %d runs", s.Scenario, s.BlueprintRuns, s.Children, runs[s.Scenario])
		}
		if s.Cost.Total() <= 0 || s.Functions["PlanWorkflows"].Invocations != 1 || s.Functions["Report"].PeakMemory < 1<<20 || s.S3["PUT"] < 3 {
			t.Errorf("%s: %+v", s.Scenario, s)
		}
		if quiet := s.Scenario == benchdeploy.NothingChanged || s.Scenario == benchdeploy.CodeChanged; quiet && (s.GlueCalls == 0 || s.GlueCalls > 10) {
			t.Errorf("%s: Glue calls %v, want a few lists and gets and none per table", s.Scenario, s.Glue)
		}
	}
	if !slices.Equal(names, benchdeploy.Scenarios) {
		t.Errorf("scenarios %v, want %v", names, benchdeploy.Scenarios)
	}
	var page strings.Builder
	if benchdeploy.Print(&page, config, samples); strings.Contains(page.String(), "FAIL") {
		t.Errorf("a bar fails with two tables:\n%s", page.String())
	}
}

func TestBarsPassFailOrAreNotRun(t *testing.T) {
	within := benchdeploy.Sample{Tables: 1000, Scenario: benchdeploy.NothingChanged, GlueCalls: 110, Transitions: 12}
	cases := map[string]struct {
		reason string
		change func(*benchdeploy.Sample)
		failed []string
	}{
		"within":          {"at the limit is within it", func(*benchdeploy.Sample) {}, nil},
		"one call more":   {"", func(s *benchdeploy.Sample) { s.GlueCalls++ }, []string{"1,000 tables, nothing changed: at most 110 Glue calls"}},
		"a blueprint run": {"", func(s *benchdeploy.Sample) { s.BlueprintRuns++ }, []string{"1,000 tables, nothing changed: no blueprint run"}},
		"a transition":    {"", func(s *benchdeploy.Sample) { s.Transitions++ }, []string{"1,000 tables, nothing changed: at most 12 state transitions"}},
		"another size":    {"the bar is about 1,000 tables", func(s *benchdeploy.Sample) { s.Tables, s.GlueCalls = 100, 999 }, nil},
		"another scenario": {"the bar is about nothing changed", func(s *benchdeploy.Sample) {
			s.Scenario, s.GlueCalls = benchdeploy.FirstDeploy, 999
			s.Wall, s.Concurrency = time.Second, 20
		}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := within
			c.change(&s)
			var failed []string
			for _, b := range benchdeploy.Bars([]benchdeploy.Sample{s}) {
				if b.Got != "" && !b.Passed {
					failed = append(failed, b.Name)
				}
			}
			if !slices.Equal(failed, c.failed) {
				t.Errorf("failed %v, want %v: %s", failed, c.failed, c.reason)
			}
		})
	}
}

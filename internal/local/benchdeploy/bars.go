package benchdeploy

import (
	"fmt"
	"math"
)

// Bar is a limit that a deployment must keep.
type Bar struct {
	Name string
	// Got is what was measured; empty when it was not.
	Got    string
	Passed bool
}

// wallTolerance is how far a first deploy may be from (tables ÷ concurrency) ×
// blueprint run, costTolerance how much more a table may cost among more of them.
const (
	wallTolerance = 1.10
	costTolerance = 1.20
)

// Bars compares the samples with the limits.
func Bars(samples []Sample) []Bar {
	find := func(tables int, scenario string) *Sample {
		for i := range samples {
			if samples[i].Tables == tables && samples[i].Scenario == scenario {
				return &samples[i]
			}
		}
		return nil
	}
	bars := []Bar{
		atMost("1,000 tables, nothing changed: at most 110 Glue calls", find(1000, NothingChanged), 110, func(s *Sample) int { return s.GlueCalls }),
		atMost("1,000 tables, nothing changed: no blueprint run", find(1000, NothingChanged), 0, func(s *Sample) int { return s.BlueprintRuns }),
		atMost("1,000 tables, nothing changed: at most 12 state transitions", find(1000, NothingChanged), 12, func(s *Sample) int { return s.Transitions }),
		atMost("1,000 tables, one entry changed: at most 125 Glue calls", find(1000, OneChanged), 125, func(s *Sample) int { return s.GlueCalls }),
	}
	bars = append(bars, codeBar(samples, find), wallBar(samples), planBar(samples), costBar(samples))
	return bars
}

func atMost(name string, s *Sample, limit int, of func(*Sample) int) Bar {
	b := Bar{Name: name}
	if s != nil {
		b.Got, b.Passed = fmt.Sprint(of(s)), of(s) <= limit
	}
	return b
}

// codeBar: new job code is live for all tables at once, so that an execution calls Glue no more often than
// when nothing changed.
func codeBar(samples []Sample, find func(int, string) *Sample) Bar {
	b := Bar{Name: "job code changed: no call per table", Passed: true}
	for _, s := range samples {
		if s.Scenario != CodeChanged {
			continue
		}
		unchanged := find(s.Tables, NothingChanged)
		if unchanged == nil {
			continue
		}
		more := s.GlueCalls - unchanged.GlueCalls
		b.Got += fmt.Sprintf("%s%d tables: %+d", separator(b.Got), s.Tables, more)
		b.Passed = b.Passed && more == 0 && s.Children == 0
	}
	b.Passed = b.Passed && b.Got != ""
	return b
}

func separator(s string) string {
	if s == "" {
		return ""
	}
	return ", "
}

// wallBar compares sizes that fill the Map several times over. With fewer tables the rest of an execution dominates.
func wallBar(samples []Sample) Bar {
	b := Bar{Name: fmt.Sprintf("first deploy of 1,000 and more: within 10 %% of tables ÷ concurrency × %s", BlueprintRunLatency()), Passed: true}
	for _, s := range samples {
		if s.Scenario != FirstDeploy || s.Tables < 1000 {
			continue
		}
		ideal := math.Ceil(float64(s.Tables)/float64(s.Concurrency)) * BlueprintRunLatency().Seconds()
		ratio := s.Wall.Seconds() / ideal
		b.Got += fmt.Sprintf("%s%d tables, %d at once: %.0f s of %.0f s (%+.0f %%)", separator(b.Got), s.Tables, s.Concurrency, s.Wall.Seconds(), ideal, 100*(ratio-1))
		b.Passed = b.Passed && ratio <= wallTolerance
	}
	b.Passed = b.Passed && b.Got != ""
	return b
}

func planBar(samples []Sample) Bar {
	b := Bar{Name: "10,000 tables: PlanWorkflows under 60 s of Lambda time at 256 MB"}
	for _, s := range samples {
		f := s.Functions["PlanWorkflows"]
		if s.Tables != 10_000 || f.Invocations == 0 {
			continue
		}
		b.Passed = (b.Got == "" || b.Passed) && f.Seconds < 60 && f.MemoryMB == 256 && f.PeakMemory < 256<<20
		b.Got += fmt.Sprintf("%s%.1f s, %d MB used of %d (%s)", separator(b.Got), f.Seconds, f.PeakMemory>>20, f.MemoryMB, s.Scenario)
	}
	return b
}

// costBar: from 100 tables on, the price of a first deploy per table does not grow with their number.
func costBar(samples []Sample) Bar {
	b := Bar{Name: "first deploy: the price grows no faster than the number of tables", Passed: true}
	least, sizes := math.Inf(1), 0
	for _, s := range samples {
		if s.Scenario != FirstDeploy || s.Tables < 100 {
			continue
		}
		each := s.Cost.Total() / float64(s.Tables) * 1000
		b.Passed = b.Passed && each <= least*costTolerance
		least, sizes = min(least, each), sizes+1
		b.Got += fmt.Sprintf("%s%d tables: $%.3f per 1,000", separator(b.Got), s.Tables, each)
	}
	if sizes < 2 {
		b.Got = ""
	}
	return b
}

package benchdeploy

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/statemachine"
)

// Print writes the samples as a table, the Glue calls by operation, the functions, and the bars.
func Print(out io.Writer, c Config, samples []Sample) (passed bool) {
	fmt.Fprintf(out, `
The real definition, driven by the interpreter in internal/local/stepfunctions (moto's waits in real seconds and takes 80 ms of one
processor per table), the real Lambda binaries and the local Glue. Every wait is divided by %g: a blueprint run of %s
took %s here, a call of AWS is taken to need %s. WALL is what was measured times %g, so processor time spent here is
counted %g times: it errs to the long side. The functions' clock runs as much faster.
LAMBDA is processor time measured here at 1,769 MB per vCPU, and the waits for AWS. Prices: %s.

`, c.Factor, BlueprintRunLatency(), time.Duration(float64(BlueprintRunLatency())/c.Factor), c.CallLatency, c.Factor, c.Factor, PricesAsOf)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "TABLES\tSCENARIO\tWALL\tMEASURED\tGLUE CALLS\tBLUEPRINT RUNS\tTRANSITIONS\tS3 WRITES\tS3 READS\tLAMBDA GB-S\tPEAK MB\tPRICE\t")
	for _, s := range samples {
		gb, peak := 0.0, int64(0)
		for _, f := range s.Functions {
			gb, peak = gb+f.GBSeconds, max(peak, f.PeakMemory)
		}
		writes := s.S3["PUT"] + s.S3["COPY"] + s.S3["POST"] + s.S3["LIST"]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.2f\t%d\t$%.4f\t\n", s.Tables, s.Scenario, humanize.Duration(s.Wall), humanize.Duration(s.Measured),
			s.GlueCalls, s.BlueprintRuns, s.Transitions, writes, s.S3["GET"]+s.S3["HEAD"], gb, peak>>20, s.Cost.Total())
	}
	w.Flush()
	fmt.Fprintln(out, "\nGlue calls by operation")
	for _, s := range samples {
		fmt.Fprintf(out, "  %6d %-18s %s\n", s.Tables, s.Scenario, counts(s.Glue))
	}
	fmt.Fprintln(out, "\nFunctions: invocations, seconds of Lambda at its memory, peak memory here")
	for _, s := range samples {
		var parts []string
		for _, name := range statemachine.Tasks() {
			if f := s.Functions[name]; f.Invocations > 0 {
				parts = append(parts, fmt.Sprintf("%s %d, %.1f s at %d MB, %d MB", name, f.Invocations, f.Seconds, f.MemoryMB, f.PeakMemory>>20))
			}
		}
		fmt.Fprintf(out, "  %6d %-18s %s\n", s.Tables, s.Scenario, strings.Join(parts, " · "))
	}
	return printBars(out, Bars(samples))
}

func printBars(out io.Writer, bars []Bar) (passed bool) {
	fmt.Fprintln(out, "\nBars")
	passed = true
	for _, b := range bars {
		verdict := "pass"
		switch {
		case b.Got == "":
			verdict, b.Got = "    ", "not run"
		case !b.Passed:
			verdict, passed = "FAIL", false
		}
		fmt.Fprintf(out, "  %s  %s: %s\n", verdict, b.Name, b.Got)
	}
	return passed
}

func counts(of map[string]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		if of[a] != of[b] {
			return of[b] - of[a]
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s %d", name, of[name])
	}
	return strings.Join(parts, " · ")
}

package benchdeploy

import (
	"strings"

	"github.com/landfall/landfall/internal/local/functions"
)

// Prices are list prices of us-east-1 without the free tier, in US dollars, as
// known in November 2026: Step Functions' from a copy of AWS's pricing page,
// Lambda's and S3's from pages of others that quote theirs.
// Left out, because they are cents: CloudWatch Logs and metrics, SNS, EventBridge.
const (
	priceTransition   = 0.025 / 1000 // Step Functions, Standard
	priceGBSecond     = 0.0000133334 // Lambda, arm64
	priceInvocation   = 0.20 / 1e6
	priceWrite        = 0.005 / 1000  // S3: PUT, COPY, POST, LIST
	priceRead         = 0.0004 / 1000 // S3: GET and all others; DELETE is free
	PricesAsOf        = "list prices of us-east-1, November 2026"
	megabytesPerCPU   = 1769 // "at 1,769 MB, a function has the equivalent of one vCPU" (Lambda Developer Guide, memory)
	megabytesPerGB    = 1024
	leastMilliseconds = 0.001 // Lambda rounds an invocation up to a millisecond
)

// Cost is the price of one deployment, in US dollars.
type Cost struct{ StepFunctions, Lambda, S3 float64 }

func (c Cost) Total() float64 { return c.StepFunctions + c.Lambda + c.S3 }

func (s *Sample) price() Cost {
	c := Cost{StepFunctions: float64(s.Transitions) * priceTransition}
	for _, f := range s.Functions {
		c.Lambda += f.GBSeconds*priceGBSecond + float64(f.Invocations)*priceInvocation
	}
	for operation, n := range s.S3 {
		switch operation {
		case "PUT", "COPY", "POST", "LIST":
			c.S3 += float64(n) * priceWrite
		case "DELETE", "SNS":
		default:
			c.S3 += float64(n) * priceRead
		}
	}
	return c
}

// sample is the difference of two readings.
func (w *world) sample(before, after reading) Sample {
	s := Sample{Glue: map[string]int{}, S3: map[string]int{}, Functions: map[string]FunctionSample{}}
	for operation, n := range after.glue {
		if n -= before.glue[operation]; n == 0 || strings.HasPrefix(operation, "BlueprintRun/") {
			continue
		}
		s.Glue[operation] = n
		s.GlueCalls += n
	}
	s.BlueprintRuns = s.Glue["StartBlueprintRun"]
	for operation, n := range after.s3 {
		if n -= before.s3[operation]; n > 0 {
			s.S3[operation] = n
		}
	}
	for name, f := range after.functions {
		spec := w.source.artifacts.spec[name]
		calls := 0
		for service, n := range after.calls[name] {
			calls += n - before.calls[name][service]
		}
		seconds := w.lambdaSeconds(name, f, calls, spec.MemorySize)
		s.Functions[name] = FunctionSample{
			Invocations: f.Invocations, Seconds: seconds, MemoryMB: spec.MemorySize,
			GBSeconds: seconds * float64(spec.MemorySize) / megabytesPerGB, PeakMemory: f.PeakMemory, CPU: f.CPU,
		}
	}
	return s
}

// lambdaSeconds estimates what Lambda would bill. The processor time that was
// measured here is stretched by the share of a processor that the function's
// memory buys. The time it waited for AWS is added: as measured, scaled up
// again, but not more than its calls take one after the other, because on a
// busy machine a process waits for the processor, too. ApplyChange also waits for
// Glue without a call: its time counts whole.
func (w *world) lambdaSeconds(name string, f functions.Stats, calls, memoryMB int) float64 {
	share := min(1, float64(memoryMB)/megabytesPerCPU)
	waited := max(0, (f.Busy-f.CPU).Seconds()) * w.config.Factor
	if name != "ApplyChange" {
		waited = min(waited, float64(calls)*w.config.CallLatency.Seconds())
	}
	return f.CPU.Seconds()/share + waited + leastMilliseconds*float64(f.Invocations)
}

package benchdeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/landfall/landfall/internal/local/functions"
	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/stepfunctions"
)

// Config says what to measure.
type Config struct {
	// Root is the working copy, with its build/ folder.
	Root string
	// Sizes are numbers of tables; each gets an empty account and every scenario in turn.
	Sizes []int
	// Scenarios are the names to run; those before one in Scenarios' order run too, because each starts where the one before ended.
	Scenarios []string
	// Factor divides every wait: Glue's latencies, the state machine's waits, and CallLatency.
	Factor float64
	// CallLatency is how long a call of an AWS service takes.
	CallLatency time.Duration
	// Concurrency is how many tables are worked on at once, and CallsPerSecond how often the functions may call Glue;
	// 0: as deployed.
	Concurrency    int
	CallsPerSecond float64
	// Throttle is above how many calls a second Glue throttles; 0 for never.
	Throttle float64
	// Progress gets lines about how far the run has come.
	Progress io.Writer
}

// BlueprintRunLatency is how long the local Glue lets a blueprint run of one job take: a time before anything is
// created, and the call that creates the trigger.
func BlueprintRunLatency() time.Duration {
	l := glue.Realistic()
	return l.BlueprintRun + l.TriggerCall
}

// Names of the scenarios, in their order.
const (
	FirstDeploy    = "first deploy"
	NothingChanged = "nothing changed"
	OneChanged     = "one entry changed"
	LayoutChanged  = "layout changed"
	CodeChanged    = "job code changed"
)

// Scenarios are what happens to an account, one after the other.
var Scenarios = []string{FirstDeploy, NothingChanged, OneChanged, CodeChanged, LayoutChanged}

// prepare changes what the scenario is named after.
func (w *world) prepare(ctx context.Context, scenario string, tables int) error {
	switch scenario {
	case FirstDeploy:
		if err := w.deploy(ctx, release{"layout 1", "job 1"}); err != nil {
			return err
		}
		return w.upload(ctx, tables, -1)
	case OneChanged:
		return w.upload(ctx, tables, tables/2)
	case CodeChanged:
		return w.deploy(ctx, release{"layout 1", "job 2"})
	case LayoutChanged:
		return w.deploy(ctx, release{"layout 2", "job 2"})
	default:
		return nil
	}
}

// Sample is what one deployment took.
type Sample struct {
	Tables   int
	Scenario string
	// Concurrency is how many tables were worked on at once.
	Concurrency int
	Status      string
	// Failure is why the execution failed.
	Failure string `json:",omitempty"`
	// Wall is the time it would have taken unscaled; Measured is what it took here.
	Wall, Measured time.Duration
	// Glue are the calls of the functions by operation, refused ones included.
	Glue          map[string]int
	GlueCalls     int
	BlueprintRuns int
	Transitions   int
	Children      int
	S3            map[string]int
	Functions     map[string]FunctionSample
	Cost          Cost
}

// FunctionSample is what one function took, all invocations together.
type FunctionSample struct {
	Invocations int
	// Seconds is Lambda's time by the model of lambdaSeconds.
	Seconds    float64
	GBSeconds  float64
	MemoryMB   int
	PeakMemory int64
	CPU        time.Duration
}

// Run measures every scenario at every size, smallest first. done gets each sample as it comes.
func Run(ctx context.Context, c Config, done func(Sample)) error {
	fmt.Fprintln(c.Progress, "building the Lambda functions ...")
	d, err := build(ctx, c.Root)
	if err != nil {
		return err
	}
	for _, tables := range c.Sizes {
		if err := runSize(ctx, c, d, tables, done); err != nil {
			return fmt.Errorf("%d tables: %w", tables, err)
		}
	}
	return nil
}

func runSize(ctx context.Context, c Config, d *artifacts, tables int, done func(Sample)) error {
	w, err := newWorld(ctx, c, d)
	if err != nil {
		return err
	}
	defer w.close()
	for _, scenario := range Scenarios[:lastWanted(c.Scenarios)+1] {
		if err := w.prepare(ctx, scenario, tables); err != nil {
			return err
		}
		sample, err := w.measure(ctx, scenario, tables)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario, err)
		}
		done(sample)
		if sample.Status != "SUCCEEDED" {
			return fmt.Errorf("%s: the execution ended %s: %s", scenario, sample.Status, sample.Failure)
		}
	}
	return nil
}

func lastWanted(names []string) int {
	last := len(Scenarios) - 1
	if len(names) == 0 {
		return last
	}
	last = 0
	for i, s := range Scenarios {
		for _, name := range names {
			if s == name {
				last = i
			}
		}
	}
	return last
}

// measure runs one execution with cold functions.
func (w *world) measure(ctx context.Context, scenario string, tables int) (Sample, error) {
	w.functions.Close()
	w.functions = functions.New(w.lambda)
	before := w.read()
	w.runs++
	name := fmt.Sprintf("bench-%d", w.runs)
	e := &stepfunctions.Execution{
		Machine: w.machine, Services: w, Scale: w.config.Factor, Name: name,
		ARN: "arn:aws:states:" + region + ":" + account + ":execution:Landfall-landing:" + name,
	}
	w.setExecuting(e.ARN, true)
	stop := w.follow(scenario, tables)
	started := time.Now()
	ended, err := e.Run(ctx, json.RawMessage(`{"catalog": "`+catalogKey+`"}`))
	took := time.Since(started)
	stop()
	w.setExecuting(e.ARN, false)
	if err != nil {
		return Sample{}, err
	}
	s := w.sample(before, w.read())
	s.Tables, s.Scenario, s.Concurrency, s.Status = tables, scenario, w.concurrency(), ended.Status
	s.Measured, s.Wall = took, time.Duration(float64(took)*w.config.Factor)
	s.Transitions, s.Children = ended.Transitions, ended.Children
	if ended.Failure != nil {
		s.Failure = ended.Failure.Error()
	}
	s.Cost = s.price()
	return s, nil
}

func (w *world) setExecuting(arn string, running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.executing[arn] = running
}

// follow prints how far an execution has come, until it is stopped.
func (w *world) follow(scenario string, tables int) (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	started, first := time.Now(), w.glue.Calls()["StartBlueprintRun"]
	go func() {
		defer close(gone)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprintf(w.config.Progress, "%6d tables, %-18s %6.1f s\n", tables, scenario, time.Since(started).Seconds())
				return
			case <-tick.C:
				fmt.Fprintf(w.config.Progress, "%6d tables, %-18s %6.1f s  %d blueprint runs\n", tables, scenario, time.Since(started).Seconds(), w.glue.Calls()["StartBlueprintRun"]-first)
			}
		}
	}()
	return func() { close(quit); <-gone }
}

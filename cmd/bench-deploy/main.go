// Command bench-deploy measures deployments: see internal/local/benchdeploy. It exits 1 when a bar does not hold.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/landfall/landfall/internal/local/benchdeploy"
)

type cli struct {
	Sizes          []int         `help:"Numbers of tables." default:"10,100,1000,10000"`
	Until          string        `help:"The last scenario to run; they build on one another: ${scenarios}." default:"${last}" enum:"${scenarios}"`
	Factor         float64       `help:"What every wait is divided by. The larger, the more this machine's own speed shows." default:"5"`
	CallLatency    time.Duration `help:"How long a call of an AWS service takes." default:"50ms"`
	Concurrency    int           `help:"How many tables are worked on at once; 0: as deployed."`
	CallsPerSecond float64       `help:"How often the functions may call Glue; 0: as deployed."`
	Throttle       float64       `help:"Above how many calls a second Glue throttles; 0: never." default:"0"`
	JSON           bool          `help:"Write the samples as JSON instead."`
	Root           string        `help:"The working copy." default:"." type:"existingdir"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	kong.Parse(&c, kong.Name("bench-deploy"), kong.Description("Measures deployments of catalogs of several sizes."),
		kong.Vars{"scenarios": strings.Join(benchdeploy.Scenarios, ","), "last": benchdeploy.Scenarios[len(benchdeploy.Scenarios)-1]})
	passed, err := run(ctx, c, os.Stdout, os.Stderr)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench-deploy:", err)
		os.Exit(2)
	case !passed:
		os.Exit(1)
	}
}

// run prints what was measured also when a later measurement fails.
func run(ctx context.Context, c cli, out, progress io.Writer) (passed bool, err error) {
	config := benchdeploy.Config{
		Root: c.Root, Sizes: c.Sizes, Scenarios: []string{c.Until}, Factor: c.Factor, CallLatency: c.CallLatency,
		Concurrency: c.Concurrency, CallsPerSecond: c.CallsPerSecond, Throttle: c.Throttle, Progress: progress,
	}
	var samples []benchdeploy.Sample
	err = benchdeploy.Run(ctx, config, func(s benchdeploy.Sample) { samples = append(samples, s) })
	if c.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if failed := encoder.Encode(samples); failed != nil {
			return false, failed
		}
		return err == nil, err
	}
	passed = benchdeploy.Print(out, config, samples)
	return passed && err == nil, err
}

// Package glue is a local AWS Glue service: blueprints, workflows, triggers, jobs and crawlers behind the awsJson1.1
// protocol, kept in memory. A blueprint's layout generator is really run, and so is a workflow. Nothing of it was
// compared with AWS itself: it follows Glue's documentation, SDK model and reports from the field. Where these leave
// the answer open, Unknowns chooses it.
package glue

import (
	"context"
	"log/slog"
	"time"

	"github.com/landfall/landfall/internal/local/glue/generator"
)

// Config is what a Server is built from. The zero value works, except that a blueprint needs Objects and Python.
type Config struct {
	AccountID string // default 123456789012
	Region    string // default eu-west-1
	Seed      uint64 // of every random name and id; the same seed and the same calls give the same names
	Latency   Latency
	Quotas    Quotas
	Unknowns  Unknowns
	// Objects reads an object of S3. An error whose ErrorCode() is AccessDenied is reported as denied access, any
	// other as an object that cannot be reached.
	Objects func(ctx context.Context, bucket, key string) ([]byte, error)
	Python  string // interpreter of layout generators
	// Layouts, where Servers share it, spares running a generator again with the same parameters. Nil: each blueprint
	// run runs it.
	Layouts *generator.Cache
	// KeepPython keeps the processes that run a blueprint's generator, which then fork for each run: for blueprint runs
	// by the thousand. The runs of a blueprint share its folder under /tmp, and
	// what a generator starts lives until Close.
	KeepPython bool
	Runner     Runner // nil: every job run succeeds after Latency.JobRun
	// JobSlots is how many job runs execute at the same time; the others wait. Default 2.
	JobSlots int
	// FireSchedules lets ACTIVATED SCHEDULED triggers fire by the clock (Now).
	FireSchedules bool
	Now           func() time.Time // default time.Now
	// OnCall is called after every call was answered, from several goroutines, and may call the
	// server itself.
	OnCall func(Call)
	// Fault, when it returns one, makes the n-th call (from 1) of an operation fail.
	Fault func(operation string, n int) *Fault
	Log   *slog.Logger // default discards

	triggerCall func() // for tests: takes the place of Latency.TriggerCall
}

// Latency is how long Glue takes. A zero field means 3 milliseconds, a negative one no time at all.
type Latency struct {
	BlueprintCreate  time.Duration // CREATING
	BlueprintUpdate  time.Duration // UPDATING
	BlueprintRun     time.Duration // RUNNING, before the first entity is created
	TriggerCall      time.Duration // length of a Create, Update or DeleteTrigger call: two that overlap on one workflow conflict
	TriggerCreate    time.Duration // CREATING, or ACTIVATING with StartOnCreation
	TriggerUpdate    time.Duration // UPDATING
	TriggerStart     time.Duration // ACTIVATING
	TriggerStop      time.Duration // DEACTIVATING
	TriggerDelete    time.Duration // DELETING
	WorkflowRunStart time.Duration // before the start trigger's actions
	WorkflowRunStop  time.Duration // STOPPING, at least
	JobRunStart      time.Duration // STARTING, at least
	JobRun           time.Duration // RUNNING, without a Runner
	Crawl            time.Duration // RUNNING of a crawler
}

// Realistic returns latencies as seen on AWS. TriggerDelete (25–70 s in acceptance tests of Terraform's provider) and
// WorkflowRunStop (documented: at most a minute) have a source; the others are plausible only.
func Realistic() Latency {
	return Latency{
		BlueprintCreate: 10 * time.Second, BlueprintUpdate: 10 * time.Second, BlueprintRun: 20 * time.Second,
		TriggerCall: 300 * time.Millisecond, TriggerCreate: 3 * time.Second, TriggerUpdate: 3 * time.Second,
		TriggerStart: 3 * time.Second, TriggerStop: 3 * time.Second, TriggerDelete: 45 * time.Second,
		WorkflowRunStart: 5 * time.Second, WorkflowRunStop: 30 * time.Second,
		JobRunStart: 30 * time.Second, JobRun: 60 * time.Second, Crawl: 60 * time.Second,
	}
}

// Scaled returns the latencies divided by the factor. What was set stays at least a nanosecond: zero would mean the default.
func (l Latency) Scaled(factor float64) Latency {
	for _, d := range l.fields() {
		if *d > 0 {
			*d = max(time.Duration(float64(*d)/factor), 1)
		}
	}
	return l
}

func (l *Latency) fields() []*time.Duration {
	return []*time.Duration{
		&l.BlueprintCreate, &l.BlueprintUpdate, &l.BlueprintRun, &l.TriggerCall, &l.TriggerCreate, &l.TriggerUpdate,
		&l.TriggerStart, &l.TriggerStop, &l.TriggerDelete, &l.WorkflowRunStart, &l.WorkflowRunStop, &l.JobRunStart,
		&l.JobRun, &l.Crawl,
	}
}

const defaultLatency = 3 * time.Millisecond

func (l Latency) withDefaults() Latency {
	for _, d := range l.fields() {
		if *d == 0 {
			*d = defaultLatency
		}
	}
	return l
}

// Quotas limit the account. A zero field means Glue's default, a negative one no limit.
type Quotas struct {
	Workflows         int // 1,000
	Triggers          int // 1,000
	Jobs              int // 2,000
	Crawlers          int // 1,000
	JobRuns           int // at the same time: 2,000
	Blueprints        int // not published by AWS: no limit
	BlueprintRuns     int // at the same time; not published by AWS: no limit
	CallsPerSecond    int // above it calls are answered ThrottlingException; not published by AWS: no limit
	CallsPerSecondMax int // burst; default CallsPerSecond
}

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&q.Workflows, 1000},
		{&q.Triggers, 1000},
		{&q.Jobs, 2000},
		{&q.Crawlers, 1000},
		{&q.JobRuns, 2000},
		{&q.Blueprints, -1},
		{&q.BlueprintRuns, -1},
		{&q.CallsPerSecond, -1},
		{&q.CallsPerSecondMax, q.CallsPerSecond},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return q
}

// exhausted reports whether one more would exceed a quota.
func exhausted(quota, have int) bool { return quota >= 0 && have >= quota }

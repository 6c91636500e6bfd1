package reconcile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/lambda"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/glue/generator"
	"github.com/landfall/landfall/internal/local/inmemory"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile/preflight"
	"github.com/landfall/landfall/internal/s3"
)

const (
	bucket = "artifacts"
	role   = "arn:aws:iam::123456789012:role/blueprint"
)

// layouts are those of all worlds: the same few blueprints run with the same few parameters.
var layouts generator.Cache

// world is a Glue and an S3 over HTTP, and executions that follow the real
// definition of the state machine with the real use cases.
type world struct {
	t       testing.TB
	backend *s3mem.Backend
	server  *localglue.Server
	api     *sdk.Client // past the gate
	gate    *gate
	objects artifacts
	// preflight are the checks before the first change, which ask account.
	preflight *preflight.Checks
	sleep     func(ctx context.Context, d time.Duration) error
	account   *holds
	keeper    *keeper
	layout    string // LAYOUT_VERSION
	n         int    // executions so far
	path      []string
	// stopAt stops the execution when it enters the state of this number; 0 is never.
	stopAt int
	// perSecond and concurrency are the stack's settings.
	perSecond   float64
	concurrency int
	// stepLimit is the longest that a step of a change takes; zero is as deployed.
	stepLimit time.Duration
	// began is when the world began, in its test's bubble.
	began time.Time
	// ahead is by how many nanoseconds now is ahead of the time in the bubble.
	ahead atomic.Int64

	// functions are those at work, in executions that were stopped too.
	functions sync.WaitGroup

	mu      sync.Mutex
	running map[string]bool // executions
	client  *glue.Client
}

// Running implements reconcile.Executions.
func (w *world) Running(_ context.Context, execution string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running[execution], nil
}

func newWorld(t testing.TB, behaviour localglue.Unknowns) *world {
	t.Helper()
	return newWorldWith(t, localglue.Config{Unknowns: behaviour})
}

const tenth = 100 * time.Millisecond

// quick is for tests in which nothing depends on how long Glue takes.
var quick = localglue.Latency{
	BlueprintCreate: tenth, BlueprintUpdate: tenth, BlueprintRun: tenth, TriggerCall: tenth / 1000,
	TriggerCreate: tenth, TriggerUpdate: tenth, TriggerStart: tenth, TriggerStop: tenth, TriggerDelete: 2 * tenth,
}

// newWorldWith is for a test in a bubble of synctest. Time advances there only while all goroutines wait, so that no
// result depends on the machine's speed.
func newWorldWith(t testing.TB, config localglue.Config) *world {
	t.Helper()
	python, err := filepath.Abs("../../build/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, backend: s3mem.New(), gate: newGate(), layout: "1", running: map[string]bool{}, concurrency: 100, began: time.Now(),
		account: &holds{missing: map[string]error{}, quotas: preflight.Quotas{Workflows: 1000, Triggers: 1000, Jobs: 2000}},
	}
	w.keeper = newKeeper(w)
	if err := w.backend.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	if config.Latency == (localglue.Latency{}) {
		config.Latency = quick
	}
	config.Python, config.Seed, config.Layouts, config.OnCall, config.Now = python, 7, &layouts, w.keeper.called, w.now
	config.Objects = func(_ context.Context, _, key string) ([]byte, error) { return w.object(key) }
	w.server = localglue.New(config)
	t.Cleanup(w.server.Close)
	w.gate.next = inmemory.Serve(t, map[string]http.Handler{"127.0.0.1": w.server, "127.0.0.2": gofakes3.New(w.backend).Server()})
	t.Cleanup(w.functions.Wait)
	at := func(url string) aws.Config {
		return aws.Config{
			Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
			HTTPClient: &http.Client{Transport: w.gate},
		}
	}
	identity, err := arn.Parse(role)
	if err != nil {
		t.Fatal(err)
	}
	w.client = glue.New(at("http://127.0.0.1"), identity)
	past := at("http://127.0.0.1")
	past.HTTPClient = &http.Client{Transport: w.gate.next}
	w.api = sdk.NewFromConfig(past)
	w.objects, w.sleep = s3.New(at("http://127.0.0.2"), bucket), lambda.Sleep
	w.preflight = &preflight.Checks{Account: w.account, Connections: w.account, Buckets: w.account, Log: discard}
	w.put("blueprint.zip", blueprintZIP(t, layoutSource))
	return w
}

// now begins at noon, far from every schedule of the tests.
func (w *world) now() time.Time {
	noon := time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	return noon.Add(time.Since(w.began)).Add(time.Duration(w.ahead.Load()))
}

func (w *world) put(key string, body []byte) {
	w.t.Helper()
	if _, err := w.backend.PutObject(w.t.Context(), bucket, key, map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}, bytes.NewReader(body), int64(len(body))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) object(key string) ([]byte, error) {
	o, err := w.backend.GetObject(context.Background(), bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Contents.Close() }()
	return io.ReadAll(o.Contents)
}

// uploadWith puts a catalog whose entries are given as JSON objects without braces.
func (w *world) uploadWith(name, policy string, entries ...string) {
	w.put("catalogs/"+name+".json", fmt.Appendf(nil, `{%s, "Defaults": {"SecretName": "s", "GlueExecutionRole": "job", "DestinationBucketName": "raw-bucket"}, "WorkflowList": [{%s}]}`,
		policy, strings.Join(entries, "}, {")))
}

// upload puts a catalog that prunes whatever it likes, or nothing.
func (w *world) upload(name string, prune bool, entries ...string) {
	w.uploadWith(name, fmt.Sprintf(`"Prune": %t, "PruneLimitPercent": 100`, prune), entries...)
}

func table(name string) string { return fmt.Sprintf(`"SourceTable": %q`, name) }

// state is what Glue holds, in words: one line per workflow with its jobs and triggers, and one per orphan.
func (w *world) state() []string {
	w.t.Helper()
	held := w.settled()
	lines := []string{}
	used := map[string]bool{}
	for name, workflow := range held.Workflows {
		jobs, triggers := map[string]bool{}, 0
		for _, t := range held.Triggers {
			if t.Workflow != name {
				continue
			}
			triggers++
			used[t.Name] = true
			for _, started := range t.Starts {
				jobs[started], used[started] = true, true
			}
		}
		finished := ""
		if f := workflow.Properties["landfall:fingerprint"]; f != "" && f != plan.Updating {
			finished = " finished"
		}
		lines = append(lines, fmt.Sprintf("%s%s: %d job, %d trigger", name, finished, len(jobs), triggers))
	}
	for name := range held.Jobs {
		if !used[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	for _, name := range held.Crawlers {
		if !used[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	for _, t := range held.Triggers {
		if !used[t.Name] {
			lines = append(lines, "orphan "+t.Name)
		}
	}
	slices.Sort(lines)
	return lines
}

// settled is what Glue holds once no trigger is on its way.
func (w *world) settled() localglue.Snapshot {
	for range 600 {
		held := w.server.Snapshot()
		if !slices.ContainsFunc(held.Triggers, func(t localglue.SnapshotTrigger) bool {
			return t.State != "ACTIVATED" && t.State != "CREATED" && t.State != "DEACTIVATED"
		}) {
			return held
		}
		time.Sleep(time.Second)
	}
	w.t.Fatal("a trigger does not settle")
	return localglue.Snapshot{}
}

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

// system is a Glue and an S3 over HTTP, and executions that follow the real
// definition of the state machine with the real use cases.
type system struct {
	t           testing.TB
	backend     *s3mem.Backend
	server      *localglue.Server
	api         *sdk.Client // past the interceptor
	interceptor *interceptor
	objects     artifacts
	// preflight are the checks before the first change, which ask account.
	preflight  *preflight.Checks
	sleep      func(ctx context.Context, d time.Duration) error
	account    *fakeAccount
	invariants *invariants
	layout     string // LAYOUT_VERSION
	n          int    // executions so far
	path       []string
	// stopAt stops the execution when it enters the state of this number; 0 is never.
	stopAt int
	// perSecond and concurrency are the stack's settings.
	perSecond   float64
	concurrency int
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
func (w *system) Running(_ context.Context, execution string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running[execution], nil
}

func newSystem(t testing.TB, behaviour localglue.Unknowns) *system {
	t.Helper()
	return newSystemWith(t, localglue.Config{Unknowns: behaviour})
}

const tenth = 100 * time.Millisecond

// quick is for tests in which nothing depends on how long Glue takes.
var quick = localglue.Latency{
	BlueprintCreate: tenth, BlueprintUpdate: tenth, BlueprintRun: tenth, TriggerCall: tenth / 1000,
	TriggerCreate: tenth, TriggerUpdate: tenth, TriggerStart: tenth, TriggerStop: tenth, TriggerDelete: 2 * tenth,
}

// newSystemWith is for a test in a bubble of synctest. Time advances there only while all goroutines wait, so that no
// result depends on the machine's speed.
func newSystemWith(t testing.TB, config localglue.Config) *system {
	t.Helper()
	python, err := filepath.Abs("../../build/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	w := &system{
		t: t, backend: s3mem.New(), interceptor: newInterceptor(), layout: "1", running: map[string]bool{}, concurrency: 100, began: time.Now(),
		account: &fakeAccount{missing: map[string]error{}, quotas: preflight.Quotas{Workflows: 1000, Triggers: 1000, Jobs: 2000}},
	}
	w.invariants = newInvariants(w)
	if err := w.backend.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	if config.Latency == (localglue.Latency{}) {
		config.Latency = quick
	}
	config.Python, config.Seed, config.Layouts, config.OnCall, config.Now = python, 7, &layouts, w.invariants.called, w.now
	config.Objects = func(_ context.Context, _, key string) ([]byte, error) { return w.object(key) }
	w.server = localglue.New(config)
	t.Cleanup(w.server.Close)
	w.interceptor.next = inmemory.Serve(t, map[string]http.Handler{"127.0.0.1": w.server, "127.0.0.2": oneAtATime(gofakes3.New(w.backend).Server())})
	t.Cleanup(w.functions.Wait)
	at := func(url string) aws.Config {
		return aws.Config{
			Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
			HTTPClient: &http.Client{Transport: w.interceptor},
		}
	}
	identity, err := arn.Parse(role)
	if err != nil {
		t.Fatal(err)
	}
	w.client = glue.New(at("http://127.0.0.1"), identity)
	past := at("http://127.0.0.1")
	past.HTTPClient = &http.Client{Transport: w.interceptor.next}
	w.api = sdk.NewFromConfig(past)
	w.objects, w.sleep = s3.New(at("http://127.0.0.2"), bucket), lambda.Sleep
	w.preflight = &preflight.Checks{Account: w.account, Connections: w.account, Buckets: w.account, Log: discard}
	w.put("blueprint.zip", blueprintZIP(t, layoutSource))
	return w
}

// oneAtATime makes S3's conditional writes atomic, as they are on AWS: the fake
// looks at the condition first and writes later.
func oneAtATime(s3 http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.Method != http.MethodGet {
			body, err := io.ReadAll(in.Body)
			if err != nil {
				http.Error(out, err.Error(), http.StatusBadRequest)
				return
			}
			in.Body = io.NopCloser(bytes.NewReader(body))
			mu.Lock()
			defer mu.Unlock()
		}
		s3.ServeHTTP(out, in)
	})
}

// now begins at noon, far from every schedule of the tests.
func (w *system) now() time.Time {
	noon := time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	return noon.Add(time.Since(w.began)).Add(time.Duration(w.ahead.Load()))
}

func (w *system) put(key string, body []byte) {
	w.t.Helper()
	if _, err := w.backend.PutObject(w.t.Context(), bucket, key, map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}, bytes.NewReader(body), int64(len(body))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *system) object(key string) ([]byte, error) {
	o, err := w.backend.GetObject(context.Background(), bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Contents.Close() }()
	return io.ReadAll(o.Contents)
}

// uploadWith puts a catalog whose entries are given as JSON objects without braces.
func (w *system) uploadWith(name, policy string, entries ...string) {
	w.put("catalogs/"+name+".json", fmt.Appendf(nil, `{%s, "Defaults": {"SecretName": "s", "GlueExecutionRole": "job", "DestinationBucketName": "raw-bucket"}, "WorkflowList": [{%s}]}`,
		policy, strings.Join(entries, "}, {")))
}

// upload puts a catalog that prunes whatever it likes, or nothing.
func (w *system) upload(name string, prune bool, entries ...string) {
	w.uploadWith(name, fmt.Sprintf(`"Prune": %t, "PruneLimitPercent": 100`, prune), entries...)
}

func table(name string) string { return fmt.Sprintf(`"SourceTable": %q`, name) }

// state is what Glue has, in words: one line per workflow with its jobs and triggers, and one per orphan.
func (w *system) state() []string {
	w.t.Helper()
	observed := w.settled()
	lines := []string{}
	used := map[string]bool{}
	for name, workflow := range observed.Workflows {
		jobs, triggers := map[string]bool{}, 0
		for _, t := range observed.Triggers {
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
	for name := range observed.Jobs {
		if !used[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	for _, name := range observed.Crawlers {
		if !used[name] {
			lines = append(lines, "orphan "+name)
		}
	}
	for _, t := range observed.Triggers {
		if !used[t.Name] {
			lines = append(lines, "orphan "+t.Name)
		}
	}
	slices.Sort(lines)
	return lines
}

// settled is what Glue has once no trigger is on its way.
func (w *system) settled() localglue.Snapshot {
	for range 600 {
		observed := w.server.Snapshot()
		if !slices.ContainsFunc(observed.Triggers, func(t localglue.SnapshotTrigger) bool {
			return t.State != "ACTIVATED" && t.State != "CREATED" && t.State != "DEACTIVATED"
		}) {
			return observed
		}
		time.Sleep(time.Second)
	}
	w.t.Fatal("a trigger does not settle")
	return localglue.Snapshot{}
}

package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/glue"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/telemetry"
	"github.com/landfall/landfall/internal/watch"
)

const bucket = "artifacts"

// measured keeps measurements.
type measured struct{ all []telemetry.Measurement }

func (m *measured) Emit(of telemetry.Measurement) { m.all = append(m.all, of) }

// world is a Glue with workflows whose jobs succeed or fail as told, and a clock that is set by hand.
type world struct {
	t       *testing.T
	api     *sdk.Client
	backend *s3mem.Backend
	metrics *measured
	r       *watch.Watcher

	mu   sync.Mutex
	now  time.Time
	fail bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, backend: s3mem.New(), metrics: &measured{}, now: at("2026-03-02T00:00:00Z")}
	w.must(w.backend.CreateBucket(t.Context(), bucket))
	server := localglue.New(localglue.Config{Runner: w, Now: w.clock})
	t.Cleanup(server.Close)
	objects := gofakes3.New(w.backend).Server()
	front := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "" {
			server.ServeHTTP(out, r)
			return
		}
		objects.ServeHTTP(out, r)
	}))
	t.Cleanup(front.Close)
	config := aws.Config{Region: "eu-west-1", BaseEndpoint: &front.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	w.api = sdk.NewFromConfig(config)
	w.r = &watch.Watcher{
		Objects: s3.New(config, bucket), History: glue.New(config, arn.ARN{Partition: "aws", AccountID: "123456789012"}), Metrics: w.metrics,
		Now: w.clock, Log: slog.New(slog.DiscardHandler),
	}
	return w
}

func at(s string) time.Time {
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return parsed
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) set(now string, fail bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.fail = at(now), fail
}

// Run implements localglue.Runner.
func (w *world) Run(context.Context, localglue.JobRun) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail {
		return errors.New("the table does not exist")
	}
	return nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) catalog(name, body string) {
	w.t.Helper()
	_, err := w.backend.PutObject(w.t.Context(), bucket, "catalogs/"+name+".json", map[string]string{}, strings.NewReader(body), int64(len(body)))
	w.must(err)
}

// workflow makes a workflow of one job, as a blueprint run does.
func (w *world) workflow(name, owner string, tags map[string]string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.api.CreateWorkflow(ctx, &sdk.CreateWorkflowInput{Name: &name, DefaultRunProperties: map[string]string{"landfall:owner": owner}})
	w.must(err)
	_, err = w.api.CreateJob(ctx, &sdk.CreateJobInput{
		Name: new(name + "_land"), Role: new("arn:aws:iam::123456789012:role/job"), Tags: tags,
		Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://b/k.py")},
	})
	w.must(err)
	_, err = w.api.CreateTrigger(ctx, &sdk.CreateTriggerInput{
		Name: new(name + "_starting_trigger"), Type: types.TriggerTypeOnDemand, WorkflowName: &name,
		Actions: []types.Action{{JobName: new(name + "_land")}},
	})
	w.must(err)
}

// run runs the workflow at the moment to its end.
func (w *world) run(name, moment string, fail bool) {
	w.t.Helper()
	w.set(moment, fail)
	ctx := w.t.Context()
	started, err := w.api.StartWorkflowRun(ctx, &sdk.StartWorkflowRunInput{Name: &name})
	w.must(err)
	for {
		out, err := w.api.GetWorkflowRun(ctx, &sdk.GetWorkflowRunInput{Name: &name, RunId: started.RunId})
		w.must(err)
		if out.Run.Status == types.WorkflowRunStatusCompleted {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestWatchTablesFindsWhatDidNotLandOnSchedule(t *testing.T) {
	const daily, monthly = "10 21 * * ? *", "0 6 1 * ? *"
	type past struct {
		at   string
		fail bool
	}
	cases := map[string]struct {
		reason, entry, now string
		created            string // default 2026-03-02
		runs               []past
		foreign, missing   bool
		want               bool
	}{
		"landed on time":              {"its last workflow run covers the last time it was due", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-04T20:00:00Z", "", []past{{"2026-03-03T21:10:04Z", false}}, false, false, false},
		"late, but not too late":      {"three hours of grace", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-05T00:10:00Z", "", []past{{"2026-03-03T21:10:04Z", false}}, false, false, false},
		"too late":                    {"due at 21:10, and it is 00:11", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-05T00:11:00Z", "", []past{{"2026-03-03T21:10:04Z", false}}, false, false, true},
		"never ran":                   {"due at 21:10 of the day it was made", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-03T00:11:00Z", "", nil, false, false, true},
		"new":                         {"made after it would have been due", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-03T00:11:00Z", "2026-03-02T22:00:00Z", nil, false, false, false},
		"failed since":                {"a failed workflow run lands nothing", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-05T00:11:00Z", "", []past{{"2026-03-03T21:10:04Z", false}, {"2026-03-04T21:10:04Z", true}}, false, false, true},
		"failed, but landed since":    {"a repeat by hand landed what was due", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-05T00:11:00Z", "", []past{{"2026-03-04T21:10:04Z", true}, {"2026-03-04T21:40:00Z", false}}, false, false, false},
		"landed, then failed by hand": {"what was due has landed", `"ScheduleCronPattern": "` + daily + `"`, "2026-03-05T00:11:00Z", "", []past{{"2026-03-04T21:10:04Z", false}, {"2026-03-04T21:40:00Z", true}}, false, false, false},
		"monthly":                     {"thirty days old and not due", `"ScheduleCronPattern": "` + monthly + `"`, "2026-03-31T23:00:00Z", "", []past{{"2026-03-02T06:00:01Z", false}}, false, false, false},
		"monthly, too late":           {"due on the first", `"ScheduleCronPattern": "` + monthly + `"`, "2026-04-01T09:01:00Z", "", []past{{"2026-03-02T06:00:01Z", false}}, false, false, true},
		"on demand":                   {"nobody promised when", `"JobScheduleType": "OnDemand"`, "2026-06-01T00:00:00Z", "", nil, false, false, false},
		"not enabled":                 {"its schedule was taken away on purpose", `"Enabled": false`, "2026-06-01T00:00:00Z", "", nil, false, false, false},
		"somebody else's":             {"a conflict is reported elsewhere", `"ScheduleCronPattern": "` + daily + `"`, "2026-06-01T00:00:00Z", "", nil, true, false, false},
		"not deployed":                {"the execution that failed to deploy it said so", `"ScheduleCronPattern": "` + daily + `"`, "2026-06-01T00:00:00Z", "", nil, false, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.catalog("hr", `{"Defaults": {"SecretName": "s", "JobScheduleType": "Cron"}, "WorkflowList": [{"SourceTable": "hr.a", `+c.entry+`}]}`)
			owner := plan.Owner(bucket, "hr")
			if c.foreign {
				owner = ""
			}
			if c.created != "" {
				w.set(c.created, false)
			}
			if !c.missing {
				w.workflow("hr_hr_a", owner, nil)
			}
			for _, run := range c.runs {
				w.run("hr_hr_a", run.at, run.fail)
			}
			w.set(c.now, false)
			got, err := w.r.WatchTables(t.Context(), watch.Settings{Bucket: bucket, StaleAfter: 3 * time.Hour}, watch.Input{DetailType: "Scheduled Event"})
			if err != nil {
				t.Fatal(err)
			}
			if stale := slices.Contains(got.Stale, "hr.a"); stale != c.want {
				t.Errorf("stale %v, want %v: %s", stale, c.want, c.reason)
			}
			if counts := w.metrics.all[0].Counts; counts[telemetry.MetricStale] != len(got.Stale) || counts[telemetry.MetricScheduled] != got.Scheduled {
				t.Errorf("measured %v, answered %+v", counts, got)
			}
		})
	}
}

func TestWatchTablesGoesOnWithoutAnUnreadableCatalog(t *testing.T) {
	w := newWorld(t)
	w.catalog("bad", `{"WorkflowList": 1}`)
	w.catalog("hr", `{"Defaults": {"SecretName": "s", "JobScheduleType": "Cron"}, "WorkflowList": [{"SourceTable": "hr.a"}]}`)
	w.workflow("hr_hr_a", plan.Owner(bucket, "hr"), nil)
	w.set("2026-06-01T00:00:00Z", false)
	if _, err := w.r.WatchTables(t.Context(), watch.Settings{Bucket: bucket, StaleAfter: time.Hour}, watch.Input{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{telemetry.MetricScheduled: 1, telemetry.MetricStale: 1, telemetry.MetricUnreadable: 1}
	if diff := cmp.Diff(want, w.metrics.all[0].Counts); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}

func TestWatchTablesCountsFailedJobRunsOfItsTablesOnly(t *testing.T) {
	ours := map[string]string{"landfall:owner": plan.Owner(bucket, "hr"), "landfall:table": "hr.a"}
	cases := map[string]struct {
		reason string
		tags   map[string]string
		job    string
		want   string
	}{
		"ours":            {"tagged by the layout", ours, "w_land", "hr.a"},
		"not ours":        {"every Glue job of the account sends these events", map[string]string{"team": "x"}, "w_land", ""},
		"another stack's": {"that one counts it", map[string]string{"landfall:owner": plan.Owner("other", "hr"), "landfall:table": "hr.a"}, "w_land", ""},
		"gone":            {"removed since it failed", ours, "gone", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.workflow("w", "", c.tags)
			in := watch.Input{DetailType: watch.JobStateChange}
			in.Detail.JobName, in.Detail.State, in.Detail.Message = c.job, "FAILED", "no route to host"
			got, err := w.r.WatchTables(t.Context(), watch.Settings{Bucket: bucket}, in)
			if err != nil {
				t.Fatal(err)
			}
			if got.Failed != c.want {
				t.Errorf("failed table %q, want %q: %s", got.Failed, c.want, c.reason)
			}
			var tables []string
			for _, m := range w.metrics.all {
				if m.Dimension != telemetry.TableDimension || m.Counts[telemetry.MetricJobFailed] != 1 {
					t.Errorf("measured %+v", m)
				}
				tables = append(tables, m.Properties[telemetry.TableDimension].(string))
			}
			if strings.Join(tables, ",") != c.want {
				t.Errorf("measured for %v, want %q", tables, c.want)
			}
		})
	}
}

package status_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/glue"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/status"
)

// cloud is a Glue, a Glue Data Catalog and a raw bucket over one address, which counts the calls.
type cloud struct {
	t      *testing.T
	glue   *localglue.Server
	s3     http.Handler
	bucket *s3mem.Backend
	config aws.Config
	// registered are the tables of the Glue Data Catalog, with the number that each is registered up to.
	registered map[string]int

	// runs are the last workflow runs that Glue answers with, by workflow; the stand-in makes none.
	runs map[string]map[string]any

	mu    sync.Mutex
	calls map[string]int
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, bucket: s3mem.New(), calls: map[string]int{}, registered: map[string]int{}}
	c.glue = localglue.New(localglue.Config{Quotas: localglue.Quotas{Workflows: -1, Triggers: -1}})
	t.Cleanup(c.glue.Close)
	c.s3 = gofakes3.New(c.bucket).Server()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.config = aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	if err := c.bucket.CreateBucket(t.Context(), "raw"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	operation := strings.TrimPrefix(target, "AWSGlue.")
	if target == "" {
		operation = "s3 " + r.Method
	}
	c.mu.Lock()
	c.calls[operation]++
	c.mu.Unlock()
	switch {
	case operation == "GetTables":
		c.getTables(w)
	case operation == "BatchGetWorkflows" && c.runs != nil:
		c.getWorkflows(w)
	case target != "":
		c.glue.ServeHTTP(w, r)
	default:
		c.s3.ServeHTTP(w, r)
	}
}

func (c *cloud) getTables(w http.ResponseWriter) {
	list := []map[string]any{}
	for table, seq := range c.registered {
		list = append(list, map[string]any{
			"Name":              table,
			"Parameters":        map[string]string{"landfall:table": "hr/" + table, "landfall:seq": fmt.Sprint(seq)},
			"StorageDescriptor": map[string]string{"Location": "s3://raw/hr/" + table + "/"},
		})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(map[string]any{"TableList": list})
}

func (c *cloud) getWorkflows(w http.ResponseWriter) {
	list := []map[string]any{}
	for name, run := range c.runs {
		list = append(list, map[string]any{"Name": name, "DefaultRunProperties": map[string]string{"landfall:owner": owner, "landfall:table": name}, "LastRun": run})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(map[string]any{"Workflows": list})
}

func (c *cloud) workflow(name, owner, table string) {
	c.t.Helper()
	_, err := sdk.NewFromConfig(c.config).CreateWorkflow(c.t.Context(), &sdk.CreateWorkflowInput{
		Name: &name, DefaultRunProperties: map[string]string{"landfall:owner": owner, "landfall:table": table},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) commit(table string, seq int) {
	c.t.Helper()
	body := fmt.Appendf(nil, `{"version": 1, "seq": %d, "base": 1, "loadType": "Incremental", "watermark": "w%[1]d", "rows": 1, "bytes": 1, "committedAt": "2026-11-24T21:10:30+00:00"}`, seq)
	_, err := c.bucket.PutObject(c.t.Context(), "raw", fmt.Sprintf("hr/%s/_landfall/commits/%08d.json", table, seq), nil, bytes.NewReader(body), int64(len(body)))
	if err != nil {
		c.t.Fatal(err)
	}
}

const owner = "s3://artifacts/catalogs/hr.json"

// A thousand tables are read in batches, and of each only its newest commit records.
func TestReadIsInBatches(t *testing.T) {
	c := newCloud(t)
	const tables = 1000
	for i := range tables {
		table := fmt.Sprintf("hr.t%04d", i)
		c.workflow(fmt.Sprintf("w%04d", i), owner, table)
		c.commit(table, 1)
		c.commit(table, 2)
		c.registered[table] = 2
	}
	c.calls = map[string]int{}
	rows, err := status.New(c.config, "artifacts", "raw").Read(t.Context(), "")
	if err != nil || len(rows) != tables {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		if row.Watermark != "w2" || row.Result != status.Never {
			t.Fatalf("%+v", row)
		}
	}
	for operation, most := range map[string]int{"ListWorkflows": 41, "BatchGetWorkflows": 40, "GetTables": 1, "s3 GET": 2*tables + 1} {
		if n := c.calls[operation]; n > most || n == 0 {
			t.Errorf("%d calls of %s, want at most %d", n, operation, most)
		}
		delete(c.calls, operation)
	}
	if len(c.calls) > 0 {
		t.Errorf("other calls: %v", c.calls)
	}
}

// Only what the stack's catalogs own is shown, and nothing that an update has staged.
func TestReadShowsOurTablesOnly(t *testing.T) {
	c := newCloud(t)
	c.workflow("mine", owner, "hr.a")
	c.workflow("mine_landfall_new", owner, "hr.a")
	c.workflow("sales", "s3://artifacts/catalogs/sales.json", "hr.b")
	c.workflow("other-stack", "s3://elsewhere/catalogs/hr.json", "hr.a")
	c.workflow("foreign", "", "")
	reader := status.New(c.config, "artifacts", "raw")
	rows, err := reader.Read(t.Context(), "")
	if err != nil || len(rows) != 2 || rows[0].Workflow != "mine" || rows[0].Catalog != "hr" || rows[1].Catalog != "sales" {
		t.Errorf("%+v, %v", rows, err)
	}
	if rows, err := reader.Read(t.Context(), "sales"); err != nil || len(rows) != 1 || rows[0].Workflow != "sales" {
		t.Errorf("of one catalog: %+v, %v", rows, err)
	}
	if _, err := reader.Workflow(t.Context(), "", "hr.c"); err == nil {
		t.Error("a workflow was found for a table that none lands")
	}
}

// Records that are not registered yet count: the Glue Data Catalog may lag behind the commits.
func TestReadLooksBeyondWhatIsRegistered(t *testing.T) {
	c := newCloud(t)
	c.workflow("a", owner, "hr.a")
	c.registered["hr.a"] = 2
	for seq := range 12 {
		c.commit("hr.a", seq+1)
	}
	rows, err := status.New(c.config, "artifacts", "raw").Read(t.Context(), "")
	if err != nil || len(rows) != 1 || rows[0].Watermark != "w12" {
		t.Errorf("%+v, %v", rows, err)
	}
}

// The status of a table and the hourly watch must not contradict each other about one workflow run.
func TestStatusAgreesWithTheWatch(t *testing.T) {
	c := newCloud(t)
	c.runs = map[string]map[string]any{
		"all well":      {"Status": "COMPLETED", "Statistics": map[string]int{"TotalActions": 1, "SucceededActions": 1}},
		"one failed":    {"Status": "COMPLETED", "Statistics": map[string]int{"TotalActions": 2, "SucceededActions": 1, "FailedActions": 1}},
		"one stopped":   {"Status": "COMPLETED", "Statistics": map[string]int{"TotalActions": 2, "SucceededActions": 1, "StoppedActions": 1}},
		"nothing ran":   {"Status": "COMPLETED", "Statistics": map[string]int{"TotalActions": 1}},
		"no statistics": {"Status": "COMPLETED"},
		"goes on":       {"Status": "RUNNING", "Statistics": map[string]int{"TotalActions": 2, "SucceededActions": 1, "RunningActions": 1}},
		"error":         {"Status": "ERROR", "ErrorMessage": "the workflow is broken"},
	}
	var names []string
	for name := range c.runs {
		c.workflow(name, owner, name)
		names = append(names, name)
	}
	rows, err := status.New(c.config, "artifacts", "raw").Read(t.Context(), "")
	if err != nil || len(rows) != len(names) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	watched, err := glue.New(c.config, arn.ARN{}).LastRuns(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if run := watched[row.Workflow].Run; (row.Result == status.Succeeded) != run.Succeeded || (row.Result == status.Running) != run.Running {
			t.Errorf("%s: status says %s, the watch says %+v", row.Workflow, row.Result, run)
		}
		if row.Result == status.Failed && row.Error == "" {
			t.Errorf("%s: failed, and nothing says why", row.Workflow)
		}
	}
}

func TestNextFollowsTheTrigger(t *testing.T) {
	c := newCloud(t)
	c.workflow("a", owner, "hr.a")
	api := sdk.NewFromConfig(c.config)
	_, err := api.CreateJob(t.Context(), &sdk.CreateJobInput{
		Name: new("j"), Role: new("arn:aws:iam::123456789012:role/r"), Command: &types.JobCommand{Name: new("glueetl"), ScriptLocation: new("s3://a/b.py")},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.CreateTrigger(t.Context(), &sdk.CreateTriggerInput{
		Name: new("t"), WorkflowName: new("a"), Type: types.TriggerTypeScheduled, Schedule: new("cron(0 6 ? * MON-FRI *)"), StartOnCreation: true,
		Actions: []types.Action{{JobName: new("j")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	reader := status.New(c.config, "artifacts", "raw")
	reader.Now = func() time.Time { return time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC) } // a Friday
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		rows, err := reader.Read(t.Context(), "")
		if err != nil || len(rows) != 1 {
			t.Fatalf("%+v, %v", rows, err)
		}
		want := time.Date(2026, 11, 30, 6, 0, 0, 0, time.UTC)
		if row := rows[0]; row.Active && row.Schedule == "0 6 ? * MON-FRI *" && row.Next != nil && row.Next.Equal(want) {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("next of %+v, want %s", row, want)
		}
	}
}

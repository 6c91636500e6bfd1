package reconcile_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/preflight"
	"github.com/landfall/landfall/internal/report"
)

// glueCalls forgets the calls, and returns those of Glue by operation.
func (w *system) glueCalls() map[string]int {
	calls := w.interceptor.reset()
	maps.DeleteFunc(calls, func(operation string, _ int) bool { return strings.HasPrefix(operation, "S3 ") })
	return calls
}

func TestAnUnchangedCatalogStartsNoBlueprintRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		var entries []string
		for i := range 60 {
			entries = append(entries, table(fmt.Sprintf("hr.t%02d", i)))
		}
		w.upload("hr", true, entries...)
		if got := w.execute(t.Context(), ""); got.Status != "Succeeded" || got.Counts.Created != 60 {
			t.Fatalf("first execution: %+v", got)
		}
		w.interceptor.reset()
		if got := w.execute(t.Context(), ""); got.Counts != (report.Counts{Unchanged: 60}) {
			t.Errorf("second execution: %+v", got)
		}
		// 60 workflows are three pages and three batches; leftovers are looked for by listing, and nothing is asked per table.
		want := map[string]int{
			"GetBlueprint": 1, "ListWorkflows": 3, "BatchGetWorkflows": 3,
			"ListJobs": 2, "ListTriggers": 1, "ListCrawlers": 1,
		}
		if diff := cmp.Diff(want, w.glueCalls()); diff != "" {
			t.Errorf("calls of an unchanged catalog (-want +got):\n%s", diff)
		}
	})
}

// Waiting for a trigger to be deleted takes several looks; what was deleted before is not deleted at each of them again.
func TestEachThingIsDeletedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := quick
		slow.TriggerDelete = time.Minute
		w := newSystemWith(t, localglue.Config{Latency: slow})
		w.upload("hr", true, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		cases := []struct {
			name    string
			entries []string
		}{
			{"the staging workflow of an update", []string{table("hr.a") + workers, table("hr.b")}},
			{"a table that is gone", []string{table("hr.a") + workers}},
		}
		for _, c := range cases {
			w.upload("hr", true, c.entries...)
			w.interceptor.reset()
			if got := w.execute(t.Context(), ""); got.Counts.Updated+got.Counts.Deleted != 1 {
				t.Fatalf("%s: %+v\n%s", c.name, got.Counts, got.Cause)
			}
			calls := w.glueCalls()
			if calls["BatchGetWorkflows"] < 5 {
				t.Errorf("%s: Glue was looked at %d times only: the trigger was gone too early for this test", c.name, calls["BatchGetWorkflows"])
			}
			for _, operation := range []string{"DeleteTrigger", "DeleteJob", "DeleteWorkflow"} {
				if calls[operation] != 1 {
					t.Errorf("%s: %s was called %d times", c.name, operation, calls[operation])
				}
			}
		}
	})
}

// A layout that no longer makes a job: that one goes, and the two of the staging workflow, each with its trigger and each once.
func TestEachThingThatIsNoLongerMadeIsDeletedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := quick
		slow.TriggerDelete = time.Minute
		w := newSystemWith(t, localglue.Config{Latency: slow})
		w.put("blueprints/chain.zip", chainZIP(t))
		w.deployChain("extract,clean,load", "")
		w.execute(t.Context(), "")
		w.deployChain("extract,load", "")
		w.interceptor.reset()
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Fatalf("%+v\n%s", got.Counts, got.Cause)
		}
		calls := w.glueCalls()
		if calls["DeleteJob"] != 3 || calls["DeleteTrigger"] != 3 || calls["DeleteWorkflow"] != 1 {
			t.Errorf("calls %v, want 3 jobs, 3 triggers and a workflow deleted", calls)
		}
		w.checkChain("extract,load", "")
	})
}

// shippedZIP is the blueprint that is deployed.
func shippedZIP(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range []string{"blueprint.cfg", "layout.py"} {
		body, err := os.ReadFile("../../blueprint/" + name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tagsOf are the tags of a workflow and of its job.
func (w *system) tagsOf(workflow string) []map[string]string {
	w.t.Helper()
	var found []map[string]string
	for _, resource := range []string{"workflow/" + workflow, "job/" + w.job(workflow)} {
		out, err := w.api.GetTags(w.t.Context(), &sdk.GetTagsInput{ResourceArn: new("arn:aws:glue:eu-west-1:123456789012:" + resource)})
		if err != nil {
			w.t.Fatal(err)
		}
		found = append(found, out.Tags)
	}
	return found
}

// What the shipped layout tags is known without asking Glue for it. That must
// stay so: an updated table has the tags of one that is created with its entry.
func TestTagsOfTheShippedLayoutAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const before = `, "Tags": {"team": "data", "gone": "soon"}`
		after := workers + `, "Tags": {"team": "größe 1", "cost": "42"}`
		deployed := func(catalogs ...string) (*system, map[string]int) {
			w := newSystem(t, localglue.Unknowns{})
			w.put("blueprint.zip", shippedZIP(t))
			calls := map[string]int{}
			for _, entry := range catalogs {
				w.upload("hr", true, table("hr.a")+entry)
				w.interceptor.reset()
				if got := w.execute(t.Context(), ""); got.Status != "Succeeded" {
					t.Fatalf("%s", got.Cause)
				}
				calls = w.glueCalls()
			}
			return w, calls
		}
		created, _ := deployed(after)
		updated, calls := deployed(before, after)
		want := created.tagsOf("hr_hr_a")
		if diff := cmp.Diff(want, updated.tagsOf("hr_hr_a")); diff != "" || want[1]["cost"] != "42" {
			t.Errorf("tags of the workflow and its job (-created +updated):\n%s", diff)
		}
		// Each is read once, to see what is there; a call removes and a call sets.
		if calls["GetTags"] != 2 || calls["TagResource"] != 2 || calls["UntagResource"] != 2 {
			t.Errorf("an update of the tags took %v", calls)
		}
	})
}

// finished makes what an execution would make of the catalog, without a blueprint run per table.
func (w *system) finished(name string) {
	w.t.Helper()
	body, err := w.object("catalogs/" + name + ".json")
	if err != nil {
		w.t.Fatal(err)
	}
	parsed, err := catalog.Parse(name, body, catalog.StackDefaults{})
	if err != nil {
		w.t.Fatal(err)
	}
	d := w.deployment()
	for _, t := range parsed.Tables {
		want := plan.NewDesired(d, d.Blueprint, name, t)
		job := t.WorkflowName + "_land_5ff1e5d0"
		tags := map[string]string{"landfall:owner": reconcile.TagValue(want.Owner), "landfall:table": reconcile.TagValue(want.Table)}
		_, err := w.api.CreateWorkflow(w.t.Context(), &sdk.CreateWorkflowInput{Name: &t.WorkflowName, Tags: tags, DefaultRunProperties: map[string]string{
			"landfall:owner": want.Owner, "landfall:table": want.Table, "landfall:fingerprint": want.Fingerprint, "landfall:parameters": want.Parameters.JSON(),
		}})
		if err == nil {
			_, err = w.api.CreateJob(w.t.Context(), &sdk.CreateJobInput{Name: &job, Role: new("job"), Tags: tags, Command: &types.JobCommand{Name: new("glueetl")}})
		}
		if err == nil {
			_, err = w.api.CreateTrigger(w.t.Context(), &sdk.CreateTriggerInput{
				Name: new(t.WorkflowName + "_starting_trigger"), WorkflowName: &t.WorkflowName, Type: types.TriggerTypeOnDemand, Actions: []types.Action{{JobName: &job}},
				Tags: map[string]string{reconcile.BlueprintTag: d.Blueprint.Name},
			})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// The calls of a deployment of 1,000 tables in which one entry changed are bounded (issue: 110 and 125).
func TestCallsAtAThousandTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystemWith(t, localglue.Config{Quotas: localglue.Quotas{Workflows: -1, Triggers: -1, Jobs: -1}})
		w.account.quotas = preflight.Quotas{Workflows: 5000, Triggers: 5000, Jobs: 5000}
		var entries []string
		for i := range 1000 {
			entries = append(entries, table(fmt.Sprintf("hr.t%04d", i)))
		}
		w.upload("hr", true, entries...)
		w.finished("hr")
		w.execute(t.Context(), "") // registers the blueprint
		w.interceptor.reset()
		if got := w.execute(t.Context(), ""); got.Counts.Unchanged != 1000 {
			t.Fatalf("%+v\n%s", got.Counts, got.Cause)
		}
		if len(w.path) > 12 {
			t.Errorf("nothing changed: %d states: %v", len(w.path), w.path)
		}
		if calls := w.interceptor.reset(); glueCalls(calls) > 110 {
			t.Errorf("nothing changed: %d Glue calls: %v", glueCalls(calls), calls)
		}
		entries[7] += workers + cron("0 1 * * ? *")
		w.upload("hr", true, entries...)
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Fatalf("%+v\n%s", got.Counts, got.Cause)
		}
		calls := w.interceptor.reset()
		fmt.Printf("1,000 tables, one entry changed: %d Glue calls %v\n", glueCalls(calls), calls)
		if glueCalls(calls) > 125 {
			t.Errorf("one entry changed: %d Glue calls: %v", glueCalls(calls), calls)
		}
	})
}

package glue

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/plan"
)

// pages answers a listing of n names, as many to a page as are asked for.
func pages(field, name string, n int) func(call) any {
	return func(c call) any {
		from, _ := strconv.Atoi(fmt.Sprint(c.input["NextToken"]))
		size := int(c.input["MaxResults"].(float64))
		to := min(n, from+size)
		var found []string
		for i := from; i < to; i++ {
			found = append(found, fmt.Sprintf(name, i))
		}
		out := object{field: found}
		if to < n {
			out["NextToken"] = strconv.Itoa(to)
		}
		return out
	}
}

// Glue takes no more names to a page than it documents, and fewer would cost more calls.
func TestListingsReadEveryPage(t *testing.T) {
	cases := map[string]struct {
		field     string
		page      int
		operation string
		list      func(c *Client) ([]string, error)
		tags      bool
	}{
		"workflows": {"Workflows", 25, "ListWorkflows", func(c *Client) ([]string, error) { return c.ListWorkflows(t.Context()) }, false},
		"jobs":      {"JobNames", 1000, "ListJobs", func(c *Client) ([]string, error) { return c.ListEntities(t.Context(), plan.JobEntity, owned) }, true},
		"crawlers":  {"CrawlerNames", 1000, "ListCrawlers", func(c *Client) ([]string, error) { return c.ListEntities(t.Context(), plan.CrawlerEntity, owned) }, true},
		"triggers":  {"TriggerNames", 200, "ListTriggers", func(c *Client) ([]string, error) { return c.ListEntities(t.Context(), plan.TriggerEntity, owned) }, true},
	}
	for name, c := range cases {
		for _, n := range []int{0, 1, c.page, c.page + 1, 3*c.page - 1} {
			client, glue := serve(t, pages(c.field, "n%d", n))
			got, err := c.list(client)
			if err != nil || len(got) != n || n > 0 && got[n-1] != fmt.Sprintf("n%d", n-1) {
				t.Errorf("%s: %d names, %v; want %d", name, len(got), err, n)
			}
			if made, want := glue.made(), slices.Repeat([]string{c.operation}, max(1, (n+c.page-1)/c.page)); !slices.Equal(made, want) {
				t.Errorf("%s: %d names took %v, want %v", name, n, made, want)
			}
			if sent := glue.last()["Tags"]; c.tags && !cmp.Equal(sent, any(object{"landfall:owner": "b/hr"})) {
				t.Errorf("%s: the tags sent are %v", name, sent)
			}
		}
	}
}

var owned = map[string]string{"landfall:owner": "b/hr"}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%03d", i)
	}
	return names
}

// existing answers a batch get with everything that was asked for but the names that end in 7.
func existing(asked, answered string) func(call) any {
	return func(c call) any {
		found := []object{}
		for _, name := range c.names(asked) {
			if name[len(name)-1] != '7' {
				found = append(found, object{"Name": name})
			}
		}
		return object{answered: found}
	}
}

func TestBatchesAreAsLargeAsGlueTakesThem(t *testing.T) {
	cases := map[string]struct {
		reason          string
		asked, answered string
		names           int
		batches         []int
		get             func(c *Client, names []string) (int, error)
	}{
		"workflows": {"BatchGetWorkflows takes 25", "Names", "Workflows", 60, []int{25, 25, 10}, func(c *Client, names []string) (int, error) {
			found, err := c.BatchGetWorkflows(t.Context(), names)
			return len(found), err
		}},
		"last runs": {"BatchGetWorkflows takes 25", "Names", "Workflows", 25, []int{25}, func(c *Client, names []string) (int, error) {
			found, err := c.LastRuns(t.Context(), names)
			return len(found), err
		}},
		"jobs": {"no limit is documented; 100 is what others send", "JobNames", "Jobs", 230, []int{100, 100, 30}, func(c *Client, names []string) (int, error) {
			found, err := c.GetJobs(t.Context(), names)
			return len(found), err
		}},
		"crawlers": {"BatchGetCrawlers takes 100", "CrawlerNames", "Crawlers", 101, []int{100, 1}, func(c *Client, names []string) (int, error) {
			found, err := c.GetEntities(t.Context(), plan.CrawlerEntity, names)
			return len(found), err
		}},
		"triggers": {"no limit is documented", "TriggerNames", "Triggers", 100, []int{100}, func(c *Client, names []string) (int, error) {
			found, err := c.GetTriggers(t.Context(), names)
			return len(found), err
		}},
	}
	for name, c := range cases {
		client, glue := serve(t, existing(c.asked, c.answered))
		got, err := c.get(client, numbered(c.names))
		if want := c.names - (c.names+2)/10; err != nil || got != want {
			t.Errorf("%s: %d of %d found, %v; want those that exist: %d", name, got, c.names, err, want)
		}
		if sizes := glue.batches(c.asked); !slices.Equal(sizes, c.batches) {
			t.Errorf("%s: batches of %v, want %v: %s", name, sizes, c.batches, c.reason)
		}
		client, glue = serve(t, existing(c.asked, c.answered))
		if got, err := c.get(client, nil); err != nil || got != 0 || len(glue.made()) != 0 {
			t.Errorf("%s: no names took %v: %d, %v", name, glue.made(), got, err)
		}
	}
}

// Batches are under way together; what they find is still in the order that was asked for.
func TestWorkflowsComeInTheirOrder(t *testing.T) {
	client, _ := serve(t, existing("Names", "Workflows"))
	found, err := client.BatchGetWorkflows(t.Context(), numbered(300))
	if err != nil || len(found) != 270 {
		t.Fatalf("%d workflows, %v", len(found), err)
	}
	for i := 1; i < len(found); i++ {
		if found[i-1].Name >= found[i].Name {
			t.Fatalf("%s before %s", found[i-1].Name, found[i].Name)
		}
	}
}

// How Glue orders a history is not documented: no order may hide a run that goes on.
func TestRecentBlueprintRuns(t *testing.T) {
	now := time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)
	since := now.Add(-20 * time.Minute)
	recent := func(i int) time.Time { return now.Add(-time.Duration(i) * 300 * time.Millisecond) }
	old := func(i int) time.Time { return since.Add(-time.Duration(i+1) * time.Minute) }
	cases := map[string]struct {
		reason       string
		total        int
		started      func(i int) time.Time
		calls, found int
	}{
		"none":              {"", 0, recent, 1, 0},
		"few":               {"", 3, recent, 1, 3},
		"old, newest first": {"what follows a page that ends in the past is older still", 3000, old, 1, 0},
		"all recent":        {"every page may have one that goes on", 3000, recent, 3, 3000},
		"oldest first":      {"the newest are on the last page", 3000, func(i int) time.Time { return since.Add(time.Duration(i-2998) * time.Minute) }, 3, 2},
		"newest, then old": {"the second page begins and ends in the past", 3000, func(i int) time.Time {
			if i < 1000 {
				return recent(i)
			}
			return old(i)
		}, 2, 1000},
		"endless": {"ten thousand runs are enough", 20_000, func(i int) time.Time { return since.Add(-time.Duration(20_000-i) * time.Minute) }, maxRunPages, 0},
	}
	for name, c := range cases {
		client, glue := serve(t, func(in call) any {
			from, _ := strconv.Atoi(fmt.Sprint(in.input["NextToken"]))
			to := min(c.total, from+int(in.input["MaxResults"].(float64)))
			runs := []object{}
			for i := from; i < to; i++ {
				runs = append(runs, object{"RunId": fmt.Sprint("br_", i), "State": "SUCCEEDED", "StartedOn": float64(c.started(i).UnixMilli()) / 1000})
			}
			out := object{"BlueprintRuns": runs}
			if to < c.total {
				out["NextToken"] = strconv.Itoa(to)
			}
			return out
		})
		runs, err := client.RecentBlueprintRuns(t.Context(), "landfall", since)
		if err != nil || len(runs) != c.found || len(glue.made()) != c.calls {
			t.Errorf("%s: %d runs in %d calls, %v; want %d in %d: %s", name, len(runs), len(glue.made()), err, c.found, c.calls, c.reason)
		}
	}
}

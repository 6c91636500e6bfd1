package preflight_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/preflight"
)

// account answers every check with the error under its kind and name, or else with the error of all.
type account struct {
	answers map[string]error
	all     error
	quotas  preflight.Quotas

	mu    sync.Mutex
	asked map[string]int
}

func (a *account) answer(kind, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[string]int{}
	}
	a.asked[kind+" "+name]++
	if err, ok := a.answers[kind+" "+name]; ok {
		return err
	}
	return a.all
}

func (a *account) Quotas(context.Context) (preflight.Quotas, error) { return a.quotas, nil }
func (a *account) CheckRole(_ context.Context, name string) error   { return a.answer("role", name) }

func (a *account) CheckSecret(_ context.Context, name string) error { return a.answer("secret", name) }

func (a *account) CheckConnection(_ context.Context, name string) error {
	return a.answer("connection", name)
}

func (a *account) CheckBucket(_ context.Context, name, account string) error {
	return a.answer("bucket", name+" of "+account)
}

func check(t *testing.T, a *account, in reconcile.PreflightInput) reconcile.PreflightResult {
	t.Helper()
	checks := preflight.Checks{Account: a, Connections: a, Buckets: a, Log: slog.New(slog.DiscardHandler)}
	got, err := checks.Check(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// planned is a plan of n tables that all name the same role, secret, connection and bucket.
func planned(action plan.Action, n int) reconcile.PreflightInput {
	in := reconcile.PreflightInput{Accounts: map[string][]string{"hr": {"111122223333"}}}
	for i := range n {
		in.Plan.Changes = append(in.Plan.Changes, plan.Change{
			Action: action, Catalog: "hr", Table: fmt.Sprintf("hr.t%d", i), Workflow: fmt.Sprintf("w%d", i), Parameters: plan.Values{
				"GlueExecutionRole": "job", "SecretName": "s", "NetworkConnectionName": "net", "DestinationBucketName": "raw",
			},
		})
	}
	return in
}

var roomy = preflight.Quotas{Workflows: 1000, Triggers: 1000, Jobs: 1000}

// Whoever deploys a catalog to an empty account learns at once all that it
// lacks, in an order that does not change from one try to the next.
func TestAllThatATableLacksIsNamedInAStableOrder(t *testing.T) {
	want := []string{
		`there is no role "job" in this account; create it, or correct GlueExecutionRole`,
		`there is no connection "net" in this account and Region; create it, or correct NetworkConnectionName`,
		`there is no secret "s" in this account and Region; create it, or correct SecretName`,
		`there is no bucket "raw"; create it, or correct DestinationBucketName`,
		`the account's quota of 3 Glue workflows is used up: 3 exist, 7 more are needed. Raise it in Service Quotas, or land fewer tables in this account and Region`,
		`the account's quota of 2 Glue jobs is used up: 2 exist, 7 more are needed. Raise it in Service Quotas, or land fewer tables in this account and Region`,
	}
	for range 20 {
		a := &account{all: fmt.Errorf("look: %w", reconcile.ErrNotFound), quotas: preflight.Quotas{Workflows: 3, Triggers: 1000, Jobs: 2}}
		in := planned(plan.Create, 7)
		in.Workflows, in.Triggers, in.Jobs = 3, 3, 2
		got := check(t, a, in)
		for i := range 7 {
			if diff := cmp.Diff(want, got.Refused[fmt.Sprintf("w%d", i)]); diff != "" {
				t.Fatalf("table %d (-want +got):\n%s", i, diff)
			}
		}
		for question, times := range a.asked {
			if times != 1 {
				t.Fatalf("%s was asked about %d times", question, times)
			}
		}
	}
}

// Checks that could not be made are named in a stable order and refuse nothing.
func TestChecksThatCouldNotBeMade(t *testing.T) {
	for range 20 {
		got := check(t, &account{all: errors.New("no answer"), quotas: preflight.Quotas{Triggers: 1}}, planned(plan.Update, 2))
		want := []string{"role exists", "connection exists", "secret exists", "bucket exists", "quota of workflows", "quota of jobs"}
		if len(got.Refused) != 0 || len(got.Unchecked) != len(want) {
			t.Fatalf("%+v", got)
		}
		for i, text := range want {
			if !strings.Contains(got.Unchecked[i], text) {
				t.Fatalf("unchecked %d is %q, want it to name %q", i, got.Unchecked[i], text)
			}
		}
	}
}

// The room that is left goes to tables that lack nothing else; a table that
// lacks something is told of the quota, too, when there is no room for it.
func TestRoomGoesToTablesThatLackNothingElse(t *testing.T) {
	in := planned(plan.Create, 3)
	in.Plan.Changes[0].Parameters["GlueExecutionRole"] = "gone"
	a := &account{answers: map[string]error{"role gone": reconcile.ErrNotFound}, quotas: preflight.Quotas{Workflows: 2, Triggers: 100, Jobs: 100}}
	got := check(t, a, in)
	if len(got.Refused) != 1 || len(got.Refused["w0"]) != 2 || !strings.Contains(got.Refused["w0"][1], "quota of 2 Glue workflows") {
		t.Errorf("%q, want the first table alone refused, for its role and the quota", got.Refused)
	}
}

func TestWhatIsChecked(t *testing.T) {
	large := planned(plan.Create, 1)
	large.Plan.Changes[0].Parameters["Shows"] = strings.Repeat("x", 131072)
	own, shared := planned(plan.Create, 1), planned(plan.Create, 1)
	shared.Accounts["hr"] = []string{"111122223333", "444455556666"}
	forbidden := map[string]error{"bucket raw of 111122223333": reconcile.ErrForbidden, "bucket raw of 444455556666": reconcile.ErrForbidden}
	for name, c := range map[string]struct {
		reason  string
		in      reconcile.PreflightInput
		answers map[string]error
		refused string
		asked   int
	}{
		"nothing to create or update":  {"an unchanged catalog costs no call", planned(plan.None, 5), nil, "", 0},
		"a delete":                     {"it needs nothing that the table needed", planned(plan.Delete, 5), nil, "", 0},
		"all there":                    {"each thing is asked about once, whatever the number of tables", planned(plan.Update, 50), nil, "", 4},
		"parameters too long for Glue": {"StartBlueprintRun would refuse them", large, nil, "Glue takes 131072", 4},
		"another account's bucket":     {"a typo must not send data to strangers", own, forbidden, `bucket "raw" belongs to another account`, 4},
		"a bucket of a named account":  {"its policy may admit the jobs and not this function", shared, forbidden, "", 5},
	} {
		a := &account{answers: c.answers, quotas: roomy}
		got := check(t, a, c.in)
		asked := 0
		for _, n := range a.asked {
			asked += n
		}
		if all := strings.Join(got.Refused["w0"], "\n"); asked != c.asked || (all == "") != (c.refused == "") || !strings.Contains(all, c.refused) {
			t.Errorf("%s: %d questions, refused %q; want %d and %q: %s", name, asked, all, c.asked, c.refused, c.reason)
		}
	}
}

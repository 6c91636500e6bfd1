package reconcile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/preflight"
	"github.com/landfall/landfall/internal/report"
)

func TestPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.account.missing = map[string]error{
			"role nobody": reconcile.ErrNotFound, "secret lost": reconcile.ErrNotFound, "connection cut": reconcile.ErrNotFound,
			"bucket theirs of 123456789012": reconcile.ErrForbidden, "bucket shared of 123456789012": reconcile.ErrForbidden, "bucket gone of 123456789012": reconcile.ErrNotFound,
			"secret dark": reconcile.ErrForbidden,
		}
		w.uploadWith("hr", `"BucketOwners": []`, table("hr.good"),
			table("hr.role")+`, "GlueExecutionRole": "nobody"`, table("hr.secret")+`, "SecretName": "lost"`, table("hr.connection")+`, "NetworkConnectionName": "cut"`,
			table("hr.bucket")+`, "DestinationBucketName": "theirs"`, table("hr.gone")+`, "DestinationBucketName": "gone"`, table("hr.dark")+`, "SecretName": "dark"`)
		got := w.execute(t.Context(), "")
		if got.Counts.Created != 2 || got.Counts.Conflicts != 5 {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		for _, said := range []string{`hr.role: there is no role "nobody"`, `hr.secret: there is no secret "lost"`, `hr.connection: there is no connection "cut"`, `hr.bucket: bucket "theirs" belongs to another account`, `hr.gone: there is no bucket "gone"`} {
			if !strings.Contains(got.Cause, said) {
				t.Errorf("the cause does not say %q:\n%s", said, got.Cause)
			}
		}
		report, err := w.object("reports/hr/e1/report.json")
		if err != nil || !strings.Contains(string(report), "whether each secret exists was not checked") {
			t.Errorf("the report does not say which check was not made: %v\n%s", err, report)
		}
		w.want("hr_hr_dark finished: 1 job, 1 trigger", "hr_hr_good finished: 1 job, 1 trigger")
		w.uploadWith("two", `"BucketOwners": ["210987654321"]`, table("hr.x")+`, "DestinationBucketName": "shared"`)
		if got := w.execute(t.Context(), "catalogs/two.json"); got.Counts.Created != 1 {
			t.Errorf("a bucket of an account that the catalog names: %+v\n%s", got.Counts, got.Cause)
		}
	})
}

// A catalog in the AWS sample's format, planned in an account that has none of
// what it names: one failure for each thing that is missing, the same every time.
func TestTheAWSSampleInAnEmptyAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		sample, err := os.ReadFile("../../examples/hr/catalogs/sample-format.json")
		if err != nil {
			t.Fatal(err)
		}
		w.put("catalogs/people.json", sample)
		const (
			role, connection, destination = "arn:aws:iam::123456789012:role/landing-job", "people-db-vpc", "raw-layer-123456789012-eu-west-1"
			names                         = "hr.countries, hr.departments, hr.dependents, hr.employees, hr.everything and 3 more"
		)
		for _, missing := range []string{"role " + role, "connection " + connection, "bucket " + destination + " of 123456789012"} {
			w.account.missing[missing] = reconcile.ErrNotFound
		}
		want := []string{
			`there is no role "` + role + `" in this account; create it, or correct GlueExecutionRole`,
			`there is no connection "` + connection + `" in this account and Region; create it, or correct NetworkConnectionName`,
			`there is no bucket "` + destination + `"; create it, or correct DestinationBucketName`,
		}
		for range 5 {
			got, err := w.start(t.Context(), reconcile.Request{DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			if got.Counts.Conflicts != 8 || len(got.Failures) != len(want) {
				t.Fatalf("%+v, want %d failures of 8 tables", got, len(want))
			}
			for i, message := range want {
				if f := got.Failures[i]; f.Message != message || f.Tables != 8 || f.Table != "hr.countries" {
					t.Errorf("failure %d is %+v, want 8 tables: %s", i, f, message)
				}
				if line := "Conflict people " + names + ": " + message; !strings.Contains(got.Cause, line) {
					t.Errorf("the cause does not say %q:\n%s", line, got.Cause)
				}
			}
		}
		var read report.CatalogReport
		body, err := w.object("reports/people/e1/report.json")
		if err == nil {
			err = json.Unmarshal(body, &read)
		}
		if err != nil || len(read.Tables) != 8 || len(read.Causes) != len(want) || len(read.Causes[0].Tables) != 8 {
			t.Fatalf("%+v, %v", read, err)
		}
		for _, row := range read.Tables {
			if diff := cmp.Diff(want, row.Errors); diff != "" || row.Error != strings.Join(want, "\n") {
				t.Errorf("%s has not all its reasons (-want +got):\n%s\n%s", row.Table, diff, row.Error)
			}
		}
	})
}

// What has no room is refused by name before anything is changed, also an update, which needs room for its staging workflow.
func TestQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.account.quotas = preflight.Quotas{Workflows: 3, Triggers: 100, Jobs: 100}
		w.upload("hr", true, table("hr.a"), table("hr.b"))
		w.execute(t.Context(), "")
		w.upload("hr", true, table("hr.a"), table("hr.b"), table("hr.c"), table("hr.d"))
		got := w.execute(t.Context(), "")
		if got.Counts.Created != 1 || got.Counts.Conflicts != 1 || !strings.Contains(got.Cause, "quota of 3 Glue workflows") {
			t.Errorf("%+v\n%s", got.Counts, got.Cause)
		}
		w.upload("hr", true, table("hr.a")+workers, table("hr.b"), table("hr.c"))
		if got := w.execute(t.Context(), ""); got.Counts.Conflicts != 1 || got.Counts.Updated != 0 {
			t.Errorf("an update without room for staging: %+v", got.Counts)
		}
		w.account.err = errors.New("no permission")
		w.account.quotas = preflight.Quotas{}
		if got := w.execute(t.Context(), ""); got.Counts.Updated != 1 {
			t.Errorf("without the permission: %+v\n%s", got.Counts, got.Cause)
		}
		report, _ := w.object(fmt.Sprintf("reports/hr/e%d/report.json", w.n))
		if !strings.Contains(string(report), "quotas leave room was not checked") {
			t.Errorf("the report does not say that the quotas were not checked:\n%s", report)
		}
	})
}

// A check that cannot be made refuses nothing, and is said not to have been made.
func TestACheckThatCannotBeMadeRefusesNothing(t *testing.T) {
	cases := map[string]struct {
		reason string
		asked  string
		err    error
		says   string
	}{
		"role, no permission":       {"the function may not read roles", "role job", reconcile.ErrForbidden, "whether each role exists was not checked"},
		"secret, no permission":     {"the function may not see the secret", "secret s", reconcile.ErrForbidden, "whether each secret exists was not checked"},
		"connection, no permission": {"the function may not see the connection", "connection net", fmt.Errorf("refused: %w", errors.Join(reconcile.ErrRefused, reconcile.ErrForbidden)), "whether each connection exists was not checked"},
		"secret, no answer":         {"a service that is down proves nothing", "secret s", errors.New("no answer"), "whether each secret exists was not checked"},
		"bucket, no answer":         {"a service that is down proves nothing", "bucket raw-bucket of 123456789012", errors.New("no answer"), "whether each bucket exists was not checked"},
		"role, throttled":           {"asking too fast proves nothing", "role job", reconcile.ErrBusy, "whether each role exists was not checked"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.account.missing[c.asked] = c.err
				w.upload("hr", true, table("hr.a")+`, "NetworkConnectionName": "net"`)
				if got := w.execute(t.Context(), ""); got.Status != "Succeeded" || got.Counts.Created != 1 {
					t.Errorf("%+v, want the table to be created: %s\n%s", got.Counts, c.reason, got.Cause)
				}
				report, err := w.object("reports/hr/e1/report.json")
				if err != nil || strings.Count(string(report), "was not checked") != 1 || !strings.Contains(string(report), c.says) {
					t.Errorf("the report does not say %q, and that alone: %v\n%s", c.says, err, report)
				}
			})
		})
	}
}

package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

// problems parses a catalog that must be refused.
func problems(t testing.TB, data string) []catalog.Problem {
	t.Helper()
	return invalid(t, data, catalog.StackDefaults{}).Problems
}

func invalid(t testing.TB, data string, d catalog.StackDefaults) *catalog.InvalidError {
	t.Helper()
	c, err := catalog.Parse("hr", []byte(data), d)
	invalid, ok := errors.AsType[*catalog.InvalidError](err)
	if !ok || c != nil {
		t.Fatalf("Parse: got %v and error %v, want an *InvalidError alone, for:\n%.2000s", c, err, data)
	}
	return invalid
}

// accepted parses a catalog that must be good.
func accepted(t testing.TB, data string, d catalog.StackDefaults) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Parse("hr", []byte(data), d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFewestKeysGiveADocumentedTable(t *testing.T) {
	d := catalog.StackDefaults{GlueExecutionRole: "landing", DestinationBucketName: "raw-bucket"}
	got := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.employees", "SecretName": "landfall/hr"}]}`, d)
	want := &catalog.Catalog{Name: "hr", PruneLimitPercent: 20, PruneRunning: catalog.Wait, Tables: []catalog.Table{{
		WorkflowName: "hr_hr_employees", GlueExecutionRole: "landing", SecretName: "landfall/hr", SourceTable: "hr.employees",
		DestinationBucketName: "raw-bucket", DestinationFileFormat: "parquet", DestinationFileSizeMB: 256, DeltaColumnName: catalog.Columns{"updated_at"}, LoadType: "Incremental",
		NullCursor: "Fail", LagSeconds: 600, DeleteLimitPercent: 20, SchemaEvolution: "Evolve", CompareRows: "Sample", MaxConnections: 4, Engine: "Spark", MaxCapacity: 0.0625,
		JobScheduleType: "OnDemand", ScheduleCronPattern: "10 21 * * ? *", NumberOfWorkers: 2, WorkerType: "G.1X", TimeoutMinutes: 480, Enabled: true,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKeyReachesTheTable(t *testing.T) {
	got := accepted(t, string(corpus(t, "good")["every-key"]), catalog.StackDefaults{GlueExecutionRole: "other", DestinationBucketName: "other"})
	got.Warnings = nil // keys that have no effect together
	want := &catalog.Catalog{Name: "hr", Prune: true, PruneLimitPercent: 20, PruneRunning: catalog.Wait, Tables: []catalog.Table{{
		WorkflowName: "land employees", GlueExecutionRole: "arn:aws-us-gov:iam::123456789012:role/service-role/landing", NetworkConnectionName: "people-db-vpc",
		SecretName: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:landfall/hr-AbCdEf", SourceTable: "hr.employees", DestinationBucketName: "raw.layer-1",
		DestinationFileFormat: "parquet", DestinationFileCount: 10000, DestinationFileSizeMB: 4096, DeltaColumnName: catalog.Columns{"changed at", "made at"}, S3PartitionColumnName: "order", LoadType: "Full",
		PrimaryKey: []string{"employee_id", "start,date"}, JobScheduleType: "Cron", ScheduleCronPattern: "0/5 8-17 ? * MON-FRI 2025-2030",
		NullCursor: "FullOnly", LookbackSeconds: 31536000, LagSeconds: 86400, DetectDeletes: true, DeleteLimitPercent: 100, SchemaEvolution: "Freeze", CompareRows: "All",
		Types:          map[string]string{"NumericUnbounded": "Decimal(38,10)", "OutOfRange": "Null", "UnknownTypes": "Fail"},
		Columns:        map[string]map[string]string{"ssn": {"Rule": "Mask", "MaskWith": ""}, "größe": {"Rule": "Drop"}, "employee_id": {"Rule": "Hash", "OutOfRange": "Text"}},
		MaxConnections: 64, Engine: "PythonShell", MaxCapacity: 1,
		NumberOfWorkers: 299, WorkerType: "G.2X", TimeoutMinutes: 10080, MaxRetries: 10,
		Tags: map[string]string{"team": "people", "Cost Centre": "4711", "größe": ""},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestValues covers the forms that a value may have; the table is all that the entry gives beside its two required keys.
func TestValues(t *testing.T) {
	cases := map[string]struct {
		reason string
		keys   string
		want   func(*catalog.Table)
	}{
		"numbers as strings":      {"the sample writes them so", `"DestinationFileCount": "4", "NumberOfWorkers": "10"`, func(t *catalog.Table) { t.DestinationFileCount, t.NumberOfWorkers = 4, 10 }},
		"numbers as numbers":      {"and a person writes them so", `"DestinationFileCount": 4, "NumberOfWorkers": 10`, func(t *catalog.Table) { t.DestinationFileCount, t.NumberOfWorkers = 4, 10 }},
		"a whole number in full":  {"JSON knows one kind of number", `"NumberOfWorkers": 1e1`, func(t *catalog.Table) { t.NumberOfWorkers = 10 }},
		"empty file count":        {"the sample's way to let the job decide", `"DestinationFileCount": ""`, func(*catalog.Table) {}},
		"empty names":             {"the sample's generator writes all keys", `"S3PartitionColumnName": "", "NetworkConnectionName": ""`, func(*catalog.Table) {}},
		"empty schedule":          {"it does not count without Cron", `"ScheduleCronPattern": ""`, func(*catalog.Table) {}},
		"alias of the sample":     {"published catalogs have it", `"TransactionTimestampColumnName": "changed"`, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"changed"} }},
		"alias of its generator":  {"generated catalogs have it", `"delta_col_name": "changed"`, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"changed"} }},
		"primary key as a string": {"spaces around commas mean nothing", `"PrimaryKey": "a, b c ,d"`, func(t *catalog.Table) { t.PrimaryKey = []string{"a", "b c", "d"} }},
		"primary key as a list":   {"only a list can hold a comma or a space at an end", `"PrimaryKey": ["a, b", " c "]`, func(t *catalog.Table) { t.PrimaryKey = []string{"a, b", " c "} }},
		"empty primary key":       {"both forms mean none", `"PrimaryKey": []`, func(*catalog.Table) {}},
		"schedule with gaps":      {"Glue gets one space between fields", `"JobScheduleType": "Cron", "ScheduleCronPattern": " 0\t6  ? * MON * "`, func(t *catalog.Table) { t.JobScheduleType, t.ScheduleCronPattern = "Cron", "0 6 ? * MON *" }},
		"disabled":                {"the planner decides what that means for the schedule", `"Enabled": false, "JobScheduleType": "Cron"`, func(t *catalog.Table) { t.Enabled, t.JobScheduleType = false, "Cron" }},
		"workflow name":           {"spaces inside are Glue's to allow", `"WorkflowName": "Land größe (v2)"`, func(t *catalog.Table) { t.WorkflowName = "Land größe (v2)" }},
		"tags":                    {"an empty value is a value", `"Tags": {"a": "", "b c": "d:e"}`, func(t *catalog.Table) { t.Tags = map[string]string{"a": "", "b c": "d:e"} }},
		"one delta column":        {"a list of one is the column", `"DeltaColumnName": ["changed"]`, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"changed"} }},
		"delta columns":           {"the first that is not NULL counts", `"DeltaColumnName": ["changed", "made, or found"]`, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"changed", "made, or found"} }},
		"capacity as a string":    {"like all numbers", `"Engine": "PythonShell", "MaxCapacity": "1"`, func(t *catalog.Table) { t.Engine, t.MaxCapacity = "PythonShell", 1 }},
		"capacity in full":        {"JSON knows one kind of number", `"Engine": "PythonShell", "MaxCapacity": 1.0`, func(t *catalog.Table) { t.Engine, t.MaxCapacity = "PythonShell", 1 }},
		"lag zero":                {"zero is not the default", `"LagSeconds": "0"`, func(t *catalog.Table) { t.LagSeconds = 0 }},
		"decimal with a space":    {"as SQL is written", `"Types": {"NumericUnbounded": "Decimal(38, 10)"}`, func(t *catalog.Table) { t.Types = map[string]string{"NumericUnbounded": "Decimal(38, 10)"} }},
		"rules of nothing":        {"an empty object is no rule", `"Types": {}, "Columns": {}`, func(*catalog.Table) {}},
		"hashed key": {"a hash tells rows apart as well", `"PrimaryKey": ["a"], "Columns": {"a": {"Rule": "Hash"}}`, func(t *catalog.Table) {
			t.PrimaryKey, t.Columns = []string{"a"}, map[string]map[string]string{"a": {"Rule": "Hash"}}
		}},
		"keyless full load": {"a full load needs no key to tell rows apart", `"LoadType": "Full", "DetectDeletes": true`, func(t *catalog.Table) { t.LoadType, t.DetectDeletes = "Full", true }},
		"rule on an unread cursor": {"a full load reads no cursor", `"LoadType": "Full", "Columns": {"updated_at": {"Rule": "Drop"}}`, func(t *catalog.Table) {
			t.LoadType, t.Columns = "Full", map[string]map[string]string{"updated_at": {"Rule": "Drop"}}
		}},
		"retries zero": {"zero is a value too", `"MaxRetries": 0`, func(*catalog.Table) {}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			entry := `"SourceTable": "hr.employees", "SecretName": "landfall/hr"`
			want := accepted(t, `{"WorkflowList": [{`+entry+`}]}`, catalog.StackDefaults{}).Tables
			c.want(&want[0])
			got := accepted(t, `{"WorkflowList": [{`+entry+", "+c.keys+`}]}`, catalog.StackDefaults{}).Tables
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
		})
	}
}

func paths(problems []catalog.Problem) []string {
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	return paths
}

func TestTheStackSuppliesRoleAndBucket(t *testing.T) {
	const minimal = `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s"}]}`
	offline := accepted(t, minimal, catalog.StackDefaults{}).Tables[0]
	if offline.GlueExecutionRole != "" || offline.DestinationBucketName != "" {
		t.Errorf("offline: got role %q and bucket %q, want neither", offline.GlueExecutionRole, offline.DestinationBucketName)
	}
	own := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "GlueExecutionRole": "own"}]}`, catalog.StackDefaults{GlueExecutionRole: "stack", DestinationBucketName: "stack"}).Tables[0]
	if own.GlueExecutionRole != "own" || own.DestinationBucketName != "stack" {
		t.Errorf("got role %q and bucket %q, want the entry's and the stack's", own.GlueExecutionRole, own.DestinationBucketName)
	}
	// A stack that supplies one of the two leaves the other to the catalog.
	if diff := cmp.Diff([]string{"WorkflowList[0].DestinationBucketName"}, paths(invalid(t, minimal, catalog.StackDefaults{GlueExecutionRole: "stack"}).Problems)); diff != "" {
		t.Error(diff)
	}
}

func TestWarnings(t *testing.T) {
	got := accepted(t, `{"Defaults": {"SecretName": "s"}, "WorkflowList": [
	{"SourceTable": "hr.a", "delta_col_name": "x"},
	{"SourceTable": "hr.b", "delta_col_name": "x"},
	{"SourceTable": "hr.c", "ScheduleCronPattern": "0 6 * * ? *"},
	{"SourceTable": "HR.C"},
	{"SourceTable": "hr.d", "ScheduleCronPattern": ""},
	{"SourceTable": "hr.e", "Engine": "PythonShell", "NumberOfWorkers": 5},
	{"SourceTable": "hr.f", "MaxCapacity": 1, "LoadType": "Full", "DetectDeletes": true}
]}`, catalog.StackDefaults{}).Warnings
	var lines []string
	for _, w := range got {
		lines = append(lines, w.String())
	}
	want := []string{
		`line 2, column 26: WorkflowList[0].delta_col_name: is an old name of DeltaColumnName (used 2 times); write DeltaColumnName`,
		`line 4, column 49: WorkflowList[2].ScheduleCronPattern (hr.c): has no effect: JobScheduleType is OnDemand; set JobScheduleType to Cron`,
		`line 5, column 18: WorkflowList[3].SourceTable (HR.C): gets the name "hr_c" in the Glue Data Catalog, as WorkflowList[2] does; the name belongs to the table that lands first: job runs of the other fail; rename one of the two tables, or leave one out`,
		`line 7, column 70: WorkflowList[5].NumberOfWorkers (hr.e): has no effect: Engine is PythonShell; leave it out`,
		`line 8, column 41: WorkflowList[6].MaxCapacity (hr.f): has no effect: Engine is Spark; leave it out`,
		`line 8, column 81: WorkflowList[6].DetectDeletes (hr.f): has no effect: LoadType is Full; leave it out`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

func TestDerivedWorkflowNames(t *testing.T) {
	cases := map[string]struct{ reason, catalog, table, want string }{
		"plain":      {"the form users see", "hr", "hr.employees", "hr_hr_employees"},
		"kept":       {"harmless characters stay", "my-hr.v2", "a-b.C_9", "my-hr.v2_a-b_C_9"},
		"replaced":   {"whatever a name in the database has", "größe/x", `"a.b"."say ""ü"""`, "gr__e_x_a.b_say____"},
		"not folded": {"two names that differ stay two names", "hr", "Hr.Employees", "hr_Hr_Employees"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			parsed, err := catalog.Parse(c.catalog, fmt.Appendf(nil, `{"WorkflowList": [{"SecretName": "s", "SourceTable": %q}]}`, c.table), catalog.StackDefaults{})
			if err != nil {
				t.Fatal(err)
			}
			if got := parsed.Tables[0].WorkflowName; got != c.want {
				t.Errorf("got %s, want %s: %s", got, c.want, c.reason)
			}
		})
	}
	_, err := catalog.Parse(strings.Repeat("c", 195), []byte(`{"WorkflowList": [{"SecretName": "s", "SourceTable": "hr.jobs"}]}`), catalog.StackDefaults{})
	if err == nil || !strings.Contains(err.Error(), "the derived name has 203 characters") {
		t.Errorf("got error %v, want one about the length of the derived name", err)
	}
}

func TestPolicyOfACatalog(t *testing.T) {
	got := accepted(t, string(corpus(t, "good")["policy"]), catalog.StackDefaults{})
	got.Tables = nil
	want := &catalog.Catalog{
		Name: "hr", Prune: true, PruneLimitPercent: 0, PruneRunning: catalog.Stop, Adopt: true,
		Blueprint: "blueprints/two-step.zip", BucketOwners: []string{"123456789012"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = accepted(t, string(corpus(t, "good")["blueprint-parameters"]), catalog.StackDefaults{})
	parameters := map[string]any{"A": "x", "B": 2.5, "C": true, "D": []any{"a", "b"}, "E": []any{}}
	if diff := cmp.Diff(parameters, got.Tables[0].BlueprintParameters); diff != "" {
		t.Errorf("those of Defaults and of the entry are merged: %s", diff)
	}
}

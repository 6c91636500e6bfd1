package catalog_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

func TestDefaults(t *testing.T) {
	cases := map[string]struct {
		reason          string
		defaults, entry string
		want            func(*catalog.Table)
	}{
		"inherited":      {"an entry that says nothing gets them", `"LoadType": "Full", "MaxRetries": "3"`, ``, func(t *catalog.Table) { t.LoadType, t.MaxRetries = "Full", 3 }},
		"overridden":     {"the entry wins", `"LoadType": "Full", "Enabled": false`, `, "LoadType": "Incremental", "Enabled": true`, func(*catalog.Table) {}},
		"by empty":       {"empty is a value", `"DestinationFileCount": 4, "NetworkConnectionName": "vpc"`, `, "DestinationFileCount": "", "NetworkConnectionName": ""`, func(*catalog.Table) {}},
		"by an alias":    {"an alias is the key", `"DeltaColumnName": "a"`, `, "delta_col_name": "b"`, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"b"} }},
		"alias in them":  {"they take what entries take", `"TransactionTimestampColumnName": "a"`, ``, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"a"} }},
		"primary key":    {"a key is replaced whole", `"PrimaryKey": ["a", "b"]`, `, "PrimaryKey": "c"`, func(t *catalog.Table) { t.PrimaryKey = []string{"c"} }},
		"no primary key": {"an empty list takes it away", `"PrimaryKey": ["a"]`, `, "PrimaryKey": []`, func(*catalog.Table) {}},
		"delta columns":  {"they are replaced whole", `"DeltaColumnName": ["a", "b"]`, `, "DeltaColumnName": ["c", "a"]`, func(t *catalog.Table) { t.DeltaColumnName = catalog.Columns{"c", "a"} }},
		"types":          {"policies are merged by name", `"Types": {"OutOfRange": "Null", "UnknownTypes": "Fail"}`, `, "Types": {"OutOfRange": "Text"}`, func(t *catalog.Table) { t.Types = map[string]string{"OutOfRange": "Text", "UnknownTypes": "Fail"} }},
		"columns": {"rules are merged by column, then by name", `"Columns": {"a": {"Rule": "Mask", "MaskWith": "x"}, "b": {"Rule": "Hash"}}`, `, "Columns": {"a": {"MaskWith": ""}, "c": {"Rule": "Drop"}}`, func(t *catalog.Table) {
			t.Columns = map[string]map[string]string{"a": {"Rule": "Mask", "MaskWith": ""}, "b": {"Rule": "Hash"}, "c": {"Rule": "Drop"}}
		}},
		"tags": {"tags are merged by name", `"Tags": {"a": "1", "b": "2"}`, `, "Tags": {"b": "3", "c": "4"}`, func(t *catalog.Table) { t.Tags = map[string]string{"a": "1", "b": "3", "c": "4"} }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s"}, {"SourceTable": "hr.b", "SecretName": "s"}]}`, catalog.StackDefaults{}).Tables
			c.want(&want[0])
			c.want(&want[1])
			got := accepted(t, fmt.Sprintf(`{"WorkflowList": [{"SourceTable": "hr.a"%[1]s}, {"SourceTable": "hr.b"%[1]s}], "Defaults": {"SecretName": "s", %[2]s}}`, c.entry, c.defaults), catalog.StackDefaults{}).Tables
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
		})
	}
}

func TestDefaultsOfOneEntryDoNotReachAnother(t *testing.T) {
	got := accepted(t, `{"Defaults": {"SecretName": "s", "Tags": {"a": "1"}, "PrimaryKey": ["k"]}, "WorkflowList": [
		{"SourceTable": "hr.a", "Tags": {"a": "2", "b": "3"}, "PrimaryKey": "x,y"}, {"SourceTable": "hr.b"}]}`, catalog.StackDefaults{}).Tables[1]
	if diff := cmp.Diff(map[string]string{"a": "1"}, got.Tags); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"k"}, got.PrimaryKey); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsOfDefaultsAreReportedOnce(t *testing.T) {
	got := problems(t, `{"Defaults": {"secretName": "s", "MaxRetries": 99, "ScheduleCronPattern": "x"}, "WorkflowList": [{"SourceTable": "hr.a"}, {"SourceTable": "hr.b"}]}`)
	if diff := cmp.Diff([]string{"Defaults.secretName", "Defaults.MaxRetries", "Defaults.ScheduleCronPattern"}, paths(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAMisspeltKeyIsNotReportedAsMissingToo(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"in the entry": {`{"WorkflowList": [{"SourceTable": "hr.a", "secret_name": "s"}]}`, "WorkflowList[0].secret_name"},
		"in Defaults":  {`{"Defaults": {"SecretNam": "s"}, "WorkflowList": [{"SourceTable": "hr.a"}]}`, "Defaults.SecretNam"},
	} {
		t.Run(name, func(t *testing.T) {
			got := problems(t, c.data)
			if len(got) != 1 || got[0].Path != c.want || got[0].Hint != "did you mean SecretName?" {
				t.Errorf("got %v, want %s alone, with the right name", got, c.want)
			}
		})
	}
}

// TestABadValueCausesNoOtherProblem: where the entry's own value is refused, that of Defaults must not stand in for it.
func TestABadValueCausesNoOtherProblem(t *testing.T) {
	cases := map[string]struct{ reason, defaults, first, second, want string }{
		"table":    {"not a second hr.a", `"SourceTable": "hr.a", "SecretName": "s"`, ``, `"SourceTable": "a"`, "WorkflowList[1].SourceTable"},
		"secret":   {"not the same database", `"SourceTable": "hr.a", "SecretName": "s"`, ``, `"WorkflowName": "w", "SecretName": "{}"`, "WorkflowList[1].SecretName"},
		"bucket":   {"not the same place", `"SourceTable": "hr.a", "SecretName": "s"`, ``, `"WorkflowName": "w", "DestinationBucketName": "s3://b"`, "WorkflowList[1].DestinationBucketName"},
		"name":     {"not the derived one", `"SecretName": "s"`, `"SourceTable": "hr.a"`, `"SourceTable": "hr.b", "WorkflowName": ""`, "WorkflowList[1].WorkflowName"},
		"schedule": {"not an empty one", `"SecretName": "s", "JobScheduleType": "Cron"`, `"SourceTable": "hr.a"`, `"SourceTable": "hr.b", "ScheduleCronPattern": "x"`, "WorkflowList[1].ScheduleCronPattern"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := problems(t, fmt.Sprintf(`{"Defaults": {%s}, "WorkflowList": [{%s}, {%s}]}`, c.defaults, c.first, c.second))
			if diff := cmp.Diff([]string{c.want}, paths(got)); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
		})
	}
}

package plan_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// Glue refuses a blueprint run that lacks a parameter without a default, and
// may refuse one that has a parameter too many.
func TestEveryParameterIsSent(t *testing.T) {
	sent := plan.NewDesired(plan.Stack{}, plan.Blueprint{}, "hr", catalog.Table{}).Parameters
	if diff := cmp.Diff(slices.Sorted(slices.Values(catalog.ParameterNames())), slices.Sorted(maps.Keys(sent))); diff != "" {
		t.Errorf("declared and sent parameters differ (-declared +sent):\n%s", diff)
	}
}

func TestNewDesiredResolves(t *testing.T) {
	deployment := plan.Stack{ArtifactsBucket: "artifacts", Blueprint: plan.Blueprint{Name: "landfall", Version: "1"}, PythonModules: []string{"wheels/a.whl", "wheels/b.whl"}}
	table := catalog.Table{
		WorkflowName: "w", GlueExecutionRole: "role", SecretName: "s", SourceTable: "hr.employees", DestinationBucketName: "raw",
		DestinationFileFormat: "parquet", DeltaColumnName: catalog.Columns{"updated_at"}, LoadType: catalog.Incremental, JobScheduleType: catalog.Cron,
		ScheduleCronPattern: "0 1 * * ? *", NumberOfWorkers: 2, WorkerType: catalog.WorkerG1X, TimeoutMinutes: 480, Enabled: true,
	}
	got := plan.NewDesired(deployment, deployment.Blueprint, "hr", table)
	want := plan.Values(table.Parameters())
	maps.Copy(want, plan.Values{
		"WorkflowName": "w", "SourceTable": "hr.employees", "DestinationFileCount": "", "DeltaColumnName": "updated_at", "JobScheduleType": "Cron",
		"ScheduleCronPattern": "0 1 * * ? *", "NumberOfWorkers": 2.0, "PrimaryKey": "[]", "DetectDeletes": false, "Tags": "{}", "Types": "{}", "Columns": "{}",
		"Owner": "s3://artifacts/catalogs/hr.json", "ScriptLocation": "s3://artifacts/jobs/land_table.py", "ExtraPyFiles": "s3://artifacts/jobs/landing.zip",
		"PythonModules": "s3://artifacts/wheels/a.whl,s3://artifacts/wheels/b.whl",
	})
	if diff := cmp.Diff(want, got.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}

	disabled := table
	disabled.Enabled = false
	if p := plan.NewDesired(deployment, deployment.Blueprint, "hr", disabled).Parameters; p.Text("JobScheduleType") != "OnDemand" || p.Text("ScheduleCronPattern") != "" {
		t.Errorf("a disabled table keeps its schedule: %+v", p)
	}
	onDemand := table
	onDemand.JobScheduleType = catalog.OnDemand
	other := onDemand
	other.ScheduleCronPattern = "5 5 * * ? *"
	if plan.NewDesired(deployment, deployment.Blueprint, "hr", onDemand).Fingerprint != plan.NewDesired(deployment, deployment.Blueprint, "hr", other).Fingerprint {
		t.Error("a pattern that is not used changes the fingerprint, and so would delete and create the workflow for nothing")
	}
}

func TestWheelsAreThoseOfTheJobsPython(t *testing.T) {
	deployment := plan.Stack{ArtifactsBucket: "a", PythonModules: []string{
		"wheels/duckdb-1.4.4-cp311-cp311-linux.whl", "wheels/duckdb-1.4.4-cp39-cp39-linux.whl", "wheels/extension-1.4.4-py3-none-linux.whl",
	}}
	cases := map[string]struct{ reason, want string }{
		catalog.Spark:       {"Glue 5.1 runs Python 3.11; a user's layout hands on what it gets", "s3://a/wheels/duckdb-1.4.4-cp311-cp311-linux.whl,s3://a/wheels/extension-1.4.4-py3-none-linux.whl"},
		catalog.PythonShell: {"a Python shell runs 3.9", "s3://a/wheels/duckdb-1.4.4-cp39-cp39-linux.whl,s3://a/wheels/extension-1.4.4-py3-none-linux.whl"},
	}
	for engine, c := range cases {
		got := plan.NewDesired(deployment, plan.Blueprint{}, "hr", catalog.Table{Engine: engine, DeltaColumnName: catalog.Columns{"c"}}).Parameters.Text("PythonModules")
		if got != c.want {
			t.Errorf("%s: %s, want %s: %s", engine, got, c.want, c.reason)
		}
	}
}

func TestColumnsAndRulesAreSentAsTheJobReadsThem(t *testing.T) {
	cases := map[string]struct {
		reason, key, want string
		table             catalog.Table
	}{
		"one column":      {"as it is", "DeltaColumnName", `a "b"`, catalog.Table{DeltaColumnName: catalog.Columns{`a "b"`}}},
		"several columns": {"as a list, in their order", "DeltaColumnName", `["b","a"]`, catalog.Table{DeltaColumnName: catalog.Columns{"b", "a"}}},
		"like a list":     {"a column of this name is not two columns", "DeltaColumnName", `["[\"a\"]"]`, catalog.Table{DeltaColumnName: catalog.Columns{`["a"]`}}},
		"a key":           {"as a list, also of one column", "PrimaryKey", `["id"]`, catalog.Table{PrimaryKey: []string{"id"}}},
		"a file count":    {"as text, which is empty when the job decides", "DestinationFileCount", "4", catalog.Table{DestinationFileCount: 4}},
		"rules": {
			"keys in one order, so that the fingerprint does not change", "Columns", `{"a":{"Rule":"Hash"},"b":{"MaskWith":"","Rule":"Mask"}}`,
			catalog.Table{Columns: map[string]map[string]string{"b": {"Rule": "Mask", "MaskWith": ""}, "a": {"Rule": "Hash"}}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := plan.NewDesired(plan.Stack{}, plan.Blueprint{}, "hr", c.table).Parameters.Text(c.key); got != c.want {
				t.Errorf("got %s, want %s: %s", got, c.want, c.reason)
			}
		})
	}
}

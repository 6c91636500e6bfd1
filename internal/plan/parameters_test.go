package plan_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// Glue refuses a blueprint run that lacks a parameter without a default, and
// may refuse one that has a parameter too many.
func TestParametersAreThoseOfBlueprintCfg(t *testing.T) {
	data, err := os.ReadFile("../../blueprint/blueprint.cfg")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		ParameterSpec map[string]struct{ Type string } `json:"parameterSpec"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, p := range config.ParameterSpec {
		want[name] = p.Type
	}
	got := map[string]string{}
	for field := range reflect.TypeFor[plan.Parameters]().Fields() {
		got[field.Name] = map[reflect.Kind]string{
			reflect.String: "String", reflect.Int: "Integer", reflect.Float64: "Double", reflect.Bool: "Boolean",
		}[field.Type.Kind()]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blueprint.cfg and Parameters differ (-cfg +sent):\n%s", diff)
	}
}

func TestNewDesiredResolves(t *testing.T) {
	deployment := plan.Deployment{ArtifactsBucket: "artifacts", Blueprint: plan.Blueprint{Name: "landfall", Version: "1"}, PythonModules: []string{"wheels/a.whl", "wheels/b.whl"}}
	table := catalog.Table{
		WorkflowName: "w", GlueExecutionRole: "role", SecretName: "s", SourceTable: "hr.employees", DestinationBucketName: "raw",
		DestinationFileFormat: "parquet", DeltaColumnName: catalog.Columns{"updated_at"}, LoadType: catalog.Incremental, JobScheduleType: catalog.Cron,
		ScheduleCronPattern: "0 1 * * ? *", NumberOfWorkers: 2, WorkerType: catalog.WorkerG1X, TimeoutMinutes: 480, Enabled: true,
	}
	got := plan.NewDesired(deployment, deployment.Blueprint, "hr", table)
	want := plan.Parameters{
		WorkflowName: "w", GlueExecutionRole: "role", SecretName: "s", SourceTable: "hr.employees", DestinationBucketName: "raw",
		DestinationFileFormat: "parquet", DeltaColumnName: "updated_at", JobScheduleType: "Cron", ScheduleCronPattern: "0 1 * * ? *",
		NumberOfWorkers: 2, LoadType: "Incremental", PrimaryKey: "[]", WorkerType: "G.1X", TimeoutMinutes: 480, Tags: "{}", Types: "{}", Columns: "{}",
		Owner: "s3://artifacts/catalogs/hr.json", ScriptLocation: "s3://artifacts/jobs/land_table.py", ExtraPyFiles: "s3://artifacts/jobs/landing.zip",
		PythonModules: "s3://artifacts/wheels/a.whl,s3://artifacts/wheels/b.whl",
	}
	if diff := cmp.Diff(values(t, want), got.Parameters); diff != "" {
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
	deployment := plan.Deployment{ArtifactsBucket: "a", PythonModules: []string{
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
		reason string
		table  catalog.Table
		want   plan.Parameters
	}{
		"one column":      {"as it is", catalog.Table{DeltaColumnName: catalog.Columns{`a "b"`}}, plan.Parameters{DeltaColumnName: `a "b"`}},
		"several columns": {"as a list, in their order", catalog.Table{DeltaColumnName: catalog.Columns{"b", "a"}}, plan.Parameters{DeltaColumnName: `["b","a"]`}},
		"like a list":     {"a column of this name is not two columns", catalog.Table{DeltaColumnName: catalog.Columns{`["a"]`}}, plan.Parameters{DeltaColumnName: `["[\"a\"]"]`}},
		"rules": {
			"keys in one order, so that the fingerprint does not change",
			catalog.Table{DeltaColumnName: catalog.Columns{"c"}, Columns: map[string]map[string]string{"b": {"Rule": "Mask", "MaskWith": ""}, "a": {"Rule": "Hash"}}},
			plan.Parameters{DeltaColumnName: "c", Columns: `{"a":{"Rule":"Hash"},"b":{"MaskWith":"","Rule":"Mask"}}`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := plan.NewDesired(plan.Deployment{}, plan.Blueprint{}, "hr", c.table).Parameters
			if c.want.Columns == "" {
				c.want.Columns = "{}"
			}
			if got.Text("DeltaColumnName") != c.want.DeltaColumnName || got.Text("Columns") != c.want.Columns {
				t.Errorf("got %s and %s, want %s and %s: %s", got.Text("DeltaColumnName"), got.Text("Columns"), c.want.DeltaColumnName, c.want.Columns, c.reason)
			}
		})
	}
}

// values are parameters as a blueprint run takes them.
func values(t *testing.T, p plan.Parameters) plan.Values {
	t.Helper()
	var v plan.Values
	data, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

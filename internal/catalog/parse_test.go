package catalog_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

// problems parses a catalog that must be refused.
func problems(t *testing.T, data string) []catalog.Problem {
	t.Helper()
	_, err := catalog.Parse("hr", []byte(data), catalog.Deployment{})
	invalid, ok := errors.AsType[*catalog.InvalidError](err)
	if !ok {
		t.Fatalf("Parse: got error %v, want an *InvalidError, for:\n%s", err, data)
	}
	return invalid.Problems
}

// accepted parses a catalog that must be good.
func accepted(t *testing.T, data string, d catalog.Deployment) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Parse("hr", []byte(data), d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFewestKeysGiveADocumentedTable(t *testing.T) {
	d := catalog.Deployment{GlueExecutionRole: "landing", DestinationBucketName: "raw-bucket"}
	got := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.employees", "SecretName": "landfall/hr"}]}`, d)
	want := &catalog.Catalog{Name: "hr", Tables: []catalog.Table{{
		WorkflowName: "hr_hr_employees", GlueExecutionRole: "landing", SecretName: "landfall/hr", SourceTable: "hr.employees",
		DestinationBucketName: "raw-bucket", DestinationFileFormat: "parquet", DeltaColumnName: "updated_at", LoadType: "Incremental",
		JobScheduleType: "OnDemand", ScheduleCronPattern: "10 21 * * ? *", NumberOfWorkers: 2, WorkerType: "G.1X", TimeoutMinutes: 480, Enabled: true,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExamplesAreGoodCatalogs(t *testing.T) {
	files, err := filepath.Glob("../../examples/hr/catalogs/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example catalogs: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := catalog.Parse("hr", data, catalog.Deployment{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

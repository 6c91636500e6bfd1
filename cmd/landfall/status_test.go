package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/status"
)

// runWorkflow runs one workflow to its end.
func (d *testStack) runWorkflow(t *testing.T, name string) {
	t.Helper()
	out, err := d.Glue.StartWorkflowRun(t.Context(), &glue.StartWorkflowRunInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		run, err := d.Glue.GetWorkflowRun(t.Context(), &glue.GetWorkflowRunInput{Name: &name, RunId: out.RunId})
		if err != nil {
			t.Fatal(err)
		}
		if s := run.Run.Status; s != types.WorkflowRunStatusRunning && s != types.WorkflowRunStatusStopping {
			return
		}
	}
	t.Fatalf("workflow %s did not end", name)
}

// commit puts a commit record as the job writes it.
func (d *testStack) commit(t *testing.T, database, table string, seq int, watermark string) {
	t.Helper()
	record := fmt.Sprintf(`{"version": 1, "seq": %d, "base": 1, "batch": "%08[1]d-ab12", "loadType": "Incremental",
		"window": {"columns": ["updated_at"], "type": "timestamptz", "low": null, "high": %q}, "watermark": %[2]q,
		"files": [], "rows": 107, "bytes": 4096, "columns": [], "primaryKey": [], "committedAt": "2026-11-24T21:10:30+00:00", "jobRunId": "jr_1"}`, seq, watermark)
	d.land(t, fmt.Sprintf("%s/%s/_landfall/commits/%08d.json", database, table, seq), record)
}

// land puts an object into the raw layer.
func (d *testStack) land(t *testing.T, key, body string) {
	t.Helper()
	if err := d.Raw.Put(t.Context(), key, []byte(body), "application/json"); err != nil {
		t.Fatal(err)
	}
}

func testStatus(t *testing.T, d *testStack) {
	d.runWorkflow(t, "hr_hr_employees")
	d.runWorkflow(t, "hr_hr_jobs")
	d.commit(t, "hr", "hr.employees", 1, "2026-11-23 21:10:00+00")
	d.commit(t, "hr", "hr.employees", 2, "2026-11-24 21:10:00+00")
	code, out, talk := landfall(t, "status")
	if code != exitDiffers {
		t.Errorf("exit code %d for a table whose last workflow run failed: %s", code, talk)
	}
	checkGolden(t, "status", out)
	code, out, _ = landfall(t, "status", "--failed", "--catalog", "hr")
	if code != exitDiffers || strings.Contains(out, "hr.employees") || !strings.Contains(out, "does not exist. Name another DeltaColumnName") {
		t.Errorf("--failed: exit code %d\n%s", code, out)
	}
	code, out, _ = landfall(t, "status", "--json")
	var rows []status.Row
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != exitDiffers || len(rows) != 2 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, out)
	}
	employees, jobs := rows[0], rows[1]
	if employees.Result != status.Succeeded || employees.Watermark != "2026-11-24 21:10:00+00" || employees.Rows != 107 || employees.Next == nil ||
		employees.Next.Format("15:04") != "21:10" || !employees.Active || employees.Schedule != "10 21 * * ? *" {
		t.Errorf("hr.employees: %+v", employees)
	}
	if jobs.Result != status.Failed || jobs.Next != nil || jobs.Active || jobs.Watermark != "" || !strings.Contains(jobs.Error, "updated_at") {
		t.Errorf("hr.jobs: %+v", jobs)
	}
	// A state record moves the watermark without a batch.
	d.land(t, "hr/hr.employees/_landfall/commits/00000003.json",
		`{"version": 1, "kind": "state", "seq": 3, "base": 1, "action": "set", "watermark": "2026-11-01 00:00:00+00", "files": [], "rows": 0, "bytes": 0, "committedAt": "2026-11-24T22:00:00+00:00", "by": "me"}`)
	if _, out, _ = landfall(t, "status"); !strings.Contains(out, "2026-11-01 00:00:00+00") {
		t.Errorf("the watermark that was set is not shown:\n%s", out)
	}
	// Of two databases' tables of one name it is not known whose workflow this is.
	d.commit(t, "payroll", "hr.employees", 1, "2020-01-01 00:00:00+00")
	if _, out, _ = landfall(t, "status"); !strings.Contains(out, "in databases hr, payroll") {
		t.Errorf("one watermark is shown for two databases:\n%s", out)
	}
	if code, _, talk := landfall(t, "status", "--watch", "--json"); code != exitError || !strings.Contains(talk, "choose one") {
		t.Errorf("--watch --json: exit code %d, %s", code, talk)
	}
}

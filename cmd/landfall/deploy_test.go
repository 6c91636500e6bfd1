package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/landfall/landfall/internal/golden"
	"github.com/landfall/landfall/internal/keys"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/stacktest"
)

// landfall runs one command line.
func landfall(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &talk)
	return code, out.String(), talk.String()
}

func writeCatalog(t *testing.T, name, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".json")
	if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// vary are the parts of an output that no two executions share, and what stands for them.
var vary = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_[0-9a-f-]{36})?`), "EXECUTION"},
	{regexp.MustCompile(`\b(br|wr|jr)_[0-9a-f]+`), "${1}_ID"},
	{regexp.MustCompile(` *\b\d+(\.\d+)? s\b`), "  TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d  in \d+ (min|h|d)`), "NEXT"},
	{regexp.MustCompile(`(\S) {3,}`), "$1  "}, // widths follow the times
}

// checkGolden compares an output with testdata/<name>.golden.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	for _, v := range vary {
		got = v.pattern.ReplaceAllString(got, v.stands)
	}
	golden.Check(t, filepath.Join("testdata", name+".golden"), got)
}

// runner lands nothing, and fails for one table.
type runner struct{}

func (runner) Run(_ context.Context, run localglue.JobRun) error {
	if strings.Contains(run.JobName, "jobs") {
		return errors.New("hr.jobs: the column \"updated_at\" does not exist. Name another DeltaColumnName, or set LoadType to Full")
	}
	return nil
}

const (
	firstCatalog = `{"Defaults": {"SecretName": "s"}, "WorkflowList": [
	{"SourceTable": "hr.employees", "JobScheduleType": "Cron", "ScheduleCronPattern": "10 21 * * ? *"},
	{"SourceTable": "hr.raises"}]}`
	nextCatalog = `{"Defaults": {"SecretName": "s"}, "WorkflowList": [
	{"SourceTable": "hr.employees", "JobScheduleType": "Cron", "ScheduleCronPattern": "10 21 * * ? *"},
	{"SourceTable": "hr.jobs", "JobScheduleType": "Cron", "ScheduleCronPattern": "0 6 ? * MON-FRI *", "Enabled": false}]}`
	lastCatalog = `{"Defaults": {"SecretName": "s"}, "WorkflowList": [
	{"SourceTable": "hr.jobs", "NumberOfWorkers": 4}, {"SourceTable": "hr.regions"}]}`
)

// TestDeployment walks the way of a catalog: planned, refused, deployed in part, mended, changed, watched.
func TestDeployment(t *testing.T) {
	d := deployStack(t, localglue.Config{Runner: runner{}})
	first, next, last := writeCatalog(t, "hr", firstCatalog), writeCatalog(t, "hr", nextCatalog), writeCatalog(t, "hr", lastCatalog)
	steps := []struct {
		name, reason string
		args         []string
		code         int
	}{
		{"plan-new", "a catalog is planned before it is uploaded: everything differs", []string{"plan", first}, exitDiffers},
		{"plan-nothing-uploaded", "the draft of the step before is not deployable, and gone", []string{"plan"}, exitError},
		{"deploy-failed-table", "one table fails, the other is deployed", []string{"deploy", first}, exitDiffers},
		{"deploy", "without the table that fails all is well", []string{"deploy", next}, exitOK},
		{"deploy-unchanged", "deploying what is deployed changes nothing", []string{"deploy", "--catalog", "hr"}, exitOK},
		{"plan-unchanged", "everything is in sync", []string{"plan"}, exitOK},
		{"plan-changed", "a parameter changed, an entry came, an entry went", []string{"plan", last}, exitDiffers},
		{"plan-other-name", "the same table in two catalogs is a conflict", []string{"plan", next, "--catalog", "people"}, exitDiffers},
		{"plan-unknown-catalog", "there is no such catalog", []string{"plan", "--catalog", "sales"}, exitError},
		{"status-never", "nothing ran yet", []string{"status"}, exitOK},
	}
	for _, s := range steps {
		code, out, talk := landfall(t, s.args...)
		if code != s.code {
			t.Errorf("%s (%s): exit code %d, want %d; stderr:\n%s", s.name, s.reason, code, s.code, talk)
		}
		if strings.Contains(out+talk, "\x1b") {
			t.Errorf("%s: escape codes outside a terminal:\n%q", s.name, out+talk)
		}
		if i := strings.Index(talk, "landfall: "); i >= 0 { // what is before it depends on the time
			out += "--- stderr\n" + talk[i:]
		}
		checkGolden(t, s.name, out)
	}
	t.Run("Drafts", func(t *testing.T) { testDrafts(t, d) })
	t.Run("JSON", func(t *testing.T) { testPlanJSON(t, last) })
	t.Run("Colour", func(t *testing.T) { testColour(t, last) })
	t.Run("Report", func(t *testing.T) { testReport(t) })
	t.Run("Refused", func(t *testing.T) { testRefused(t, d) })
	t.Run("Locked", func(t *testing.T) { testLocked(t, d) })
	if t.Run("Status", func(t *testing.T) { testStatus(t, d) }) {
		t.Run("State", func(t *testing.T) { testState(t, d) })
	}
}

// No draft is left behind.
func testDrafts(t *testing.T, d *testStack) {
	listed, err := d.Artifacts.List(t.Context(), keys.Catalogs)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range listed {
		if o.Key != keys.Catalog("hr") {
			t.Errorf("there is %s", o.Key)
		}
	}
}

func testPlanJSON(t *testing.T, file string) {
	code, out, _ := landfall(t, "plan", "--json", file)
	var got ended
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitDiffers {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	if got.Status != "SUCCEEDED" || got.Execution == "" || len(got.Reports) != 1 || !got.Reports[0].DryRun || got.Counts.Created != 1 || got.Counts.Updated != 1 {
		t.Errorf("the plan as JSON: %s", out)
	}
}

func testColour(t *testing.T, file string) {
	t.Setenv("CLICOLOR_FORCE", "1")
	if _, out, _ := landfall(t, "plan", file); !strings.Contains(out, "\x1b[32m+\x1b[0m") || !strings.Contains(out, "\x1b[33m~\x1b[0m") {
		t.Errorf("no colour: %q", out)
	}
}

func testReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if code, _, talk := landfall(t, "plan", "--report", dir); code != exitOK {
		t.Fatalf("exit code %d: %s", code, talk)
	}
	page, err := os.ReadFile(filepath.Join(dir, "hr.html"))
	if err != nil || !strings.Contains(string(page), "hr.employees") {
		t.Errorf("page %.80s, %v", page, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "hr.json")); err != nil {
		t.Error(err)
	}
}

// What cannot be deployed is refused before anything is uploaded.
func testRefused(t *testing.T, d *testStack) {
	version := func() string {
		out, err := d.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: new(stacktest.ArtifactsBucket), Key: new(keys.Catalog("hr"))})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ETag + out.LastModified.String()
	}
	before := version()
	bad := writeCatalog(t, "hr", `{"WorkflowList": [{"SourceTabel": "hr.employees"}]}`)
	cases := map[string]struct {
		args []string
		want string
	}{
		"bad catalog":  {[]string{"deploy", bad}, "did you mean SourceTable?"},
		"bad plan":     {[]string{"plan", bad}, "did you mean SourceTable?"},
		"file missing": {[]string{"deploy", "nowhere.json"}, "nowhere.json"},
		"odd name":     {[]string{"deploy", bad, "--catalog", "a/b"}, "is not a name for a catalog"},
		"other stack":  {[]string{"deploy", "--stack", "Other"}, `there is no stack "Other" in eu-west-1`},
		"other name":   {[]string{"plan", renamed(t, bad, "hr.yaml")}, "is called <name>.json"},
	}
	for name, c := range cases {
		code, out, talk := landfall(t, c.args...)
		if code != exitError || out != "" || !strings.Contains(talk, c.want) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %q", name, code, out, talk, c.want)
		}
	}
	if after := version(); after != before {
		t.Errorf("the catalog in the bucket changed: %s, was %s", after, before)
	}
	t.Setenv("AWS_REGION", "")
	if code, _, talk := landfall(t, "plan"); code != exitError || !strings.Contains(talk, "set AWS_REGION") {
		t.Errorf("without a Region: exit code %d, %s", code, talk)
	}
}

func renamed(t *testing.T, file, name string) string {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(other, body, 0o644); err != nil {
		t.Fatal(err)
	}
	return other
}

package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// sampleReport is a report of n tables, some of which changed or failed.
func sampleReport(n int, dryRun bool) *CatalogReport {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	started := time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)
	report := &CatalogReport{
		Catalog: "hr", Execution: "6e374a9e-6e92-4f6f-9950-d63c38f5e805", DryRun: dryRun,
		ExecutionARN: "arn:aws:states:eu-west-1:123456789012:execution:Landfall-landing:6e374a9e-6e92-4f6f-9950-d63c38f5e805",
		StartedAt:    started, Warnings: []string{`line 12, column 7: WorkflowList[1].delta_col_name (hr.jobs): is an old name; write DeltaColumnName`},
	}
	lanes := [20]float64{}
	names := []string{"employees", "job_history", "locations", "departments", "countries", "regions", "jobs", "raises", "payslips", "reviews"}
	for i := range n {
		name := names[i%len(names)]
		if i >= len(names) {
			name = fmt.Sprintf("%s_%04d", name, i)
		}
		row := Row{Table: "hr." + name, Workflow: "hr_hr_" + name, Action: plan.None, Reason: "in sync", Status: reconcile.Done}
		switch k := random.IntN(20); {
		case k < 5 || (n <= 10 && i < 3):
			row.Action, row.Reason = plan.Create, "not in Glue"
		case k < 8:
			row.Action, row.Reason = plan.Update, "2 parameters changed"
			row.Changed = []plan.Difference{{Parameter: "NumberOfWorkers", Old: "2", New: "4"}, {Parameter: "ScheduleCronPattern", Old: "10 21 * * ? *", New: "0 6 ? * MON-FRI *"}}
		case k == 8:
			row.Action, row.Reason = plan.Delete, "not in the catalog"
		case k == 9 && i%3 == 0:
			row.Action = plan.Conflict
			row.Reason = fmt.Sprintf("workflow %q exists and is not Landfall's; rename or delete it, or give the table another WorkflowName", row.Workflow)
			row.Status, row.Error = reconcile.Failed, row.Reason
		case k == 10 && i%3 == 0:
			row.Action, row.Reason = plan.Orphan, "not in the catalog; the catalog does not prune"
		}
		if row.Action.Applies() && dryRun {
			row.Status = planned
		} else if row.Action.Applies() {
			lane := i % len(lanes)
			at := started.Add(time.Duration((4 + lanes[lane]) * float64(time.Second)))
			row.StartedAt, row.Seconds = &at, 8+random.ExpFloat64()*6
			lanes[lane] += row.Seconds
			if random.IntN(12) == 0 || name == "raises" {
				row.Status = reconcile.Failed
				row.Error = `start a run of blueprint "landfall": AccessDeniedException: not authorized to perform iam:PassRole on role/landing-job. Allow it and start the state machine again; finished tables stay finished`
			}
			if row.Status == reconcile.Failed && (i%40 == 0 || name == "raises") {
				row.Error = "blueprint run br_7b5504b11c8bb31f failed: Unknown error executing layout generator function ValueError: no layout for " + row.Table + ". Correct the layout and start the state machine again; what is done stays done"
			}
		}
		report.Tables = append(report.Tables, row)
	}
	longest := 0.0
	for _, l := range lanes {
		longest = max(longest, l)
	}
	report.FinishedAt = started.Add(time.Duration((9 + longest) * float64(time.Second)))
	report.count()
	return report
}

func render(t *testing.T, report *CatalogReport) string {
	t.Helper()
	page, err := renderReport(report)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

var dataScript = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

// dataOf is what the page's script reads.
func dataOf(t *testing.T, page string) pageData {
	t.Helper()
	m := dataScript.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no data")
	}
	var data pageData
	if err := json.Unmarshal([]byte(m[1]), &data); err != nil {
		t.Fatalf("the page's data is not JSON: %v", err)
	}
	return data
}

// hostile are texts that would be markup, or end the script, if they were not escaped.
var hostile = []string{
	`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><b>`, `' onmouseover='alert(1)`, "]]>\u2028\u2029<!--<script>",
	`{{.Report}}`, `javascript:alert(1)`, `&lt;b&gt;`, "tab\tnew\nline\x00\x1b[31m", `</title></style><h1>`,
}

func TestPageEscapesEverything(t *testing.T) {
	tags := regexp.MustCompile(`(?i)<(script|img|b>|h1|iframe|svg)`)
	clean := len(tags.FindAllString(render(t, sampleReport(1, false)), -1))
	for _, text := range hostile {
		report := sampleReport(1, false)
		report.Warnings = []string{text}
		report.Tables[0] = Row{Table: text, Workflow: text, Action: plan.Update, Reason: text, Status: reconcile.Failed, Error: text, Changed: []plan.Difference{{Parameter: text, Old: text, New: text}}}
		report.count()
		want := len(tags.FindAllString(render(t, func() *CatalogReport {
			r := *report
			r.Warnings = []string{"x"}
			r.Tables = []Row{{Table: "x", Workflow: "x", Action: plan.Update, Reason: "x", Status: reconcile.Failed, Error: "x", Changed: []plan.Difference{{Parameter: "x", Old: "x", New: "x"}}}}
			return &r
		}()), -1))
		page := render(t, report)
		if got := len(tags.FindAllString(page, -1)); got != want || clean == 0 {
			t.Errorf("%q adds elements to the page: %d, want %d", text, got, want)
		}
		data := dataOf(t, page)
		row := data.Rows[0]
		if row.Table != text || row.Workflow != text || data.Causes[row.Causes[0]] != text || row.Changed[0] != [3]string{text, text, text} {
			t.Errorf("%q comes to the script as %+v", text, row)
		}
		report.Catalog, report.Error, report.Problems, report.Execution = text, text, []string{text}, text
		if got := strings.Count(render(t, report), "<script"); got != 2 {
			t.Errorf("%q as the catalog's name or its problem adds a script: %d", text, got)
		}
	}
}

// TestPageNeedsNothing: no asset is loaded, no handler is inline, and the policy allows only what the page brings.
func TestPageNeedsNothing(t *testing.T) {
	page := render(t, sampleReport(30, false))
	for _, pattern := range []string{`(?i)\ssrc=`, `(?i)<link`, `(?i)@import`, `(?i)url\(`, `(?i)\son[a-z]+=`, `(?i)\sstyle=`, `innerHTML|insertAdjacentHTML|document\.write|eval\(`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	for _, source := range []string{pageScript, pageStyle} {
		if !strings.Contains(page, ">"+source+"</") {
			t.Error("the script or style that the policy names is changed in the page")
		}
	}
	// In the attribute a plus of the digest is escaped.
	if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(page, "&#43;", "+"), "&#39;", "'"), pagePolicy) {
		t.Error("the page has no policy")
	}
}

// TestPageWithoutJavaScript: counts, failures and what to do are in the markup.
func TestPageWithoutJavaScript(t *testing.T) {
	report := sampleReport(1000, false)
	page := dataScript.ReplaceAllString(render(t, report), "")
	for _, want := range []string{
		fmt.Sprintf("<b>%d</b><span><i>+</i> created", report.Counts.Created), fmt.Sprintf("<b>%d</b><span>unchanged", report.Counts.Unchanged),
		"Correct the layout and start the state machine again", "The file report.json", "NumberOfWorkers: 2 → 4",
		"https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/arn:aws:states:",
	} {
		if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
			t.Errorf("the page without its data does not say %q", want)
		}
	}
	if shown := strings.Count(page, "<tr"); shown > staticRows+1 {
		t.Errorf("%d rows in the markup", shown)
	}
}

// emptyAccount is the plan of n tables in an account that has none of what they name.
func emptyAccount(n int) *CatalogReport {
	report := sampleReport(0, true)
	for i := range n {
		row := Row{Table: fmt.Sprintf("hr.t%03d", i), Workflow: fmt.Sprintf("hr_hr_t%03d", i), Action: plan.Conflict, Status: reconcile.Failed, Errors: []string{
			`there is no role "arn:aws:iam::123456789012:role/landing-job" in this account; create it, or correct GlueExecutionRole`,
			`there is no connection "people-db-vpc" in this account and Region; create it, or correct NetworkConnectionName`,
			`there is no bucket "raw-layer-123456789012-eu-west-1"; create it, or correct DestinationBucketName`,
		}}
		row.Error = strings.Join(row.Errors, "\n")
		row.Reason = row.Error
		report.Tables = append(report.Tables, row)
	}
	report.count()
	return report
}

// A cause that many tables have in common is on the page once, with the first few of them.
func TestPageNamesEachCauseOnce(t *testing.T) {
	for n, want := range map[int]string{
		7:   "<b>7 tables</b> in conflict: hr.t000, hr.t001, hr.t002, hr.t003, hr.t004, hr.t005, hr.t006<",
		300: "<b>300 tables</b> in conflict: hr.t000, hr.t001, hr.t002, hr.t003, hr.t004, hr.t005, hr.t006, hr.t007 and 292 more<",
	} {
		page := render(t, emptyAccount(n))
		data := dataOf(t, page)
		noscript := regexp.MustCompile(`(?s)<noscript>.*?</noscript>`)
		markup := noscript.ReplaceAllString(dataScript.ReplaceAllString(page, ""), "")
		if got := strings.Count(markup, want); got != 3 {
			t.Errorf("%d tables: %d causes say %q, want 3", n, got, want)
		}
		if got := strings.Count(markup, "correct GlueExecutionRole"); got != 1 {
			t.Errorf("%d tables: the missing role is named %d times", n, got)
		}
		if len(data.Causes) != 3 || len(data.Rows) != n || len(data.Rows[n-1].Causes) != 3 {
			t.Errorf("%d tables: %d causes, %d rows, the last one with %v", n, len(data.Causes), len(data.Rows), data.Rows[n-1].Causes)
		}
	}
}

// TestPageSize: what a browser has to lay out does not grow with the tables; only the data does, and little.
func TestPageSize(t *testing.T) {
	small, large := render(t, sampleReport(1_000, false)), render(t, sampleReport(10_000, false))
	markup := func(page string) int { return len(dataScript.ReplaceAllString(page, "")) }
	if grown := markup(large) - markup(small); grown > 10_000 {
		t.Errorf("the markup of 10,000 tables is %d bytes longer than that of 1,000", grown)
	}
	if len(large) > 4<<20 {
		t.Errorf("the page of 10,000 tables has %d bytes", len(large))
	}
	if got := len(dataOf(t, large).Rows); got != 10_000 {
		t.Errorf("%d rows in the data", got)
	}
}

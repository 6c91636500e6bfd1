package deployed_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/s3"
)

type object = map[string]any

// fake is the part of AWS that a stack's users call. It is called without a network, so that time can be made up around it.
type fake struct {
	outputs string // XML of the stack's outputs
	refusal string // code with which CloudFormation refuses
	// states answers Step Functions by operation; input is the call's.
	states  map[string]func(input object) any
	objects http.Handler
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, operation, isStates := strings.Cut(r.Header.Get("X-Amz-Target"), "AWSStepFunctions.")
	switch {
	case isStates:
		var input object
		_ = json.NewDecoder(r.Body).Decode(&input)
		_ = json.NewEncoder(w).Encode(f.states[operation](input))
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		if f.refusal != "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>why</Message></Error></ErrorResponse>`, f.refusal)
			break
		}
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Landfall</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, f.outputs)
	default:
		served := r.Clone(r.Context())
		served.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10)) // as it arrives at a server
		f.objects.ServeHTTP(w, served)
	}
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func outputs(pairs ...string) string {
	xml := ""
	for i := 0; i < len(pairs); i += 2 {
		xml += fmt.Sprintf("<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", pairs[i], pairs[i+1])
	}
	return xml
}

var complete = outputs("ArtifactsBucket", "artifacts", "RawBucket", "raw", "StateMachineArn", "arn:machine")

func (f *fake) config() aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: new("http://aws.test"), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		HTTPClient: &http.Client{Transport: f}, RetryMaxAttempts: 1,
	}
}

func (f *fake) find(t *testing.T) *deployed.Stack {
	t.Helper()
	f.outputs = complete
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), "artifacts"); err != nil {
		t.Fatal(err)
	}
	f.objects = gofakes3.New(backend).Server()
	stack, err := deployed.Find(t.Context(), f.config(), "Landfall")
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func (f *fake) put(t *testing.T, key string, v any) {
	t.Helper()
	body, err := json.Marshal(v)
	if err == nil {
		err = s3.New(f.config(), "artifacts").Put(t.Context(), key, body, "application/json")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFindSaysWhatToDo(t *testing.T) {
	cases := map[string]struct {
		reason string
		fake   fake
		want   string
	}{
		"no stack":   {"it is not deployed, or under another name or in another Region", fake{refusal: "ValidationError"}, `there is no stack "Landfall" in eu-west-1: deploy it`},
		"refused":    {"AWS's own words say which permission", fake{refusal: "AccessDenied"}, "AccessDenied: why"},
		"not ours":   {"a stack of another program has other outputs", fake{outputs: outputs("Url", "x")}, "is not a stack of Landfall"},
		"half ready": {"CloudFormation shows outputs at the end", fake{outputs: outputs("ArtifactsBucket", "a")}, "or its deployment has not ended"},
	}
	for name, c := range cases {
		if _, err := deployed.Find(t.Context(), c.fake.config(), "Landfall"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q: %s", name, err, c.want, c.reason)
		}
	}
}

// Other uploads and people start executions at the same time.
func TestStartedByFindsTheExecutionOfTheUpload(t *testing.T) {
	inputs := map[string]string{
		"before":          `{"catalog": "catalogs/hr.json", "version": "v2"}`,
		"other catalog":   `{"catalog": "catalogs/sales.json"}`,
		"all catalogs":    `{}`,
		"no JSON":         `?`,
		"earlier version": `{"catalog": "catalogs/hr.json", "version": "v1"}`,
	}
	cases := map[string]struct {
		reason, mine string
		found        bool
	}{
		"with the version":    {"the input names it", `{"catalog": "catalogs/hr.json", "version": "v2"}`, true},
		"without the version": {"the upload rule does not pass it on", `{"catalog": "catalogs/hr.json"}`, true},
		"none":                {"the rule is off: it gives up and says where to look", "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				uploaded := time.Now()
				f := &fake{}
				f.states = map[string]func(object) any{
					"ListExecutions": func(object) any {
						list := []object{}
						for n := range inputs {
							list = append(list, object{"executionArn": n, "stateMachineArn": "m", "name": n, "status": "RUNNING", "startDate": uploaded.Unix()})
						}
						if c.mine != "" && time.Since(uploaded) > 2*time.Second {
							list = append(list, object{"executionArn": "mine", "stateMachineArn": "m", "name": "mine", "status": "RUNNING", "startDate": uploaded.Unix()})
						}
						return object{"executions": list}
					},
					"DescribeExecution": func(in object) any {
						arn := in["executionArn"].(string)
						input := inputs[arn]
						if arn == "mine" {
							input = c.mine
						}
						return object{"executionArn": arn, "stateMachineArn": "m", "status": "RUNNING", "startDate": 1, "input": input}
					},
				}
				arn, err := f.find(t).StartedBy(t.Context(), "hr", "v2", map[string]bool{"before": true})
				switch {
				case c.found && (err != nil || arn != "mine"):
					t.Errorf("%q, %v: %s", arn, err, c.reason)
				case !c.found && (err == nil || !strings.Contains(err.Error(), "CatalogUploaded")):
					t.Errorf("%q, %v: %s", arn, err, c.reason)
				}
			})
		})
	}
}

// event is one of an execution's history.
func event(id int, at time.Time, state, input string) object {
	return object{"id": id, "timestamp": at.Unix(), "type": "TaskStateEntered", "stateEnteredEventDetails": object{"name": state, "input": input}}
}

func TestFollowShowsEveryStateOnceAndCountsTheChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		stack := f.find(t)
		started := time.Now()
		// A poll a second: what has been entered by then, and how many changes have ended.
		polls := []struct {
			entered   []string
			mapRuns   bool
			outcomes  int
			wantState string
		}{
			{[]string{"LoadCatalog", "Wait for the catalog"}, false, 0, "Wait for the catalog"},
			{[]string{"PlanWorkflows", "ApplyChanges"}, true, 0, "ApplyChanges"},
			{nil, true, 2, "ApplyChanges"},
			{[]string{"Report", "Succeeded"}, true, 0, "Succeeded"},
		}
		var events []object
		poll := -1
		f.states = map[string]func(object) any{
			"DescribeExecution": func(object) any {
				poll++
				for range polls[poll].outcomes {
					f.put(t, fmt.Sprintf("%s%d.json", keys.Outcomes("e1"), poll*10+len(events)), 1)
					events = append(events, object{"id": len(events) + 1, "timestamp": time.Now().Unix(), "type": "MapIterationSucceeded"})
				}
				for _, s := range polls[poll].entered {
					input := `{"plan": {"toApply": 4}, "locked": {"catalog": "hr", "execution": "other"}}`
					events = append(events, event(len(events)+1, time.Now(), s, input))
				}
				status := "RUNNING"
				if poll == len(polls)-1 {
					status = "SUCCEEDED"
				}
				return object{"executionArn": "a:e1", "stateMachineArn": "m", "status": status, "startDate": started.Unix(), "stopDate": started.Unix() + 3}
			},
			"GetExecutionHistory": func(in object) any {
				list := slices.Clone(events)
				if in["reverseOrder"] == true {
					slices.Reverse(list)
				}
				return object{"events": list}
			},
			"ListMapRuns": func(object) any {
				runs := []object{}
				if polls[poll].mapRuns {
					runs = append(runs, object{"executionArn": "a:e1", "mapRunArn": "r", "stateMachineArn": "m", "startDate": started.Unix() + 1})
				}
				return object{"mapRuns": runs}
			},
		}
		var entered []string
		var last deployed.Progress
		end, err := stack.Follow(t.Context(), "a:e1", func(p deployed.Progress) {
			if p.State != polls[poll].wantState || (p.Locked != nil) != (poll == 0) {
				t.Errorf("poll %d: %+v, want state %s, and a lock only while it waits for one", poll, p, polls[poll].wantState)
			}
			for _, s := range p.Entered {
				entered = append(entered, s.State)
			}
			last = p
		})
		if err != nil || end.Status != "SUCCEEDED" || end.Execution != "e1" || end.Took != 3*time.Second {
			t.Errorf("%+v, %v", end, err)
		}
		want := []string{"LoadCatalog", "Wait for the catalog", "PlanWorkflows", "ApplyChanges", "Report", "Succeeded"}
		if diff := cmp.Diff(want, entered); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if last.Applied != 2 || last.Total != 4 {
			t.Errorf("%d of %d changes, want 2 of 4", last.Applied, last.Total)
		}
	})
}

func TestLeftNeedsSomethingToGoBy(t *testing.T) {
	cases := map[string]struct {
		p    deployed.Progress
		want time.Duration
	}{
		"a quarter": {deployed.Progress{Applied: 10, Total: 40, Mapped: 20 * time.Second}, time.Minute},
		"none yet":  {deployed.Progress{Total: 40, Mapped: 20 * time.Second}, 0},
		"too early": {deployed.Progress{Applied: 1, Total: 40, Mapped: time.Second}, 0},
		"all":       {deployed.Progress{Applied: 40, Total: 40, Mapped: time.Minute}, 0},
	}
	for name, c := range cases {
		if got := c.p.Left(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestReportsAreThereOnlyWhenTheExecutionCameSoFar(t *testing.T) {
	f := &fake{}
	stack := f.find(t)
	catalogs := object{"Catalogs": []object{{"Name": "hr"}, {"Name": "sales"}}}
	f.put(t, keys.Desired("no-report"), catalogs)
	f.put(t, keys.Desired("all"), catalogs)
	for _, name := range []string{"hr", "sales"} {
		f.put(t, keys.Report(name, "all", "report.json"), object{"catalog": name})
	}
	for execution, want := range map[string][]string{"no-catalog": nil, "no-report": nil, "all": {"hr", "sales"}} {
		reports, err := stack.Reports(t.Context(), execution)
		var got []string
		for _, r := range reports {
			got = append(got, r.Catalog)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: reports of %v, %v; want %v", execution, got, err, want)
		}
	}
	if got, want := stack.ReportURI("hr", "all"), "s3://artifacts/reports/hr/all/report.html"; got != want {
		t.Errorf("ReportURI = %s, want %s", got, want)
	}
}

// A draft must not start an execution, as a catalog that is uploaded does.
func TestADraftIsNoCatalog(t *testing.T) {
	f := &fake{}
	stack := f.find(t)
	key, err := stack.PutDraft(t.Context(), "hr", []byte("{}"))
	if err != nil || !strings.HasPrefix(key, keys.Drafts) || strings.HasSuffix(key, ".json") {
		t.Errorf("draft %s, %v", key, err)
	}
	if err := stack.DeleteDraft(t.Context(), key); err != nil {
		t.Error(err)
	}
	if _, err := stack.Get(t.Context(), key); err == nil {
		t.Error("the draft is still there")
	}
	if _, err := stack.Upload(t.Context(), "hr", []byte("{}")); err != nil {
		t.Error(err)
	}
	if body, err := stack.Get(t.Context(), keys.Catalog("hr")); err != nil || string(body) != "{}" {
		t.Errorf("%s, %v", body, err)
	}
}

package statemachine_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/landfall/landfall/internal/watch"
)

// invoke calls a function as EventBridge does, and returns its answer and its log.
func (f *flow) invoke(function, event string) (watch.Result, string) {
	f.t.Helper()
	out := must(f.t)(f.lambda.Invoke(f.t.Context(), &lambda.InvokeInput{FunctionName: &function, Payload: []byte(event), LogType: lambdatypes.LogTypeTail})).(*lambda.InvokeOutput)
	log := must(f.t)(base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))).([]byte)
	if out.FunctionError != nil {
		f.t.Fatalf("%s\n%s", out.Payload, log)
	}
	var result watch.Result
	if err := json.Unmarshal(out.Payload, &result); err != nil {
		f.t.Fatal(err)
	}
	return result, string(log)
}

// The real binary sees what the state machine deployed, and its metrics are in its log.
func TestTheWatchSeesWhatWasDeployed(t *testing.T) {
	f := deploy(t, blueprint(t, layout))
	function := f.function("watchtables")
	f.upload("hr", `{"Defaults": {"SecretName": "s"}, "WorkflowList": [{"SourceTable": "hr.a", "JobScheduleType": "Cron"}, {"SourceTable": "hr.b"}]}`)
	wantEnd(t, f.execute(`{}`), sfntypes.ExecutionStatusSucceeded, "")
	got, log := f.invoke(function, `{"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}`)
	if got.Scheduled != 1 || len(got.Stale) != 0 {
		t.Errorf("%+v, want the one table with a schedule, not late", got)
	}
	if !strings.Contains(log, `"Namespace":"Landfall"`) || !strings.Contains(log, `"TablesScheduled":1`) || !strings.Contains(log, `"Stack":"Landfall"`) {
		t.Errorf("there are no metrics in the log:\n%s", log)
	}
	jobs := must(t)(f.glue.GetJobs(t.Context(), &glue.GetJobsInput{})).(*glue.GetJobsOutput)
	got, _ = f.invoke(function, `{"detail-type": "Glue Job State Change", "source": "aws.glue", "detail": {"jobName": "`+*jobs.Jobs[0].Name+`", "state": "FAILED", "jobRunId": "jr_1", "message": "no route"}}`)
	if got.Failed != "" {
		t.Errorf("a job without Landfall's tags was counted for %s", got.Failed)
	}
}

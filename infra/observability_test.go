package main

import (
	"encoding/json"
	"fmt"
	"go/constant"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// A metric that an alarm or the dashboard reads under a name that no function
// writes is silent for ever, and so is a query for a log line of another wording.
func TestAlarmsAndDashboardReadWhatTheFunctionsWrite(t *testing.T) {
	text, parsed := synth(t, "landing")
	written := metricNames(t)
	read := map[string]bool{}
	for _, r := range parsed.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" && r.Properties["Namespace"] == "Landfall" {
			read[r.Properties["MetricName"].(string)] = true
		}
	}
	if len(read) != 3 {
		t.Errorf("alarms read %v, want three metrics of ours", read)
	}
	for _, m := range regexp.MustCompile(`\\"Landfall\\",\\"(\w+)\\",\\"Stack\\"|MetricName=\\+"(\w+)\\`).FindAllStringSubmatch(text, -1) {
		read[m[1]+m[2]] = true
	}
	if len(read) < 10 {
		t.Errorf("only %v was found: the search is broken", read)
	}
	for name := range read {
		if !slices.Contains(written, name) {
			t.Errorf("metric %s is read and never written", name)
		}
	}
	files, err := filepath.Glob("../internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code += string(data)
	}
	queries := regexp.MustCompile(`filter msg = \\+"([^\\]+)\\`).FindAllStringSubmatch(text, -1)
	if len(queries) != 3 {
		t.Errorf("%d queries of logs, want 3", len(queries))
	}
	for _, q := range queries {
		if !strings.Contains(code, `"`+q[1]+`"`) {
			t.Errorf("no function logs %q", q[1])
		}
	}
}

// metricNames are the constants Metric… of telemetry.
func metricNames(t *testing.T) []string {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps, Dir: ".."}, "./internal/telemetry")
	if err != nil || packages.PrintErrors(loaded) > 0 {
		t.Fatalf("load telemetry: %v", err)
	}
	var names []string
	scope := loaded[0].Types.Scope()
	for _, name := range scope.Names() {
		if c, ok := scope.Lookup(name).(*types.Const); ok && strings.HasPrefix(name, "Metric") {
			names = append(names, constant.StringVal(c.Val()))
		}
	}
	return names
}

func TestEveryAlarmTellsTheTopicAndSaysWhatToDo(t *testing.T) {
	_, parsed := synth(t, "landing")
	var names []string
	for id, r := range parsed.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		names = append(names, r.Properties["AlarmName"].(string))
		if actions := fmt.Sprint(r.Properties["AlarmActions"]); !strings.Contains(actions, "Notices") {
			t.Errorf("%s tells %s, not the topic", id, actions)
		}
		if description := fmt.Sprint(r.Properties["AlarmDescription"]); strings.Count(description, ".") < 2 {
			t.Errorf("%s does not say what happened and what to do: %s", id, description)
		}
	}
	slices.Sort(names)
	want := []string{"Landfall-ExecutionFailed", "Landfall-JobsFailed", "Landfall-TablesFailed", "Landfall-TablesStale", "Landfall-UploadsUndelivered", "Landfall-WatchFailed"}
	if !slices.Equal(names, want) {
		t.Errorf("alarms %v, want %v", names, want)
	}
}

// EventBridge calls watchtables in the two cases that the function tells apart, and for no other state of a job run.
func TestTheWatchIsCalledHourlyAndForFailedJobRuns(t *testing.T) {
	_, parsed := synth(t, "landing")
	var calls []string
	for _, r := range parsed.Resources {
		if r.Type != "AWS::Events::Rule" || !strings.Contains(fmt.Sprint(r.Properties["Targets"]), "WatchTables") {
			continue
		}
		pattern, err := json.Marshal(r.Properties["EventPattern"])
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, fmt.Sprint(r.Properties["ScheduleExpression"], " ", string(pattern)))
	}
	slices.Sort(calls)
	want := []string{
		`<nil> {"detail":{"state":["FAILED","TIMEOUT"]},"detail-type":["Glue Job State Change"],"source":["aws.glue"]}`,
		`rate(1 hour) null`,
	}
	if !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
}

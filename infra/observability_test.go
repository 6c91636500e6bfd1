package main

import (
	"encoding/json"
	"fmt"
	"go/constant"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/landfall/landfall/internal/telemetry"
)

// A metric that an alarm or the dashboard reads and no function writes is silent
// for ever, and so is a query for a log message that no function logs. The names
// are constants of telemetry; each one that is read must be used by a function.
func TestAlarmsAndDashboardReadWhatTheFunctionsWrite(t *testing.T) {
	text, parsed := synth(t, "landing")
	read := map[string]bool{}
	for _, r := range parsed.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" && r.Properties["Namespace"] == telemetry.Namespace {
			read[r.Properties["MetricName"].(string)] = true
		}
	}
	if len(read) == 0 {
		t.Error("no alarm reads a metric of ours: the search is broken")
	}
	for _, m := range regexp.MustCompile(`\\"Landfall\\",\\"(\w+)\\",\\"Stack\\"|MetricName=\\+"(\w+)\\|filter msg = \\+"([^\\]+)\\`).FindAllStringSubmatch(text, -1) {
		read[m[1]+m[2]+m[3]] = true
	}
	written := writtenNames(t)
	for _, name := range []string{telemetry.MetricStale, telemetry.MetricJobFailed, telemetry.MetricChange, telemetry.TableStale, telemetry.ChangeFailed} {
		if !read[name] {
			t.Errorf("%q is not read: the search is broken, or the dashboard lost it", name)
		}
	}
	for name := range read {
		if !written[name] {
			t.Errorf("%q is read and no function writes it", name)
		}
	}
}

// writtenNames are the constants of telemetry that the use cases refer to.
func writtenNames(t *testing.T) map[string]bool {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps, Dir: ".."},
		"./internal/reconcile/...", "./internal/report", "./internal/watch")
	if err != nil || packages.PrintErrors(loaded) > 0 {
		t.Fatalf("load the use cases: %v", err)
	}
	written := map[string]bool{}
	for _, p := range loaded {
		for _, used := range p.TypesInfo.Uses {
			if c, ok := used.(*types.Const); ok && c.Pkg() != nil && strings.HasSuffix(c.Pkg().Path(), "internal/telemetry") {
				written[constant.StringVal(c.Val())] = true
			}
		}
	}
	return written
}

func TestEveryAlarmNotifiesTheTopicAndSaysWhatToDo(t *testing.T) {
	_, parsed := synth(t, "landing")
	var names []string
	for id, r := range parsed.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		names = append(names, r.Properties["AlarmName"].(string))
		if actions := fmt.Sprint(r.Properties["AlarmActions"]); !strings.Contains(actions, "Notices") {
			t.Errorf("%s notifies %s, not the topic", id, actions)
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

// EventBridge calls watchtables in the two cases that the function distinguishes, and for no other state of a job run.
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

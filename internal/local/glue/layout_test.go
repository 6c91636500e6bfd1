package glue_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

// generator is a layout with one job whose further arguments are the Python text.
func generator(arguments string) string {
	return `
def generate_layout(user_params, system_params):
    job = Job(Name="j", Role="r", ` + arguments + `)
    return Workflow(Name="w", Entities=Entities(Jobs=[job]))`
}

const command = `Command={"Name": "glueetl", "ScriptLocation": "s3://s/x.py"}, `

func TestLayoutErrors(t *testing.T) {
	tests := map[string]struct {
		reason string
		code   string
		want   string // after the prefix
	}{
		"Connections": {
			reason: "Connections must be dict",
			code:   generator(command + `Connections=["foo"]`),
			want:   "TypeError: Value ['foo'] for key Connections should be of type <class 'dict'>!",
		},
		"WorkerType": {
			reason: "only Standard, G.1X, G.2X",
			code:   generator(command + `WorkerType="G.4X"`), want: "TypeError: G.4X is not a valid value for worker type",
		},
		"Ray": {
			reason: "glueray rejected",
			code:   generator(`Command={"Name": "glueray", "ScriptLocation": "s3://s/x.py"}`),
			want:   "TypeError: glueray is not a valid value for key Name in Command",
		},
		"MaxCapacity": {
			reason: "MaxCapacity must be float",
			code:   generator(command + `MaxCapacity=1`), want: "TypeError: Value 1 for key MaxCapacity should be of type <class 'float'>!",
		},
		"Required": {
			reason: "Name, Role, Command required",
			code:   generator(""), want: "TypeError: Required Fields for Job were missing: ['Command']",
		},
		"NoJobs": {
			reason: "omitting Jobs → TypeError 'NoneType' … not iterable",
			code:   "def generate_layout(u, s): return Workflow(Name='w', Entities=Entities(Crawlers=[]))", want: "TypeError: 'NoneType' object is not iterable",
		},
		"Raises":  {reason: "<ExcType>: <msg>", code: "def generate_layout(u, s): raise KeyError('x')", want: "KeyError: 'x'"},
		"Exits":   {reason: "the process always answers", code: "import sys\ndef generate_layout(u, s): sys.exit(3)", want: "SystemExit: 3"},
		"Nothing": {reason: "-> awsglue.blueprint.workflow.Workflow", code: "def generate_layout(u, s): pass", want: "AttributeError: 'NoneType' object has no attribute 'to_json'"},
		"Import": {
			reason: "If the wrong module is imported → No module named 'pyspark_of_glue'",
			code:   "import pyspark_of_glue", want: "ModuleNotFoundError: No module named 'pyspark_of_glue'",
		},
		"NoFunction": {reason: "layoutGenerator names a function", code: "x = 1", want: "AttributeError: module 'layout' has no attribute 'generate_layout'"},
		"Dies":       {reason: "a process that dies is another failure than one that raises", code: "import os\nos._exit(7)", want: "the process ended without an answer: exit status 7"},
		"NotJSON": {
			reason: "a layout that has no JSON",
			code:   generator(command + `DefaultArguments={"--a": object}`), want: "TypeError: Object of type type is not JSON serializable",
		},
	}
	s, kept := start(t, nil), start(t, func(c *glue.Config) { c.KeepPython = true })
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := kept.runLayout(tc.code); !strings.HasPrefix(aws.ToString(got.ErrorMessage), "Unknown error executing layout generator function "+tc.want) {
				t.Errorf("in a process that is kept: got %s", aws.ToString(got.ErrorMessage))
			}
			run := s.runLayout(tc.code)
			want := "Unknown error executing layout generator function " + tc.want
			if got := aws.ToString(run.ErrorMessage); run.State != types.BlueprintRunStateFailed || !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s: %s\nwant %s", tc.reason, run.State, got, want)
			}
		})
	}
}

// TestLayoutTraps: what the library drops without a word.
func TestLayoutTraps(t *testing.T) {
	s := start(t, nil)
	run := s.runLayout(generator(command + `MaxRetries=0, Timeout=0, Description="lost", ExecutionClass="FLEX",
        JobRunQueuingEnabled=True, MaintenanceWindow="Sun:10", WorkerType="G.2X", NumberOfWorkers=3, Tags={"a": "b"}`))
	if run.State != types.BlueprintRunStateSucceeded {
		t.Fatal(aws.ToString(run.ErrorMessage))
	}
	j := onlyJob(s)
	// "falsy values dropped (MaxRetries=0, Timeout=0 never sent)": the service's default comes back.
	if j.MaxRetries != 0 || *j.Timeout != 480 {
		t.Errorf("MaxRetries %d, Timeout %d", j.MaxRetries, *j.Timeout)
	}
	// "Description kwarg ignored (bug: reads lower-case)"
	if j.Description != nil {
		t.Errorf("Description %q", *j.Description)
	}
	// "Unknown kwargs silently dropped: ExecutionClass (FLEX), JobRunQueuingEnabled, JobMode, MaintenanceWindow, …"
	if j.ExecutionClass != "" || *j.JobRunQueuingEnabled || j.MaintenanceWindow != nil {
		t.Errorf("%q %v %v", j.ExecutionClass, *j.JobRunQueuingEnabled, j.MaintenanceWindow)
	}
	if *j.MaxCapacity != 6 || *j.NumberOfWorkers != 3 {
		t.Errorf("MaxCapacity %v", *j.MaxCapacity)
	}
}

func onlyJob(s *service) types.Job {
	s.t.Helper()
	out, err := s.GetJobs(s.t.Context(), &sdk.GetJobsInput{})
	s.must(err)
	if len(out.Jobs) != 1 {
		s.t.Fatalf("%d jobs", len(out.Jobs))
	}
	return out.Jobs[0]
}

// "the service calls workflow.to_json(name_suffix)-equivalent. overriding Workflow.to_json in a subclass worked"
func TestLayoutMayOverrideToJSON(t *testing.T) {
	s := start(t, nil)
	run := s.runLayout(`
class Flex(Workflow):
    def to_json(self, name_suffix=""):
        result = super().to_json(name_suffix)
        result["Jobs"][0]["ExecutionClass"] = "FLEX"
        return result

def generate_layout(user_params, system_params):
    job = Job(Name="j", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://s/x.py"})
    return Flex(Name="w", Entities=Entities(Jobs=[job]))`)
	if run.State != types.BlueprintRunStateSucceeded {
		t.Fatal(aws.ToString(run.ErrorMessage))
	}
	if j := onlyJob(s); j.ExecutionClass != types.ExecutionClassFlex {
		t.Errorf("ExecutionClass %q", j.ExecutionClass)
	}
}

// "One trigger per dependent entity (never merged), conditions use EQUALS"; "starting trigger: SCHEDULED +
// StartOnCreation:true when OnSchedule is given"; "AND/ANY becomes Predicate.Logical".
func TestLayoutTriggers(t *testing.T) {
	s := start(t, nil)
	run := s.runLayout(`
def generate_layout(user_params, system_params):
    command = {"Name": "glueetl", "ScriptLocation": "s3://s/x.py"}
    a = Job(Name="a", Role="r", Command=command)
    c = Crawler(Name="c", Role="r", Targets={"S3Targets": [{"Path": "s3://b/"}]}, DependsOn={a: "SUCCEEDED"})
    b = Job(Name="b", Role="r", Command=command, DependsOn={a: "FAILED", c: "SUCCEEDED"}, WaitForDependencies="ANY")
    return Workflow(Name="w", OnSchedule="cron(0 12 * * ? *)", Entities=Entities(Jobs=[a, b], Crawlers=[c]))`)
	if run.State != types.BlueprintRunStateSucceeded {
		t.Fatal(aws.ToString(run.ErrorMessage))
	}
	triggers, err := s.GetTriggers(t.Context(), &sdk.GetTriggersInput{})
	s.must(err)
	suffix := *triggers.Triggers[len(triggers.Triggers)-1].Actions[0].JobName // w_starting_trigger sorts last
	suffix = strings.TrimPrefix(suffix, "a_")
	var got []string
	for _, tr := range triggers.Triggers {
		s.triggerState(*tr.Name, types.TriggerStateActivated)
		line := fmt.Sprintf("%s %s %s", *tr.Name, tr.Type, aws.ToString(tr.Schedule))
		if tr.Predicate != nil {
			line += string(tr.Predicate.Logical)
			for _, c := range tr.Predicate.Conditions {
				line += fmt.Sprintf(" %s%s %s %s%s", aws.ToString(c.JobName), aws.ToString(c.CrawlerName), c.LogicalOperator, c.State, c.CrawlState)
			}
		}
		for _, a := range tr.Actions {
			line += " -> " + aws.ToString(a.JobName) + aws.ToString(a.CrawlerName)
		}
		got = append(got, strings.ReplaceAll(line, suffix, "S"))
	}
	want := []string{
		"w_b_S_trigger CONDITIONAL ANY a_S EQUALS FAILED c_S EQUALS SUCCEEDED -> b_S",
		"w_c_S_trigger CONDITIONAL  a_S EQUALS SUCCEEDED -> c_S",
		"w_starting_trigger SCHEDULED cron(0 12 * * ? *) -> a_S",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// "Files in the ZIP are opened with the full path from the ZIP folder (cwd is /tmp)"; "no inherited credentials".
func TestLayoutSurroundings(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "inherited")
	t.Setenv("HOME", t.TempDir())
	s := start(t, nil)
	show := `
import json, os, sys
print("a generator may print")
def generate_layout(user_params, system_params):
    raise ValueError(json.dumps({
        "text": open("bp/data.txt").read(), "env": sorted(os.environ), "home": os.environ["HOME"] == os.getcwd(),
        "stdin": sys.stdin.read()}))`
	s.register("bp", s.upload("x/bp.zip", archive(t, map[string]string{
		"bp/blueprint.cfg": `{"layoutGenerator": "bp.layout.generate_layout"}`, "bp/layout.py": show, "bp/data.txt": "hello",
	})))
	run := s.runBlueprint("bp", nil)
	_, text, _ := strings.Cut(aws.ToString(run.ErrorMessage), "ValueError: ")
	var got struct {
		Text, Stdin string
		Env         []string
		Home        bool
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %q", err, aws.ToString(run.ErrorMessage))
	}
	if got.Text != "hello" || got.Stdin != "" || !got.Home {
		t.Errorf("%+v", got)
	}
	for _, name := range got.Env {
		if strings.Contains(name, "SECRET") || strings.Contains(name, "TOKEN") || name == "PATH" {
			t.Errorf("inherited %s", name)
		}
	}
}

// "layoutGenerator must match the form … Mismatch → ModuleNotFoundError: No module named 'crawl_s3_locations'"; "sibling
// modules are not importable unless the generator adds its own folder to sys.path".
func TestLayoutModules(t *testing.T) {
	sibling := "import helper\ndef generate_layout(u, s): raise ValueError('imported')"
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"FolderNameInRootForm": {
			files: map[string]string{"blueprint.cfg": `{"layoutGenerator": "crawl_s3_locations.layout.generate_layout"}`, "layout.py": sibling},
			want:  "ModuleNotFoundError: No module named 'crawl_s3_locations'",
		},
		"RootNameInFolderForm": {
			files: map[string]string{"crawl_s3_locations/blueprint.cfg": `{"layoutGenerator": "layout.generate_layout"}`, "crawl_s3_locations/layout.py": sibling},
			want:  "ModuleNotFoundError: No module named 'layout'",
		},
		"Sibling": {
			files: map[string]string{
				"crawl_s3_locations/blueprint.cfg": `{"layoutGenerator": "crawl_s3_locations.layout.generate_layout"}`,
				"crawl_s3_locations/layout.py":     sibling, "crawl_s3_locations/helper.py": "",
			},
			want: "ModuleNotFoundError: No module named 'helper'",
		},
		"SiblingOnPath": {
			files: map[string]string{
				"crawl_s3_locations/blueprint.cfg": `{"layoutGenerator": "crawl_s3_locations.layout.generate_layout"}`,
				"crawl_s3_locations/layout.py":     "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n" + sibling, "crawl_s3_locations/helper.py": "",
			},
			want: "ValueError: imported",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			s.register("b", s.upload("crawl_s3_locations.zip", archive(t, tc.files)))
			run := s.runBlueprint("b", nil)
			if got := aws.ToString(run.ErrorMessage); got != "Unknown error executing layout generator function "+tc.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

// A generator has a time limit, and what it started ends with it.
func TestLayoutTimeLimit(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Unknowns.LayoutTimeout = 500 * time.Millisecond })
	pid := filepath.Join(t.TempDir(), "pid")
	run := s.runLayout(fmt.Sprintf(`
import subprocess, sys, time
def generate_layout(user_params, system_params):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(%q, "w").write(str(child.pid))
    time.sleep(600)`, pid))
	if got := aws.ToString(run.ErrorMessage); !strings.Contains(got, "TimeoutError: the layout generator took longer than 500ms") {
		t.Errorf("got %s", got)
	}
	if content, err := os.ReadFile(pid); err == nil { // else it did not get as far as to start one
		until(t, func() (string, bool) {
			state, err := os.ReadFile("/proc/" + string(content) + "/stat")
			return string(state), err != nil || strings.Contains(string(state), ") Z ")
		})
	}
}

// Runs in a process that is kept do not see each other, and one that ends the process costs no other run.
func TestKeptProcessesForkForEachRun(t *testing.T) {
	t.Parallel() // it waits for a limit that no other run of it may reach
	s := start(t, func(c *glue.Config) { c.KeepPython, c.Unknowns.LayoutTimeout = true, 10*time.Second })
	name := "forks"
	b := s.register(name, s.upload(name+".zip", archive(t, map[string]string{
		"blueprint.cfg": `{"layoutGenerator": "layout.generate_layout", "parameterSpec": {"Mode": {"type": "String"}}}`,
		"layout.py": `
import os, time
from awsglue.blueprint.workflow import *
from awsglue.blueprint.job import *
runs = []
def generate_layout(user_params, system_params):
    runs.append(1)
    if len(runs) > 1:
        raise ValueError("another run was here")
    if user_params.get("Mode") == "dies":
        os._exit(3)
    if user_params.get("Mode") == "hangs":
        time.sleep(600)
    job = Job(Name="j" + user_params["Mode"], Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://s/x.py"})
    return Workflow(Name="w" + user_params["Mode"], Entities=Entities(Jobs=[job]))`,
	})))
	if b.Status != types.BlueprintStatusActive {
		t.Fatal(aws.ToString(b.ErrorMessage))
	}
	for _, c := range []struct{ mode, want string }{
		{"1", ""}, {"2", ""}, {"dies", "the process ended without an answer: exit status 3"}, {"3", ""}, {"hangs", "TimeoutError"}, {"4", ""},
	} {
		run := s.runBlueprint(name, map[string]any{"Mode": c.mode})
		if got := aws.ToString(run.ErrorMessage); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.mode, got, c.want)
		}
	}
}

// The awsglue package keeps to Python 3.6: "Which Python the generator runs: UNKNOWN".
func TestLibraryParsesAsPython36(t *testing.T) {
	files, err := filepath.Glob("generator/awsglue/*/*.py")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range append(files, "generator/awsglue/host.py") {
		out, err := exec.Command(python(t), "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))", name).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}

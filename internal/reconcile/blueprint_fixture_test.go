package reconcile_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"testing"

	"github.com/landfall/landfall/internal/catalog"
)

const layoutSource = `
from awsglue.blueprint.workflow import Workflow, Entities
from awsglue.blueprint.job import Job


def generate_layout(user_params, system_params):
    name = user_params["WorkflowName"]
    if user_params["SourceTable"].endswith(".raises"):
        raise ValueError("no layout for " + user_params["SourceTable"])
    tags = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    job = Job(Name=name + "_land", Role=user_params["GlueExecutionRole"], Tags=tags, WorkerType=user_params["WorkerType"],
        NumberOfWorkers=user_params["NumberOfWorkers"], GlueVersion="5.1",
        DefaultArguments={"--secret_name": user_params["SecretName"]}, Command={
        "Name": "glueetl", "ScriptLocation": user_params["ScriptLocation"], "PythonVersion": "3"})
    schedule = "cron(%s)" % user_params["ScheduleCronPattern"] if user_params["JobScheduleType"] == "Cron" else None
    return Workflow(Name=name, Entities=Entities(Jobs=[job], Crawlers=[]), OnSchedule=schedule, Tags=tags, DefaultRunProperties={
        "landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]})
`

func blueprintZIP(t testing.TB, source string) []byte { return blueprintWith(t, source, nil) }

// blueprintWith is a layout's ZIP; own are parameters beyond Landfall's.
func blueprintWith(t testing.TB, source string, own map[string]string) []byte {
	t.Helper()
	spec := map[string]map[string]string{}
	for _, p := range catalog.Parameters() {
		spec[p.Name] = map[string]string{"type": p.Type}
	}
	for name, kind := range own {
		spec[name] = map[string]string{"type": kind}
	}
	config, err := json.Marshal(map[string]any{"layoutGenerator": "layout.generate_layout", "parameterSpec": spec})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, body := range map[string]string{"blueprint.cfg": string(config), "layout.py": source} {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

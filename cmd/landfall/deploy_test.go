package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	localglue "github.com/landfall/landfall/internal/localaws/glue"
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

const smallCatalog = `{"Defaults": {"SecretName": "s"}, "WorkflowList": [
	{"SourceTable": "hr.employees", "JobScheduleType": "Cron", "ScheduleCronPattern": "10 21 * * ? *"},
	{"SourceTable": "hr.raises"}]}`

func TestDeploy(t *testing.T) {
	d := deployStack(t, localglue.Config{})
	_ = d
	code, out, talk := landfall(t, "deploy", writeCatalog(t, "hr", smallCatalog))
	t.Log(code, "\n"+out, "\n"+talk)
	code, out, talk = landfall(t, "plan")
	t.Log(code, "\n"+out, "\n"+talk)
	code, out, talk = landfall(t, "status")
	t.Log(code, "\n"+out, "\n"+talk)
}
